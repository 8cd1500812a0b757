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
};

/** @returns {{ text: string, kind: "buy" | "sell" | "bad" | "plain" } | null} null for what needs no words */
export function newsOf(report, symbols) {
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
      return { text: `Order ${report.order_id} could not be changed: it had ended, or more was filled`, kind: "bad" };
    case "orderdecremented": {
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
