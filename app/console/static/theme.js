// Bootstrap is told of the dark theme by an attribute. Loaded before the page is painted.
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
}

applyTheme();
dark.addEventListener("change", applyTheme);
