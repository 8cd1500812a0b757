// What a report of the ledger means, in a sentence. Pure.

import { formatMoney, formatPrice, formatQuantity } from "./money.js";
import { NEWS } from "./texts.js";

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
      const verb = NEWS.filled[report.side];
      const text = NEWS.fill(verb, formatQuantity(report.quantity), report.symbol, formatPrice(report.price, tick));
      return { text, kind: report.side };
    }
    case "ordercancelled": {
      const why = NEWS.why[report.reason];
      const text = NEWS.cancelled(report.order_id, formatQuantity(report.quantity), report.symbol, why);
      return { text, kind: why === undefined ? "plain" : "bad" };
    }
    case "ordercancelrefused":
      return { text: NEWS.cancelRefused(report.order_id), kind: "bad" };
    case "ordertriggered":
      return { text: NEWS.triggered(report.order_id, report.symbol, formatPrice(report.price, tick)), kind: "plain" };
    case "orderreplaced": {
      const { order_id: id, symbol } = report;
      return { text: NEWS.replaced(id, formatQuantity(report.quantity), symbol, formatPrice(report.price, tick)), kind: "plain" };
    }
    case "orderreplacerefused":
      return { text: NEWS.replaceRefused(report.order_id, NEWS.whyNotReplaced[report.reason]), kind: "bad" };
    case "orderactivated":
      return { text: NEWS.activated(report.order_id, formatQuantity(report.quantity), report.symbol), kind: "plain" };
    case "orderdecremented": {
      if (order?.pair) return null; // The fill of its pair is news enough.
      return { text: NEWS.decremented(report.order_id, formatQuantity(report.quantity), report.symbol), kind: "bad" };
    }
    case "transferred": {
      const cash = report.asset === "CASH";
      const amount = Math.abs(report.amount);
      const what = cash ? formatMoney(amount) : `${formatQuantity(amount)} ${report.asset}`;
      return { text: NEWS.transferred(what, report.amount), kind: "plain" };
    }
    default:
      return null;
  }
}
