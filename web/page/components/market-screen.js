// The market for whoever operates it: phases, accounts, and how all workers are.

import { part } from "../dom.js";
import { MARKET, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { AccountsList } from "./accounts-list.js";
import { Health } from "./health.js";
import { Phases } from "./phases.js";

const STATUS_MS = 15_000;

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
  #state = null;
  #statuses = new Map();
  #unsubscribe = () => {};
  #asked = 0;

  /** @param {HTMLElement} root @param {{ ask: Function, public: Function, link: object, toast: Function, dialog: object }} actions */
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
    const wasShown = this.#state !== null;
    this.#state = state;
    this.#accounts.update(state);
    this.#health.update(state);
    if (state === null) {
      if (wasShown) this.#unsubscribe();
      return;
    }
    if (!wasShown) this.#begin();
    part(this.#root, ".read-only").hidden = state.role !== "auditor";
    if (performance.now() - this.#asked > STATUS_MS) this.#askStatuses();
    this.#phases.show(state, this.#statuses);
  }

  #begin() {
    this.#asked = -Infinity;
    this.#unsubscribe = this.#actions.link.subscribe("market.*.status", (status) => this.#heard(status));
  }

  #heard(status) {
    const known = this.#statuses.get(status.symbol);
    if (known !== undefined && status.previous !== 0 && status.number < known.number) return;
    this.#statuses.set(status.symbol, status);
    if (this.#state !== null) this.#phases.show(this.#state, this.#statuses);
  }

  async #askStatuses() {
    const { symbols } = this.#state;
    if (symbols === null) return;
    this.#asked = performance.now();
    for (const { symbol } of symbols) {
      try {
        this.#heard(await this.#actions.public("status", { symbol }));
      } catch (error) {
        if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
        return; // Asked again in a while.
      }
    }
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
