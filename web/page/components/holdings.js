// The account's positions, open orders and fills, as tables behind tabs.

import { fromMarkup, part, setText } from "../dom.js";
import { HOLDINGS, LOADING, REGIONS } from "../texts.js";
import { POSITION_COLUMNS, columns, fillRow, finder, orderRows, positionRows } from "./holding-rows.js";
import { Table } from "./table.js";
import { Tabs } from "./tabs.js";

const FILLS_SHOWN = 100;
const COLUMNS = {
  positions: POSITION_COLUMNS,
  orders: ["symbol", "side", "price", "stop", "kind", "shares", "open", "value", "time"],
  fills: ["symbol", "side", "price", "shares", "value", "fee", "role", "time"],
};
const NAMES = Object.keys(COLUMNS);
const CANCEL_ALL = `<button type="button" class="small-button cancel-all">${HOLDINGS.cancelAll}</button>`;

export class Holdings {
  /** The tabs, for further ones. */
  tabs;

  #root;
  #actions;
  #tables;
  #portfolio = null;
  #shown = {};

  /**
   * @param {HTMLElement} root
   * @param {{ cancel: Function, cancelAll: Function, change: Function, why: Function, select: Function }} actions the first with an
   * order, `why` with an order's id, `select` with a symbol
   * @param {{ prefix?: string, more?: Record<string, string>, told?: (tab: string) => void }} options further tabs
   */
  constructor(root, actions, { prefix = "", more = {}, told = () => {} } = {}) {
    this.#root = root;
    this.#actions = actions;
    const titles = { ...Object.fromEntries(NAMES.map((name) => [name, HOLDINGS[name]])), ...more };
    this.tabs = new Tabs(root, { label: REGIONS.holdings, titles, prefix, controls: CANCEL_ALL }, (name) => {
      part(root, ".cancel-all").hidden = name !== "orders";
      told(name);
    });
    this.#tables = NAMES.map((name) => new Table(this.tabs.panel(name), columns(...COLUMNS[name]), { buttons: name === "orders" }));
    this.tabs.panel("orders").append(fromMarkup('<p class="left-out" hidden></p>'));
    part(root, ".cancel-all").addEventListener("click", () => actions.cancelAll());
    root.addEventListener("click", ({ target }) => this.#click(target));
    this.tabs.choose("positions");
  }

  update(state) {
    const { account, role, symbols, portfolio, fills, cancelling } = state;
    const next = { account, role, symbols, portfolio, fills, cancelling };
    if (Object.keys(next).every((name) => this.#shown[name] === next[name])) return;
    this.#shown = next;
    this.#portfolio = portfolio;
    const rows = rowsOf(state);
    NAMES.forEach((name, index) => {
      const forNone = role !== null && account === null ? HOLDINGS.staff : account === null ? HOLDINGS.emptyForGuests[name] : HOLDINGS.empty[name];
      this.#tables[index].show(rows[name], account !== null && rows[name] === null ? LOADING : forNone);
      const count = rows[name]?.length ?? 0;
      this.tabs.count(name, name === "fills" && count === FILLS_SHOWN ? `${count}+` : String(count || ""));
    });
    const leftOut = portfolio?.orders_left_out ?? 0;
    part(this.#root, ".left-out").hidden = leftOut === 0;
    setText(part(this.#root, ".left-out"), HOLDINGS.leftOut(leftOut));
    part(this.#root, ".cancel-all").disabled = !portfolio?.orders.length;
  }

  #click(target) {
    const key = target.closest("tr[data-key]")?.dataset.key;
    if (target.matches(".row-link")) this.#actions.select(target.textContent);
    if (target.name === "why") this.#actions.why(Number(key));
    if (target.name !== "cancel" && target.name !== "change") return;
    const order = this.#portfolio.orders.find(({ order_id }) => String(order_id) === key);
    if (order !== undefined) this.#actions[target.name](order);
  }
}

function rowsOf(state) {
  if (state.portfolio === null || state.symbols === null) return { positions: null, orders: null, fills: null };
  const infoOf = finder(state.symbols);
  return {
    positions: positionRows(state),
    orders: orderRows(state),
    fills: state.fills.slice(0, FILLS_SHOWN).map((fill) => fillRow(fill, infoOf(fill.symbol))),
  };
}
