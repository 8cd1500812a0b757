// The switch between dark and light.

import { setAttribute } from "../dom.js";
import { THEME } from "../texts.js";
import { onThemeChange, theme, toggleTheme } from "../theme.js";

const MARKUP = `
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
    <path class="sun" d="M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600L16 16M4 16l1.400-1.400M14.600 5.400L16 4"></path>
    <path class="moon" d="M16.500 12.500A7 7 0 0 1 7.500 3.500a7 7 0 1 0 9 9z"></path>
  </svg>`;

/** @param {HTMLElement} button */
export function mountThemeButton(button) {
  button.innerHTML = MARKUP;
  const render = () => {
    const label = theme() === "dark" ? THEME.toLight : THEME.toDark;
    setAttribute(button, "aria-label", label);
    setAttribute(button, "title", label);
  };
  button.addEventListener("click", toggleTheme);
  onThemeChange(render);
  render();
}
