// The market for whoever operates it: phases, accounts, and how all workers are.

import { part } from "../dom.js";
import { MARKET, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { AccountsList } from "./accounts-list.js";
import { Health } from "./health.js";
import { Phases } from "./phases.js";

const MARKUP = `
  <section class="panel phases" aria-labelledby="phases-title"></section>
  <section class="panel health" aria-labelledby="health-title"></section>
  <section class="panel accounts" aria-labelledby="accounts-title"></section>
  <p class="hint read-only" hidden>${MARKET.readOnly}</p>`;

export class MarketScreen {
  #root;
  #actions;
  #phases;
  #accounts;
  #health;

  /** @param {HTMLElement} root @param {{ ask: Function, askAll: Function, toast: Function, dialog: object }} actions */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = { ...actions, attempt: (act) => this.#attempt(act) };
    root.innerHTML = MARKUP;
    this.#phases = new Phases(part(root, ".phases"), this.#actions);
    this.#accounts = new AccountsList(part(root, ".accounts"), this.#actions);
    this.#health = new Health(part(root, ".health"), () => actions.askAll("health"));
  }

  /** While the screen is shown; null when it is no more. */
  update(state) {
    this.#accounts.update(state);
    this.#health.update(state);
    if (state === null) return;
    part(this.#root, ".read-only").hidden = state.role !== "auditor";
    this.#phases.show(state);
  }

  async #attempt(act) {
    try {
      this.#actions.toast((await act()).detail);
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      this.#actions.toast(error.name === "Unanswered" ? UNANSWERED : sentence(error), "bad");
    }
  }
}
