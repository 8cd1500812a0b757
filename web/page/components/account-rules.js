// The account's rules for all of its orders: what happens when two of its own meet, and when its connection is lost.

import { part, setText } from "../dom.js";
import { ACCOUNT, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";

const MARKUP = `<form novalidate>
  <h2>${ACCOUNT.rules}</h2>
  <label class="small-field"><span>${ACCOUNT.selfTrade}</span>
    <select name="self_trade" disabled>${Object.entries(ACCOUNT.selfTrades).map(([value, title]) => `<option value="${value}">${title}</option>`).join("")}</select></label>
  <label class="check"><input type="checkbox" name="cancel_on_disconnect" disabled> <span>${ACCOUNT.cancelOnDisconnect}</span></label>
  <p class="message" data-kind="error" aria-live="polite"></p>
</form>`;

export class AccountRules {
  #form;
  #actions;

  /** @param {HTMLElement} root @param {{ rules: (change: object) => Promise<object> }} actions */
  constructor(root, actions) {
    root.innerHTML = MARKUP;
    this.#form = part(root, "form");
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", ({ target }) => this.#ask({ [target.name]: target.type === "checkbox" ? target.checked : target.value }));
  }

  /** Another account, or none. */
  load(account) {
    for (const field of this.#form.elements) field.disabled = true;
    if (account !== null) this.#ask({});
  }

  async #ask(change) {
    setText(part(this.#form, ".message"), "");
    try {
      const { self_trade: selfTrade, cancel_on_disconnect: cancel } = await this.#actions.rules(change);
      this.#form.elements.self_trade.value = selfTrade;
      this.#form.elements.cancel_on_disconnect.checked = cancel;
      for (const field of this.#form.elements) field.disabled = false;
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      setText(part(this.#form, ".message"), error.name === "Unanswered" ? UNANSWERED : sentence(error));
    }
  }
}
