// One's account: what it is worth and was worth, what it holds, all its orders, its statements, and its rules.

import { part, setAttribute, setText } from "../dom.js";
import { formatMoney, formatSigned } from "../money.js";
import { availableCash, unrealizedOf, worthOf } from "../portfolio.js";
import { ACCOUNT, ACCOUNT_MENU, REGIONS } from "../texts.js";
import { AccountRules } from "./account-rules.js";
import { EquityCurve } from "./equity-curve.js";
import { Holdings } from "./holdings.js";
import { OrderHistory } from "./order-history.js";
import { StatementView } from "./statement-view.js";
import { directionOf } from "./symbols.js";

const SIGNED = ["unrealized", "realized"];

const MARKUP = `
  <section class="panel figures-panel" aria-labelledby="account-title">
    <header class="panel-title"><h1 id="account-title">${ACCOUNT.heading}</h1></header>
    <p class="message standing" data-kind="warning" role="status" hidden></p>
    <dl class="figures">${Object.entries(ACCOUNT.figures).map(([name, title]) => `<div><dt>${title}</dt><dd class="number" data-figure="${name}">–</dd></div>`).join("")}</dl>
    <div class="account-rules"></div>
    <button type="button" class="ghost wide" name="log-ins">${ACCOUNT.settings}</button>
  </section>
  <section class="panel equity" aria-labelledby="equity-title"></section>
  <section class="panel account-holdings" aria-label="${REGIONS.holdings}"></section>
  <section class="panel guest-panel" aria-label="${ACCOUNT.heading}"><p class="empty"></p><div class="buttons"><button type="button" class="primary" name="sign-up">${ACCOUNT_MENU.signUp}</button><button type="button" class="ghost" name="log-in">${ACCOUNT_MENU.logIn}</button></div></section>`;

export class AccountScreen {
  #root;
  #equity;
  #holdings;
  #history;
  #statement;
  #rules;
  #state = null;
  #account = null;
  #report = 0;

  /** @param {HTMLElement} root @param {object} actions those of Holdings, and `ask(question, payload)`, `rules(change)`, `open(mode)`, `openLogIns()`, `toast` */
  constructor(root, actions) {
    this.#root = root;
    root.innerHTML = MARKUP;
    this.#equity = new EquityCurve(part(root, ".equity"), (question) => actions.ask("equity", question));
    const more = { history: ACCOUNT.tabs.history, statement: ACCOUNT.tabs.statement };
    this.#holdings = new Holdings(part(root, ".account-holdings"), actions, { prefix: "account-", more, told: (tab) => this.#look(tab) });
    const { tabs } = this.#holdings;
    this.#history = new OrderHistory(tabs.panel("history"), (question) => actions.ask("history", question));
    this.#statement = new StatementView(tabs.panel("statement"), (question) => actions.ask("statement", question));
    this.#rules = new AccountRules(part(root, ".account-rules"), actions);
    root.addEventListener("click", ({ target }) => {
      if (target.name === "log-ins") actions.openLogIns();
      if (target.name === "sign-up" || target.name === "log-in") actions.open(target.name);
    });
  }

  /** While the screen is shown; null when it is no more. */
  update(state) {
    const isNew = this.#state === null;
    this.#state = state;
    if (state === null) return;
    if (state.account !== this.#account) this.#become(state.account);
    this.#holdings.update(state);
    this.#showFigures(state);
    if (state.account === null) return;
    this.#equity.update(state);
    if (state.portfolio !== null && (isNew || state.portfolio.report !== this.#report)) {
      if (this.#report === -1) this.#rules.load(state.account);
      this.#report = state.portfolio.report;
      this.#look(this.#holdings.tabs.chosen, !isNew);
    }
  }

  #become(account) {
    this.#account = account;
    this.#report = -1;
    this.#equity.clear();
    this.#history.clear();
    this.#rules.load(null);
    if (this.#holdings.tabs.chosen === "statement") this.#look("statement");
    for (const panel of this.#root.children) panel.hidden = (account === null) !== panel.matches(".guest-panel");
  }

  /** Somebody looks at a tab, or (`again`) something happened meanwhile. A statement stays as it was read. */
  #look(tab, again = false) {
    if (this.#state === null || this.#account === null) return;
    if (tab === "history") this.#history.refreshSoon(this.#state.symbols);
    if (tab === "statement" && !again) this.#statement.load(this.#account);
  }

  #showFigures({ account, role, portfolio, symbols, market }) {
    setText(part(this.#root, ".guest-panel .empty"), role === null ? ACCOUNT.guest : ACCOUNT.staff);
    part(this.#root, ".guest-panel .buttons").hidden = role !== null;
    part(this.#root, "[name=sign-up]").hidden = !market.sign_up;
    setText(part(this.#root, "h1"), account ?? ACCOUNT.heading);
    const standing = ACCOUNT.standing[portfolio?.standing] ?? "";
    part(this.#root, ".standing").hidden = standing === "";
    setText(part(this.#root, ".standing"), standing);
    const figures = portfolio === null || symbols === null ? null : figuresOf(portfolio, symbols);
    for (const cell of this.#root.querySelectorAll("[data-figure]")) {
      const units = figures?.[cell.dataset.figure];
      const signed = SIGNED.includes(cell.dataset.figure);
      setText(cell, units === undefined ? "–" : signed ? formatSigned(units) : formatMoney(units));
      setAttribute(cell, "data-direction", signed && units !== undefined ? directionOf(units) : null);
    }
  }
}

function figuresOf(portfolio, symbols) {
  return {
    equity: worthOf(portfolio, symbols),
    cash: portfolio.cash,
    available: availableCash(portfolio),
    held: portfolio.cash_held,
    unrealized: unrealizedOf(portfolio, symbols),
    realized: portfolio.realized,
    fees: portfolio.fees,
  };
}
