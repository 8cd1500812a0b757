// All accounts, a page at a time; for operators a way to open one, and to manage each.

import { part, setText } from "../dom.js";
import { formatMoney, formatQuantity, formatSigned, parsePrice } from "../money.js";
import { Poll } from "../poll.js";
import { ACCOUNTS as TEXTS, LOADING, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { fieldMarkup, onSubmit, submitMarkup } from "./form.js";
import { manageAccount } from "./manage-account.js";
import { directionOf } from "./symbols.js";
import { Table } from "./table.js";

const PAGE = 50;
const LOOK_MS = 3_000;

const MARKUP = `
  <header class="panel-title"><h2 id="accounts-title">${TEXTS.title}</h2>
    <input type="search" class="small-input" aria-label="${TEXTS.find}" placeholder="${TEXTS.find}" maxlength="32" autocapitalize="none" spellcheck="false">
    <span class="range number"></span>
    <div class="buttons">
      <button type="button" class="small-button" name="previous">${TEXTS.older}</button><button type="button" class="small-button" name="next">${TEXTS.newer}</button>
      <button type="button" class="primary" name="open">${TEXTS.open}</button>
    </div>
  </header>
  <div class="scrolls"></div>`;

export class AccountsList {
  #root;
  #actions;
  #table;
  #poll;
  #after = 0;
  #state = null;

  /** @param {HTMLElement} root @param {{ ask: Function, toast: Function, dialog: object }} actions */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#table = new Table(part(root, ".scrolls"), TEXTS.columns, { buttons: true });
    const search = part(root, "input");
    this.#poll = new Poll(() => actions.ask("accounts", { after: this.#after, limit: PAGE, prefix: search.value }), LOOK_MS, (page, error) => this.#told(page, error));
    search.addEventListener("input", () => this.#turn(0));
    part(root, "[name=previous]").addEventListener("click", () => this.#turn(Math.max(0, this.#after - PAGE)));
    part(root, "[name=next]").addEventListener("click", () => this.#turn(this.#after + PAGE));
    part(root, "[name=open]").addEventListener("click", () => this.#open());
    part(root, ".scrolls").addEventListener("click", ({ target }) => {
      if (target.name !== "manage") return;
      manageAccount(actions, target.closest("tr").dataset.key, this.#state, () => this.#poll.start());
    });
    this.#table.show(null, LOADING);
  }

  /** While the screen is shown; null when it is no more. */
  update(state) {
    const begins = (state === null) !== (this.#state === null);
    this.#state = state;
    if (state !== null) part(this.#root, "[name=open]").hidden = state.role !== "operator";
    if (!begins) return;
    if (state === null) this.#poll.stop();
    else this.#poll.start();
  }

  #turn(after) {
    this.#after = after;
    this.#poll.start();
  }

  #told(page, error) {
    const button = this.#state.role === "operator" ? TEXTS.manage : TEXTS.view;
    if (page === null) return this.#table.show(null, error.name === "Unanswered" ? UNANSWERED : sentence(error));
    const { accounts, complete } = page;
    this.#table.show(accounts.map((account) => rowOf(account, button)), TEXTS.empty);
    part(this.#root, "[name=previous]").disabled = this.#after === 0;
    part(this.#root, "[name=next]").disabled = complete;
    setText(part(this.#root, ".range"), accounts.length === 0 ? "" : TEXTS.range(this.#after + 1, this.#after + accounts.length));
  }

  #open() {
    const { dialog, ask, toast } = this.#actions;
    const roles = Object.entries(TEXTS.roles).map(([role, title]) => `<option value="${role}">${title}</option>`).join("");
    const markup = [
      fieldMarkup("open", "account", TEXTS.name, '<input maxlength="32" autocapitalize="none" autocomplete="off" spellcheck="false">'),
      fieldMarkup("open", "password", TEXTS.password, '<input type="password" autocomplete="new-password">'),
      fieldMarkup("open", "role", TEXTS.role, `<select>${roles}</select>`),
      fieldMarkup("open", "cash", TEXTS.cash, '<input inputmode="decimal" autocomplete="off">'),
    ].join("");
    const content = dialog.show(TEXTS.open, `<form>${markup}${submitMarkup(TEXTS.open)}</form>`);
    onSubmit(part(content, "form"), {
      busy: TEXTS.opening,
      fieldOf: ({ reason }) => ({ account: "account", account_name: "account", password: "password" })[reason] ?? "form",
      submit: async ({ account, password, role, cash }) => {
        const amount = cash.trim() === "" ? {} : parsePrice(cash);
        if (amount.problem !== undefined) return { cash: amount.problem };
        await ask("create_account", { account, password, role, ...(amount.units === undefined ? {} : { cash: amount.units }) });
        dialog.close();
        toast(TEXTS.opened(account));
        this.#poll.start();
        return null;
      },
    });
  }
}

function rowOf({ account, standing, cash, equity, realized, orders }, text) {
  return {
    key: account,
    cells: [account, TEXTS.standings[standing], formatMoney(cash), formatMoney(equity), formatSigned(realized), formatQuantity(orders)],
    directions: { 4: directionOf(realized) },
    buttons: [{ name: "manage", text, label: `${text} ${account}` }],
  };
}
