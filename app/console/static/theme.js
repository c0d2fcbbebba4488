// Bootstrap is told of the theme by an attribute. Loaded before the page is painted.
// Light and dark follow the system, unless somebody chose one here (kept in this browser).
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const KEY = "gatehouse-theme";
const THEMES = ["auto", "light", "dark"];

function theme() {
  const chosen = localStorage.getItem(KEY);
  return THEMES.includes(chosen) ? chosen : "auto";
}

function applyTheme() {
  const chosen = theme();
  const shown = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset.bsTheme = shown;
}

applyTheme();
dark.addEventListener("change", applyTheme);

document.addEventListener("DOMContentLoaded", () => {
  const menu = document.querySelector("details.menu");
  const narrow = window.matchMedia("(max-width: 991.98px)");
  const fit = () => menu && (menu.open = !narrow.matches);
  fit();
  narrow.addEventListener("change", fit);
  for (const button of document.querySelectorAll("[data-theme]")) {
    const label = () => (button.textContent = button.dataset[theme()]);
    label();
    button.hidden = false;
    button.addEventListener("click", () => {
      localStorage.setItem(KEY, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      applyTheme();
      label();
    });
  }
});
