// Positions, orders and fills as rows of tables. Pure.

import { UNITS, formatChange, formatMoney, formatPrice, formatQuantity, formatSigned } from "../money.js";
import { grouped } from "../portfolio.js";
import { hasLimit, kindWords } from "../terms.js";
import { ACCOUNT, HOLDINGS, NEWS, SIDE } from "../texts.js";
import { formatTime } from "../times.js";
import { directionOf } from "./symbols.js";

/** Titles of these columns, for a table. */
export function columns(...names) {
  return Object.fromEntries(names.map((name) => [name, HOLDINGS.columns[name]]));
}

/** Finds what is known about a symbol. */
export function finder(symbols) {
  return (symbol) => symbols.find((info) => info.symbol === symbol) ?? { symbol, tick: 1, lot: 1, last: 0, opening_price: 0 };
}

export const POSITION_COLUMNS = ["symbol", "shares", "held", "last", "value", "cost", "gain", "realized"];

/** Positions in the order of the symbols. */
export function positionRows({ portfolio, symbols }) {
  const infoOf = finder(symbols);
  const rank = ({ symbol }) => symbols.findIndex((info) => info.symbol === symbol);
  const owned = portfolio.positions.filter(({ quantity }) => quantity !== 0).sort((a, b) => rank(a) - rank(b));
  return owned.map((position) => positionRow(position, infoOf(position.symbol)));
}

function positionRow({ symbol, quantity, held, price, cost, realized }, { tick, last: newest }) {
  const last = newest || price;
  const gain = last * quantity - cost;
  const average = Math.floor(cost / quantity);
  return {
    key: symbol,
    cells: [
      symbol,
      formatQuantity(quantity),
      formatQuantity(held),
      formatPrice(last, tick),
      formatMoney(last * quantity),
      formatPrice(average - (average % 100), tick),
      `${formatSigned(gain)}  ${formatChange(last * quantity, cost)}`,
      formatSigned(realized),
    ],
    directions: { 6: directionOf(Math.trunc((gain * 100) / UNITS)), 7: directionOf(Math.trunc((realized * 100) / UNITS)) },
  };
}

/** Open orders, newest first; those of a group stand together, the entry or the limit order before the others. */
export function orderRows({ portfolio, symbols, cancelling }) {
  const infoOf = finder(symbols);
  return grouped(portfolio.orders).map(({ order, place }) => orderRow(order, place, infoOf(order.symbol).tick, cancelling.has(order.order_id)));
}

function orderRow(order, place, tick, cancelling) {
  const cells = [
    order.symbol,
    SIDE[order.side],
    hasLimit(order.kind) ? formatPrice(order.price, tick) : HOLDINGS.market,
    order.stop_price ? formatPrice(order.stop_price, tick) : "",
    kindWords(order),
    formatQuantity(order.quantity),
    formatQuantity(order.remaining),
    formatMoney(order.price * order.remaining),
    formatTime(order.time),
  ];
  const named = (text) => `${text} ${cells.slice(0, 3).join(" ")}`;
  const cancel = cancelling ? HOLDINGS.cancelling : HOLDINGS.cancel;
  return {
    key: order.order_id,
    side: order.side,
    cells,
    marks: { group: place },
    buttons: [
      { name: "why", text: ACCOUNT.why, label: named(ACCOUNT.why) },
      { name: "change", text: ACCOUNT.change, label: named(ACCOUNT.change) },
      { name: "cancel", text: cancel, label: named(cancel), disabled: cancelling },
    ],
  };
}

export function fillRow(fill, { tick }) {
  return {
    key: `${fill.symbol}/${fill.trade_id}/${fill.order_id}`,
    side: fill.side,
    cells: [
      fill.symbol,
      SIDE[fill.side],
      formatPrice(fill.price, tick),
      formatQuantity(fill.quantity),
      formatMoney(fill.price * fill.quantity),
      formatMoney(fill.fee),
      HOLDINGS.roles[fill.liquidity],
      formatTime(fill.time),
    ],
  };
}

/** One order of the history: as it was placed, and what became of it. */
export function recordRow(record, { tick }) {
  const why = record.status === "cancelled" ? (NEWS.why[record.reason] ?? ACCOUNT.endings[record.reason] ?? record.reason) : "";
  return {
    key: record.order_id,
    side: record.side,
    cells: [
      String(record.order_id),
      record.symbol,
      SIDE[record.side],
      hasLimit(record.kind) ? formatPrice(record.price, tick) : HOLDINGS.market,
      record.stop_price ? formatPrice(record.stop_price, tick) : "",
      kindWords(record),
      formatQuantity(record.quantity),
      formatQuantity(record.filled),
      why === "" ? ACCOUNT.statuses[record.status] : ACCOUNT.ended(ACCOUNT.statuses[record.status], why),
      formatTime(record.time),
    ],
    buttons: [{ name: "why", text: ACCOUNT.why, label: `${ACCOUNT.why} ${record.order_id}` }],
  };
}
