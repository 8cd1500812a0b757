// Dark and light: the system's choice until somebody chooses here. Colours are the style sheet's custom properties.

const KEY = "exchange.theme";
const listeners = new Set();
const system = matchMedia("(prefers-color-scheme: dark)");

/** "dark" or "light", whichever is shown now. */
export function theme() {
  return document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
}

/** Takes up what was chosen on an earlier visit. */
export function restoreTheme() {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  system.addEventListener("change", tell);
}

/** Shows the other one, and remembers it. */
export function toggleTheme() {
  document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme());
  tell();
}

/** Calls back after every change of colours. */
export function onThemeChange(listener) {
  listeners.add(listener);
}

/** The value of a colour property as the canvas understands it. */
export function colour(name) {
  const key = `${theme()}${name}`;
  if (!resolved.has(key)) {
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    resolved.set(key, getComputedStyle(probe).color);
    probe.remove();
  }
  return resolved.get(key);
}

const probe = document.createElement("span");
const resolved = new Map();

function tell() {
  for (const listener of listeners) listener();
}
