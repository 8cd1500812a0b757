// One dialog for whatever is asked or told in between: a title, what is inside, and a button to close it.

import { fromMarkup, part, setText } from "../dom.js";
import { CLOSE } from "../texts.js";

const MARKUP = `<div class="dialog-body">
  <button type="button" class="icon-button close" aria-label="${CLOSE}">
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
  </button>
  <h2 id="dialog-title"></h2>
</div>`;

export class Dialog {
  #dialog;

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog) dialog.close(); // The backdrop.
    });
    dialog.addEventListener("close", () => dialog.replaceChildren());
  }

  /** Shows static markup under a title; returns the element that holds it. `wide` for tables. */
  show(title, markup, { wide = false } = {}) {
    const body = fromMarkup(MARKUP);
    const content = fromMarkup(`<div class="dialog-content">${markup}</div>`);
    body.append(content);
    this.#dialog.replaceChildren(body);
    this.#dialog.classList.toggle("wide-dialog", wide);
    setText(part(body, "h2"), title);
    part(body, ".close").addEventListener("click", () => this.close());
    if (!this.#dialog.open) this.#dialog.showModal();
    content.querySelector("input, select, textarea")?.focus();
    return content;
  }

  close() {
    this.#dialog.close();
  }
}
