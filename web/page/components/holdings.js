// The account's positions, open orders and fills, as tables behind tabs.

import { formatTime, part, setAttribute, setText } from "../dom.js";
import { UNITS, formatChange, formatMoney, formatPrice, formatQuantity, formatSigned } from "../money.js";
import { averageCost } from "../portfolio.js";
import { hasLimit, kindWords } from "../terms.js";
import { HOLDINGS, LOADING, REGIONS, SIDE } from "../texts.js";
import { directionOf } from "./symbols.js";
import { Table } from "./table.js";

const FILLS_SHOWN = 100;

const MARKUP = `
  <div class="tabs">
    <div class="tablist" role="tablist" aria-label="${REGIONS.holdings}">
      <button type="button" role="tab" id="tab-positions" aria-controls="positions">${HOLDINGS.positions} <span class="count"></span></button>
      <button type="button" role="tab" id="tab-orders" aria-controls="orders">${HOLDINGS.orders} <span class="count"></span></button>
      <button type="button" role="tab" id="tab-fills" aria-controls="fills">${HOLDINGS.fills} <span class="count"></span></button>
    </div>
    <button type="button" class="small-button cancel-all">${HOLDINGS.cancelAll}</button>
  </div>
  <div class="tabpanel" role="tabpanel" id="positions" aria-labelledby="tab-positions"></div>
  <div class="tabpanel" role="tabpanel" id="orders" aria-labelledby="tab-orders"><p class="left-out" hidden></p></div>
  <div class="tabpanel" role="tabpanel" id="fills" aria-labelledby="tab-fills"></div>`;

const COLUMNS = {
  positions: ["symbol", "shares", "held", "last", "value", "cost", "gain"],
  orders: ["symbol", "side", "price", "stop", "kind", "shares", "open", "value", "time", ""],
  fills: ["symbol", "side", "price", "shares", "value", "fee", "role", "time"],
};
const NAMES = Object.keys(COLUMNS);

export class Holdings {
  #root;
  #actions;
  #tables;
  #portfolio = null;
  #chosen;
  #shown = {};

  /**
   * @param {HTMLElement} root
   * @param {{ cancel: (order: object) => void, cancelAll: () => void, select: (symbol: string) => void }} actions
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#tables = NAMES.map((name) => new Table(part(root, `#${name}`), COLUMNS[name]));
    const tabs = part(root, "[role=tablist]");
    tabs.addEventListener("click", ({ target }) => {
      const tab = target.closest("[role=tab]");
      if (tab !== null) this.#choose(tab.getAttribute("aria-controls"));
    });
    tabs.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step === undefined) return;
      this.#choose(NAMES.at((NAMES.indexOf(this.#chosen) + step) % NAMES.length));
      part(root, "[aria-selected=true]").focus();
    });
    part(root, ".cancel-all").addEventListener("click", actions.cancelAll);
    root.addEventListener("click", ({ target }) => this.#click(target));
    this.#choose("positions");
  }

  update(state) {
    const { account, symbols, portfolio, fills, cancelling } = state;
    const next = { account, symbols, portfolio, fills, cancelling };
    if (Object.keys(next).every((name) => this.#shown[name] === next[name])) return;
    this.#shown = next;
    this.#portfolio = portfolio;
    const rows = rowsOf(state);
    NAMES.forEach((name, index) => {
      this.#tables[index].show(rows[name], account === null ? HOLDINGS.emptyForGuests[name] : rows[name] === null ? LOADING : HOLDINGS.empty[name]);
      const count = rows[name]?.length ?? 0;
      const text = name === "fills" && count === FILLS_SHOWN ? `${count}+` : String(count || "");
      setText(part(this.#root, `#tab-${name} .count`), text);
    });
    const leftOut = portfolio?.orders_left_out ?? 0;
    part(this.#root, ".left-out").hidden = leftOut === 0;
    setText(part(this.#root, ".left-out"), HOLDINGS.leftOut(leftOut));
    part(this.#root, ".cancel-all").disabled = !portfolio?.orders.length;
  }

  #choose(name) {
    this.#chosen = name;
    for (const each of NAMES) {
      const tab = part(this.#root, `#tab-${each}`);
      setAttribute(tab, "aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      part(this.#root, `#${each}`).hidden = each !== name;
    }
    part(this.#root, ".cancel-all").hidden = name !== "orders";
  }

  #click(target) {
    const key = target.closest("tr[data-key]")?.dataset.key;
    if (target.matches(".row-symbol")) this.#actions.select(target.textContent);
    if (!target.matches(".cancel")) return;
    const order = this.#portfolio.orders.find(({ order_id }) => String(order_id) === key);
    if (order !== undefined) this.#actions.cancel(order);
  }
}

function rowsOf({ symbols, portfolio, fills, fillsComplete, cancelling }) {
  if (portfolio === null || symbols === null) return { positions: null, orders: null, fills: null };
  const infoOf = (symbol) => symbols.find((info) => info.symbol === symbol) ?? { symbol, tick: 1, last: 0, opening_price: 0 };
  const rank = (position) => symbols.findIndex(({ symbol }) => symbol === position.symbol);
  const owned = portfolio.positions.filter(({ quantity }) => quantity !== 0).sort((a, b) => rank(a) - rank(b));
  return {
    positions: owned.map((position) => positionRow(position, infoOf(position.symbol), fills, fillsComplete)),
    orders: [...portfolio.orders].reverse().map((order) => orderRow(order, infoOf(order.symbol), cancelling)),
    fills: fills.slice(0, FILLS_SHOWN).map((fill) => fillRow(fill, infoOf(fill.symbol))),
  };
}

function positionRow(position, info, fills, complete) {
  const last = info.last || position.price;
  const cost = averageCost(position, fills, info.opening_price, complete);
  const gain = cost === null ? null : (last - cost) * position.quantity;
  return {
    key: position.symbol,
    cells: [
      position.symbol,
      formatQuantity(position.quantity),
      formatQuantity(position.held),
      formatPrice(last, info.tick),
      formatMoney(last * position.quantity),
      cost === null ? "–" : formatPrice(cost - (cost % 100), info.tick),
      gain === null ? "–" : `${formatSigned(gain)}  ${formatChange(last, cost)}`,
    ],
    directions: { 6: gain === null ? "flat" : directionOf(Math.trunc((gain * 100) / UNITS)) },
  };
}

function orderRow(order, info, cancelling) {
  return {
    key: order.order_id,
    side: order.side,
    cells: [
      order.symbol,
      SIDE[order.side],
      hasLimit(order.kind) ? formatPrice(order.price, info.tick) : HOLDINGS.market,
      order.stop_price ? formatPrice(order.stop_price, info.tick) : "",
      kindWords(order),
      formatQuantity(order.quantity),
      formatQuantity(order.remaining),
      formatMoney(order.price * order.remaining),
      formatTime(order.time),
    ],
    button: cancelling.has(order.order_id) ? HOLDINGS.cancelling : HOLDINGS.cancel,
  };
}

function fillRow(fill, info) {
  return {
    key: `${fill.symbol}/${fill.trade_id}/${fill.order_id}`,
    side: fill.side,
    cells: [
      fill.symbol,
      SIDE[fill.side],
      formatPrice(fill.price, info.tick),
      formatQuantity(fill.quantity),
      formatMoney(fill.price * fill.quantity),
      formatMoney(fill.fee),
      HOLDINGS.roles[fill.liquidity],
      formatTime(fill.time),
    ],
  };
}
