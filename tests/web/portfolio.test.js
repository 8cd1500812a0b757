import assert from "node:assert/strict";
import { test } from "node:test";
import { availableCash, availableShares, grouped, newReports, unrealizedOf, withFills, withReports, worthOf } from "../../web/page/portfolio.js";

const PORTFOLIO = Object.freeze({
  account: "alice",
  cash: 1_000_000,
  cash_held: 0,
  positions: [{ symbol: "KRYP", quantity: 10, held: 0, price: 200, cost: 2_000, realized: 0 }],
  realized: 0,
  fees: 0,
  orders: [],
  report: 7,
  time: 0,
});
const accepted = (order_id, side, quantity, price) => ({
  type: "orderaccepted", order_id, client_order_id: `c${order_id}`, symbol: "KRYP", side, quantity, price, time: 1,
});
const filled = (order_id, side, quantity, price, remaining, fee = 0) => ({
  type: "orderfilled", order_id, symbol: "KRYP", trade_id: order_id, side, price, quantity, remaining, fee, liquidity: "taker", time: 2,
});
const cancelled = (order_id, quantity) => ({ type: "ordercancelled", order_id, symbol: "KRYP", quantity, reason: "owner", time: 3 });
const after = (number, ...reports) => withReports(PORTFOLIO, { number, reports });

test("an accepted order is open and holds what it may need", () => {
  const portfolio = after(8, accepted(1, "buy", 5, 100), accepted(2, "sell", 4, 300));
  assert.equal(portfolio.report, 9);
  assert.deepEqual(portfolio.orders.map(({ order_id, remaining, kind, tif }) => [order_id, remaining, kind, tif]), [[1, 5, "limit", "gtc"], [2, 4, "limit", "gtc"]]);
  assert.equal(availableCash(portfolio), 1_000_000 - 500);
  assert.equal(availableShares(portfolio, "KRYP"), 6);
});

test("a fill at a better price releases the whole hold of its shares", () => {
  const portfolio = after(8, accepted(1, "buy", 5, 100), filled(1, "buy", 3, 90, 2, 7));
  assert.equal(portfolio.cash, 1_000_000 - 270 - 7);
  assert.equal(portfolio.cash_held, 200);
  assert.equal(portfolio.orders[0].remaining, 2);
  assert.equal(availableShares(portfolio, "KRYP"), 13);
});

test("the last fill ends the order; a sale brings cash less its fee", () => {
  const portfolio = after(8, accepted(2, "sell", 4, 300), filled(2, "sell", 4, 310, 0, 5));
  assert.deepEqual(portfolio.orders, []);
  assert.equal(portfolio.cash, 1_000_000 + 1_240 - 5);
  assert.deepEqual(portfolio.positions, [{ symbol: "KRYP", quantity: 6, held: 0, price: 200, cost: 1_200, realized: 440 }]);
});

test("a cancelled order holds nothing any more", () => {
  const portfolio = after(8, accepted(1, "buy", 5, 100), filled(1, "buy", 2, 100, 3), cancelled(1, 3));
  assert.deepEqual([portfolio.orders.length, portfolio.cash_held, portfolio.cash], [0, 0, 999_800]);
});

test("a triggered stop waits no more; the limit of a trailing one has moved with it", () => {
  const stop = { ...accepted(1, "sell", 5, 190), kind: "stop_limit", stop_price: 195 };
  const trailing = { ...accepted(2, "sell", 5, 180), kind: "trailing_stop", stop_price: 190, trail: 10 };
  const triggered = (order_id, price) => ({ type: "ordertriggered", order_id, symbol: "KRYP", price, time: 2 });
  const { orders } = after(8, stop, trailing, triggered(1, 195), triggered(2, 200));
  assert.deepEqual(orders.map(({ price, stop_price }) => [price, stop_price]), [[190, 0], [190, 0]]);
});

test("a replaced order holds what it is now", () => {
  const replaced = { type: "orderreplaced", order_id: 1, symbol: "KRYP", price: 110, quantity: 4, kept_place: false, time: 2 };
  const portfolio = after(8, accepted(1, "buy", 5, 100), filled(1, "buy", 2, 100, 3), replaced);
  assert.equal(portfolio.cash_held, 440);
  assert.deepEqual(portfolio.orders.map(({ price, quantity, remaining }) => [price, quantity, remaining]), [[110, 6, 4]]);
  const refused = { type: "orderreplacerefused", order_id: 1, symbol: "KRYP", time: 3 };
  assert.equal(after(8, accepted(1, "buy", 5, 100), refused).cash_held, 500);
});

test("what prevention took off is held no more, and an order with nothing left is gone", () => {
  const decremented = (quantity, remaining) => ({ type: "orderdecremented", order_id: 1, symbol: "KRYP", quantity, remaining, time: 2 });
  const portfolio = after(8, accepted(1, "buy", 5, 100), decremented(2, 3));
  assert.deepEqual([portfolio.cash_held, portfolio.orders[0].remaining, portfolio.orders[0].quantity], [300, 3, 3]);
  assert.deepEqual(after(8, accepted(1, "buy", 5, 100), decremented(5, 0)).orders, []);
});

test("a pair's orders hold nothing by themselves, and a leg is a working order once its entry has ended", () => {
  const leg = (order_id, pair) => ({ ...accepted(order_id, "sell", 5, 300), pair, entry: 1 });
  const activated = (order_id) => ({ type: "orderactivated", order_id, symbol: "KRYP", quantity: 3, time: 2 });
  const portfolio = after(8, leg(2, 3), leg(3, 2), activated(2), filled(2, "sell", 2, 300, 1));
  assert.equal(availableShares(portfolio, "KRYP"), 8); // Two were sold; what is held is told by the ledger.
  assert.deepEqual(
    portfolio.orders.map(({ order_id, quantity, remaining, entry, pair }) => [order_id, quantity, remaining, entry, pair]),
    [[2, 3, 1, 0, 3], [3, 5, 5, 1, 2]],
  );
});

test("transfers move cash and shares, of symbols never owned too", () => {
  const transfer = (asset, amount) => ({ type: "transferred", asset, amount, reason: "deposit", time: 1 });
  const portfolio = after(8, transfer("CASH", 50), transfer("ADAM", 3));
  assert.equal(portfolio.cash, 1_000_050);
  assert.equal(availableShares(portfolio, "ADAM"), 3);
});

test("reports that the portfolio contains are not applied again", () => {
  assert.equal(after(6, accepted(1, "buy", 5, 100), accepted(2, "buy", 5, 100)), PORTFOLIO);
  const portfolio = after(7, accepted(1, "buy", 5, 100), accepted(2, "buy", 1, 100));
  assert.deepEqual(portfolio.orders.map(({ order_id }) => order_id), [2]);
  assert.deepEqual(newReports(PORTFOLIO, { number: 7, reports: ["old", "new"] }), [{ number: 8, report: "new" }]);
});

test("a missing report is noticed", () => {
  assert.equal(after(9, accepted(1, "buy", 5, 100)), null);
});

test("reports leave their input alone", () => {
  const before = structuredClone(PORTFOLIO);
  after(8, accepted(1, "sell", 5, 100), filled(1, "sell", 5, 100, 0));
  assert.deepEqual(PORTFOLIO, before);
});

test("fills from two sources are one list, newest first", () => {
  const fill = (trade_id, time, order_id = 1) => ({ ...filled(order_id, "buy", 1, 100, 0), trade_id, time });
  const fills = withFills([fill(2, 20), fill(1, 10)], [fill(3, 30), fill(2, 20), fill(2, 20, 9)]);
  assert.deepEqual(fills.map(({ trade_id, order_id }) => [trade_id, order_id]), [[3, 1], [2, 1], [2, 9], [1, 1]]);
  assert.equal(withFills(fills, [fill(1, 10)]), fills);
});

test("cost and gain are those of the ledger, to the unit", () => {
  const gains = (...reports) => {
    const portfolio = after(8, ...reports);
    const [{ quantity, cost, realized }] = portfolio.positions;
    assert.equal(portfolio.realized, realized);
    return [quantity, cost, realized, portfolio.fees];
  };
  // Worked with ledger/profit.py.
  assert.deepEqual(gains(filled(1, "buy", 10, 300, 0, 7)), [20, 5_000, 0, 7]);
  assert.deepEqual(gains(filled(1, "sell", 3, 300, 0)), [7, 1_400, 300, 0]);
  assert.deepEqual(gains(filled(1, "buy", 1, 301, 0), filled(2, "sell", 2, 300, 0)), [9, 1_883, 182, 0]);
  assert.deepEqual(gains(filled(1, "sell", 15, 300, 0), filled(2, "buy", 2, 400, 0)), [-3, -900, 800, 0]);
  assert.deepEqual(gains(filled(1, "sell", 10, 100, 0)), [0, 0, -1_000, 0]);
});

test("what all is worth, and what would be gained", () => {
  const symbols = [{ symbol: "KRYP", last: 250 }];
  assert.equal(worthOf(PORTFOLIO, symbols), 1_000_000 + 2_500);
  assert.equal(unrealizedOf(PORTFOLIO, symbols), 500);
  assert.equal(worthOf(PORTFOLIO, []), 1_000_000 + 2_000);
});

test("orders of a pair or a bracket stand together", () => {
  const order = (order_id, more = {}) => ({ order_id, ...more });
  const orders = [order(1), order(2), order(3, { pair: 4, entry: 2 }), order(4, { pair: 3, entry: 2 }), order(5, { pair: 7 }), order(6), order(7, { pair: 5 }), order(8, { pair: 9 })];
  const shown = grouped(orders).map(({ order: { order_id: id }, place }) => [id, place]);
  assert.deepEqual(shown, [[8, null], [6, null], [5, "first"], [7, "last"], [2, "first"], [3, "middle"], [4, "last"], [1, null]]);
});
