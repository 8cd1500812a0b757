import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, replaceOf } from "../../web/page/command.js";
import { check } from "../../web/page/ticket.js";

const INFO = { symbol: "KRYP", tick: 100, lot: 10, last: 205_000, opening_price: 205_000, protection: 500 };
const CONTEXT = { info: INFO, book: null, portfolio: null, status: null };
const draft = (rest) => ({
  side: "buy", kind: "limit", tif: "gtc", quantity: "50", price: "20.53", stop: "21.00", trail: "0.50", display: "", postOnly: false,
  takeProfit: "", stopLoss: "", stopLossLimit: "", orStop: "", protection: "", expires: "", selfTrade: "", ...rest,
});
const checked = (rest) => check(draft(rest), CONTEXT);

test("the command says no more than needed", () => {
  const command = (rest) => commandOf(draft(rest), checked(rest), "KRYP", "id-1");
  const common = { type: "submit", client_order_id: "id-1", symbol: "KRYP", side: "buy", quantity: 50 };
  assert.deepEqual(command({}), { ...common, price: 205_300 });
  assert.deepEqual(command({ tif: "ioc" }), { ...common, price: 205_300, tif: "ioc" });
  assert.deepEqual(command({ kind: "market", tif: "ioc" }), { ...common, kind: "market" });
  assert.deepEqual(command({ kind: "stop", tif: "day" }), { ...common, kind: "stop", stop_price: 210_000, tif: "day" });
  assert.deepEqual(command({ kind: "stop_limit", price: "21.10", display: "10", tif: "fok" }), {
    ...common, kind: "stop_limit", price: 211_000, stop_price: 210_000, display: 10,
  });
  assert.deepEqual(command({ kind: "trailing_stop", postOnly: true }), { ...common, kind: "trailing_stop", trail: 5_000 });
  assert.deepEqual(command({ kind: "trailing_stop", trail: "2.5 %" }), { ...common, kind: "trailing_stop", trail_basis_points: 250 });
  assert.deepEqual(command({ postOnly: true, display: "20" }), { ...common, price: 205_300, post_only: true, display: 20 });
  assert.deepEqual(command({ postOnly: true, display: "20", tif: "ioc" }), { ...common, price: 205_300, tif: "ioc" });
  assert.deepEqual(command({ postOnly: true, display: "20", tif: "opg" }), { ...common, price: 205_300, tif: "opg" });
  assert.deepEqual(command({ kind: "market", tif: "cls" }), { ...common, kind: "market", tif: "cls" });
  assert.deepEqual(command({ kind: "market", protection: "20.60" }), { ...common, kind: "market", price: 206_000 });
  assert.deepEqual(command({ selfTrade: "decrement" }), { ...common, price: 205_300, self_trade: "decrement" });
  const expires = new Date("2099-01-01T10:00").getTime() * 1_000_000;
  assert.deepEqual(command({ tif: "gtd", expires: "2099-01-01T10:00" }), { ...common, price: 205_300, tif: "gtd", expires });
  assert.deepEqual(command({ kind: "market", tif: "gtd", expires: "2099-01-01T10:00" }), { ...common, kind: "market" });
  assert.deepEqual(command({ kind: "stop", tif: "cls", orStop: "22" }), { ...common, kind: "stop", stop_price: 210_000 });
});

test("a group names each of its orders", () => {
  const command = (rest, id = "id-1") => commandOf(draft(rest), checked(rest), "KRYP", id);
  const common = { type: "submit", symbol: "KRYP", quantity: 50 };
  const limit = { ...common, client_order_id: "id-1", side: "buy", price: 205_300 };
  assert.deepEqual(command({ orStop: "21.50", tif: "day" }), {
    type: "oco",
    limit: { ...limit, tif: "day" },
    stop: { ...common, client_order_id: "id-1-st", side: "buy", kind: "stop", stop_price: 215_000, tif: "day" },
  });
  assert.deepEqual(command({ takeProfit: "22", stopLoss: "19", tif: "ioc" }), {
    type: "bracket",
    entry: { ...limit, tif: "ioc" },
    take_profit: { ...common, client_order_id: "id-1-tp", side: "sell", price: 220_000 },
    stop_loss: { ...common, client_order_id: "id-1-sl", side: "sell", kind: "stop", stop_price: 190_000 },
  });
  const { entry: first, take_profit: profit, stop_loss: loss } = command({
    takeProfit: "22", stopLoss: "19", stopLossLimit: "18.90", tif: "gtd", expires: "2099-01-01T10:00", selfTrade: "allow",
  });
  assert.deepEqual([loss.kind, loss.price, loss.stop_price], ["stop_limit", 189_000, 190_000]);
  for (const leg of [profit, loss]) {
    assert.deepEqual([leg.tif, leg.expires, leg.self_trade], ["gtd", first.expires, "allow"]);
  }
  const id = crypto.randomUUID();
  const { entry, stop_loss: leg } = command({ side: "sell", takeProfit: "19", stopLoss: "22" }, id);
  assert.equal(entry.client_order_id, id);
  assert.deepEqual([leg.side, leg.client_order_id.length], ["buy", 36]);
});

test("moving an order changes its trigger while it waits for that, or else its limit", () => {
  assert.deepEqual(replaceOf({ order_id: 7, price: 205_000 }, 206_000), { type: "replace", order_id: 7, price: 206_000 });
  assert.deepEqual(replaceOf({ order_id: 7, price: 205_000, stop_price: 204_000 }, 206_000), {
    type: "replace", order_id: 7, stop_price: 206_000,
  });
});
