// What a report of the ledger means, in a sentence. Pure.

import { formatMoney, formatPrice, formatQuantity } from "./money.js";

const WHY = {
  fok: "not all of it could be filled at once",
  expired: "its time was over",
  post_only: "it would have traded at once",
  self_trade: "it would have traded with an order of yours",
  ioc: "no more could be filled at once",
  protection: "the price moved beyond the market's protection",
  no_liquidity: "nothing was offered",
  pair: "the other order of its pair ended, or its entry traded nothing",
  halted: "trading is halted",
  closed: "the market is closed",
  auction: "an auction is collecting orders, and it would have to trade at once",
  auction_over: "the auction that it was for is over",
  volatility: "it would have traded outside the price band",
  disconnected: "your connection was lost",
};
const WHY_NOT_REPLACED = { halted: WHY.halted, closed: WHY.closed };

/**
 * @param {object} report
 * @param {object[]} symbols
 * @param {object} [order] the open order that it is about, as far as there is one
 * @returns {{ text: string, kind: "buy" | "sell" | "bad" | "plain" } | null} null for what needs no words
 */
export function newsOf(report, symbols, order) {
  const tick = symbols.find(({ symbol }) => symbol === report.symbol)?.tick ?? 1;
  switch (report.type) {
    case "orderfilled": {
      const verb = report.side === "buy" ? "Bought" : "Sold";
      const text = `${verb} ${formatQuantity(report.quantity)} ${report.symbol} at ${formatPrice(report.price, tick)}`;
      return { text, kind: report.side };
    }
    case "ordercancelled": {
      const why = WHY[report.reason];
      const text = `Order ${report.order_id}: ${formatQuantity(report.quantity)} ${report.symbol} cancelled`;
      return { text: why === undefined ? text : `${text}, ${why}`, kind: why === undefined ? "plain" : "bad" };
    }
    case "ordercancelrefused":
      return { text: `Order ${report.order_id} could not be cancelled: it had ended already`, kind: "bad" };
    case "ordertriggered":
      return { text: `Order ${report.order_id}: ${report.symbol} reached its stop price, ${formatPrice(report.price, tick)}`, kind: "plain" };
    case "orderreplaced": {
      const open = `${formatQuantity(report.quantity)} ${report.symbol} open at ${formatPrice(report.price, tick)}`;
      return { text: `Order ${report.order_id} changed: ${open}`, kind: "plain" };
    }
    case "orderreplacerefused":
      return { text: `Order ${report.order_id} could not be changed: ${WHY_NOT_REPLACED[report.reason] ?? "it had ended, or more was filled"}`, kind: "bad" };
    case "orderactivated":
      return { text: `Order ${report.order_id}: ${formatQuantity(report.quantity)} ${report.symbol}, works now that its entry has ended`, kind: "plain" };
    case "orderdecremented": {
      if (order?.pair) return null; // The fill of its pair is news enough.
      const text = `Order ${report.order_id}: ${formatQuantity(report.quantity)} ${report.symbol} taken off, ${WHY.self_trade}`;
      return { text, kind: "bad" };
    }
    case "transferred": {
      const cash = report.asset === "CASH";
      const amount = Math.abs(report.amount);
      const what = cash ? formatMoney(amount) : `${formatQuantity(amount)} ${report.asset}`;
      return { text: `${what} ${report.amount < 0 ? "left" : "came into"} your account`, kind: "plain" };
    }
    default:
      return null;
  }
}
