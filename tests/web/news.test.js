import assert from "node:assert/strict";
import { test } from "node:test";
import { newsOf } from "../../web/page/news.js";

const SYMBOLS = [{ symbol: "KRYP", tick: 100 }];

test("reports in words", () => {
  const rows = [
    [{ type: "orderfilled", side: "buy", quantity: 1_000, symbol: "KRYP", price: 205_500 }, "Bought 1,000 KRYP at 20.55", "buy"],
    [{ type: "orderfilled", side: "sell", quantity: 5, symbol: "KRYP", price: 205_500 }, "Sold 5 KRYP at 20.55", "sell"],
    [{ type: "ordercancelled", order_id: 7, symbol: "KRYP", quantity: 3, reason: "owner" }, "Order 7: 3 KRYP cancelled", "plain"],
    [{ type: "transferred", asset: "CASH", amount: 5_000_000 }, "500.00 came into your account", "plain"],
    [{ type: "transferred", asset: "KRYP", amount: -4 }, "4 KRYP left your account", "plain"],
  ];
  for (const [report, text, kind] of rows) assert.deepEqual(newsOf(report, SYMBOLS), { text, kind });
  const base = { order_id: 7, symbol: "KRYP" };
  const more = [
    [{ type: "ordertriggered", ...base, price: 210_000 }, "Order 7: KRYP reached its stop price, 21.00"],
    [{ type: "orderreplaced", ...base, price: 210_000, quantity: 5 }, "Order 7 changed: 5 KRYP open at 21.00"],
    [{ type: "orderreplacerefused", ...base }, "Order 7 could not be changed: it had ended, or more was filled"],
    [{ type: "orderreplacerefused", ...base, reason: "halted" }, "Order 7 could not be changed: trading is halted"],
    [{ type: "orderactivated", ...base, quantity: 5 }, "Order 7: 5 KRYP, works now that its entry has ended"],
    [{ type: "orderdecremented", ...base, quantity: 4 }, "Order 7: 4 KRYP taken off, it would have traded with an order of yours"],
  ];
  for (const [report, text] of more) assert.equal(newsOf(report, SYMBOLS).text, text);
  assert.match(newsOf({ type: "ordercancelled", order_id: 7, symbol: "KRYP", quantity: 3, reason: "ioc" }, SYMBOLS).text, /at once$/);
  assert.match(newsOf({ type: "ordercancelled", order_id: 7, symbol: "KRYP", quantity: 3, reason: "pair" }, SYMBOLS).text, /of its pair ended/);
  assert.equal(newsOf({ type: "orderaccepted" }, SYMBOLS), null);
  assert.equal(newsOf({ type: "orderdecremented", ...base, quantity: 4 }, SYMBOLS, { order_id: 7, pair: 8 }), null);
});
