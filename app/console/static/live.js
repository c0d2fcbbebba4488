// What spares a reload. Every page works without this file; it only makes it quicker.
// Pages say what they want by attributes; what is loaded are whole pages, of which a part is taken.

const TYPING_MILLISECONDS = 250;
const loading = new Map();

function debounce(callback) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...args), TYPING_MILLISECONDS);
  };
}

/** Load a page, and return it as a document; null when a later call has overtaken this one. */
async function load(key, address, options = {}) {
  loading.get(key)?.abort();
  const controller = new AbortController();
  loading.set(key, controller);
  try {
    const answer = await fetch(address, { ...options, signal: controller.signal });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") location.reload();
    const text = await answer.text();
    return new DOMParser().parseFromString(text, "text/html");
  } catch (error) {
    if (error.name !== "AbortError") console.warn(error);
    return null;
  }
}

/** Whether a form says something else than its page did: somebody was quicker than this file. */
function isTouched(form) {
  return [...form.elements].some((field) => {
    if (field.options) {
      const first = [...field.options].findIndex((option) => option.defaultSelected);
      return field.selectedIndex !== Math.max(first, 0);
    }
    if (!("defaultValue" in field)) return false;
    return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  });
}

/** Put the part of a loaded page with this id in the place of ours. */
function take(page, id) {
  const ours = document.getElementById(id);
  const theirs = page?.getElementById(id);
  if (ours && theirs) {
    ours.replaceWith(theirs);
    begin(theirs);
  }
}

/** <form data-search="id">: narrow a list while somebody types or chooses. */
function search(form) {
  const go = debounce(async () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    const address = `${location.pathname}?${query}`;
    take(await load("search", address), form.dataset.search);
    history.replaceState(null, "", address);
  });
  form.addEventListener("input", go);
  if (isTouched(form)) go();
}

/** <form data-preview="id">: show what the form would change, before it is sent. */
function preview(form) {
  const go = debounce(async () => {
    if (!form.checkValidity()) return;
    const body = new FormData(form);
    body.set("preview", "1");
    take(await load("preview", form.action, { method: "POST", body }), form.dataset.preview);
  });
  form.addEventListener("input", go);
  if (isTouched(form)) go();
}

/** <input data-suggest="user">, or the name of the field beside it that says the type. */
function suggest(field) {
  const list = document.createElement("datalist");
  list.id = `${field.id || field.name}-suggested`;
  field.after(list);
  field.setAttribute("list", list.id);
  field.addEventListener(
    "input",
    debounce(async () => {
      const said = field.dataset.suggest;
      const beside = field.form?.elements[said];
      const type = beside && beside !== field ? beside.value : said;
      if (!field.value.trim()) return;
      const answer = await fetch(`/find/${type}?q=${encodeURIComponent(field.value)}`);
      if (!answer.ok) return;
      const options = (await answer.json()).map(({ value, label }) => new Option(label, value));
      list.replaceChildren(...options);
    }),
  );
}

/** <div id data-poll="address" data-every="2000">: look again until the part no longer asks. */
function poll(part) {
  setTimeout(async () => {
    if (!part.isConnected) return;
    const page = await load(`poll ${part.id}`, part.dataset.poll || location.href);
    if (page?.getElementById(part.id)) take(page, part.id);
    else if (part.isConnected) poll(part);
  }, Number(part.dataset.every) || 2000);
}

/** <details data-branch="address">: load what lies within when it is opened first. */
function branch(details) {
  details.addEventListener(
    "toggle",
    async () => {
      const within = details.querySelector("[data-within]");
      const page = await load(details.dataset.branch, details.dataset.branch);
      const loaded = page?.querySelector("[data-branches]");
      if (within && loaded) {
        within.replaceChildren(loaded);
        begin(loaded);
      }
    },
    { once: true },
  );
}

/** <button data-copy="id">: copy the value of a field. */
function copy(button) {
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 2000);
    } catch {
      field.select?.();
    }
  });
}

/** <time>: the local time beside the words. */
function local(time) {
  time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang);
}

const BEHAVIOURS = {
  "form[data-search]": search,
  "form[data-preview]": preview,
  "input[data-suggest]": suggest,
  "[data-poll]": poll,
  "details[data-branch]": branch,
  "[data-copy]": copy,
  "time[datetime]": local,
};

function begin(root) {
  for (const [selector, behaviour] of Object.entries(BEHAVIOURS)) {
    if (root.matches?.(selector)) behaviour(root);
    root.querySelectorAll(selector).forEach(behaviour);
  }
}

begin(document);
// The sign of progress a test can wait for, and a style can show.
document.documentElement.dataset.live = "ready";
