// On a small screen: which part of the page is shown.

import { VIEWS } from "../texts.js";

/** @param {HTMLElement} root @param {() => void} chosen a button was pressed @returns {(view: string) => void} shows a view */
export function mountViews(root, chosen) {
  for (const [view, title] of Object.entries(VIEWS)) {
    const button = document.createElement("button");
    button.type = "button";
    button.value = view;
    button.textContent = title;
    root.append(button);
  }
  const show = (view) => {
    document.body.dataset.view = view;
    for (const button of root.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === view));
  };
  root.addEventListener("click", (event) => {
    if (!event.target.value) return;
    show(event.target.value);
    chosen();
  });
  show("chart");
  return show;
}
