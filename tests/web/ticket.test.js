import assert from "node:assert/strict";
import { test } from "node:test";
import { bookOf } from "../../web/page/book.js";
import { check, commandOf, fieldOf, sentence, shareOf } from "../../web/page/ticket.js";

const INFO = { symbol: "KRYP", tick: 100, lot: 10, last: 205_000, opening_price: 205_000 };
const BOOK = bookOf(
  { symbol: "KRYP", number: 1, bids: [[204_900, 50], [204_800, 50]], asks: [[205_100, 30], [205_300, 100]] },
  20,
);
const PORTFOLIO = {
  cash: 30_000_000,
  cash_held: 1_000_000,
  positions: [{ symbol: "KRYP", quantity: 100, held: 40, price: 205_000 }],
  orders: [],
};
const CONTEXT = { info: INFO, book: BOOK, portfolio: PORTFOLIO };
const draft = (rest) => ({
  side: "buy", kind: "limit", tif: "gtc", quantity: "50", price: "20.53", stop: "21.00", trail: "0.50", display: "", postOnly: false,
  takeProfit: "", stopLoss: "", orStop: "", ...rest,
});
const checked = (rest, context = CONTEXT) => check(draft(rest), context);

test("a sound draft has no errors, and says what it would cost", () => {
  const { quantity, price, errors, warnings, estimate } = checked({});
  assert.deepEqual([quantity, price, errors, warnings], [50, 205_300, {}, {}]);
  assert.deepEqual(estimate, { now: 50, rest: 0, value: 30 * 205_100 + 20 * 205_300, average: 205_180 });
});

test("what rests counts at the limit, what trades at once at the book's prices", () => {
  const { estimate } = checked({ price: "20.51" });
  assert.deepEqual(estimate, { now: 30, rest: 20, value: 50 * 205_100, average: 205_100 });
});

test("each mistake is named at its field", () => {
  const rows = [
    [{ quantity: "" }, "quantity"],
    [{ quantity: "15" }, "quantity"],
    [{ quantity: "-10" }, "quantity"],
    [{ price: "" }, "price"],
    [{ price: "20.505" }, "price"],
    [{ price: "cheap" }, "price"],
    [{ quantity: "9007199254740990" }, "quantity"],
    [{ kind: "stop", stop: "" }, "stop"],
    [{ kind: "stop", stop: "21.005" }, "stop"],
    [{ kind: "stop", quantity: "9007199254740990" }, "quantity"],
    [{ kind: "stop_limit", stop: "soon" }, "stop"],
    [{ kind: "stop_limit", price: "" }, "price"],
    [{ kind: "trailing_stop", trail: "" }, "trail"],
    [{ kind: "trailing_stop", trail: "far" }, "trail"],
    [{ kind: "trailing_stop", trail: "0.505" }, "trail"],
    [{ kind: "trailing_stop", trail: "20.50" }, "trail"],
    [{ kind: "trailing_stop", trail: "0%" }, "trail"],
    [{ kind: "trailing_stop", trail: "100%" }, "trail"],
    [{ kind: "trailing_stop", trail: "1.234%" }, "trail"],
    [{ display: "15" }, "display"],
    [{ display: "50" }, "display"],
    [{ display: "some" }, "display"],
    [{ takeProfit: "22" }, "stopLoss"],
    [{ stopLoss: "19" }, "takeProfit"],
    [{ takeProfit: "22.005", stopLoss: "19" }, "takeProfit"],
    [{ orStop: "low" }, "orStop"],
    [{ orStop: "21.50", takeProfit: "22", stopLoss: "19" }, "orStop"],
  ];
  for (const [rest, field] of rows) {
    const { errors, estimate } = checked(rest);
    assert.deepEqual(Object.keys(errors), [field], JSON.stringify(rest));
    assert.equal(estimate, null);
  }
});

test("a market order needs no price, whatever stands in the field", () => {
  const { errors, price, estimate } = checked({ kind: "market", price: "nonsense" });
  assert.deepEqual([errors, price, estimate.value], [{}, null, 30 * 205_100 + 20 * 205_300]);
});

test("what is chosen for another kind is in nobody's way", () => {
  const nonsense = { price: "nonsense", stop: "nonsense", trail: "nonsense", display: "nonsense", postOnly: true, tif: "fok" };
  assert.deepEqual(checked({ ...nonsense, kind: "market" }).errors, {});
  assert.deepEqual(Object.keys(checked({ ...nonsense, kind: "stop" }).errors), ["stop"]);
  assert.deepEqual(Object.keys(checked({ ...nonsense, kind: "trailing_stop" }).errors), ["trail"]);
  assert.deepEqual(Object.keys(checked({ ...nonsense, kind: "limit" }).errors), ["price"]);
});

test("a stop trades nothing at once, and is estimated at its prices", () => {
  const estimate = (rest) => checked(rest).estimate;
  assert.deepEqual(estimate({ kind: "stop" }), { now: 0, rest: 50, value: 50 * 210_000, average: 210_000 });
  assert.deepEqual(estimate({ kind: "stop_limit", price: "21.10" }), { now: 0, rest: 50, value: 50 * 211_000, average: 211_000 });
  assert.equal(estimate({ kind: "trailing_stop" }).average, 210_000);
  assert.equal(estimate({ kind: "trailing_stop", side: "sell", trail: "2%" }).average, 200_900);
});

test("what the market will probably refuse is a warning, not an error", () => {
  const rows = [
    [{ quantity: "1000" }, "quantity", /Needs 20,530\.00; 2,900\.00 is available/],
    [{ side: "sell", quantity: "70", price: "20.49" }, "quantity", /You can sell 60 KRYP/],
    [{ kind: "market", quantity: "200" }, "quantity", /Needs|Only 130 can trade now/],
    [{ price: "30.00", quantity: "10" }, "price", /46% above the best ask, 20\.51/],
    [{ kind: "stop", stop: "20.50" }, "stop", /Triggers at once: the last price is 20\.50\./],
    [{ kind: "stop", side: "sell", stop: "20.60" }, "stop", /Triggers at once/],
    [{ kind: "stop_limit", price: "20.90" }, "price", /Below the stop price/],
    [{ kind: "stop_limit", side: "sell", stop: "20.00", price: "20.10" }, "price", /Above the stop price/],
    [{ kind: "stop", quantity: "200" }, "quantity", /Needs 4,200\.00; 2,900\.00 is available/],
    [{ postOnly: true }, "price", /Would trade at once/],
    [{ tif: "fok", price: "20.51" }, "quantity", /Only 30 can trade now; all of it would be cancelled/],
    [{ side: "sell", price: "10.00" }, "price", /51% below the best bid, 20\.49/],
  ];
  for (const [rest, field, words] of rows) {
    const { errors, warnings } = checked(rest);
    assert.deepEqual(errors, {}, JSON.stringify(rest));
    assert.match(warnings[field], words);
  }
});

test("a market order against an empty side says so", () => {
  const empty = bookOf({ symbol: "KRYP", number: 1, bids: [], asks: [] }, 20);
  const { warnings, estimate } = checked({ kind: "market" }, { ...CONTEXT, book: empty });
  assert.match(warnings.quantity, /Nothing is offered for sale/);
  assert.equal(estimate.value, 0);
});

test("guests and an unknown book are no obstacle", () => {
  const { errors, warnings, estimate } = checked({}, { info: INFO, book: null, portfolio: null });
  assert.deepEqual([errors, warnings, estimate], [{}, {}, null]);
});

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
  const id = crypto.randomUUID();
  const { entry, stop_loss: leg } = command({ side: "sell", takeProfit: "19", stopLoss: "22" }, id);
  assert.equal(entry.client_order_id, id);
  assert.deepEqual([leg.side, leg.client_order_id.length], ["buy", 36]);
});

test("a part of what is available, in whole lots", () => {
  assert.equal(shareOf(100, draft({ price: "20.00" }), CONTEXT), 140);
  assert.equal(shareOf(50, draft({ price: "20.00" }), CONTEXT), 70);
  assert.equal(shareOf(100, draft({ kind: "market" }), CONTEXT), 140);
  assert.equal(shareOf(100, draft({ kind: "stop", stop: "29.00" }), CONTEXT), 100);
  assert.equal(shareOf(100, draft({ side: "sell" }), CONTEXT), 60);
  assert.equal(shareOf(25, draft({ side: "sell" }), CONTEXT), 10);
  assert.equal(shareOf(100, draft({}), { ...CONTEXT, portfolio: null }), 0);
});

test("every refusal of a submission has its place, and is a sentence", () => {
  const field = (reason, detail) => fieldOf({ reason, detail });
  assert.equal(field("insufficient_funds"), "quantity");
  assert.equal(field("price_off_tick"), "price");
  assert.equal(field("price_outside_band", ""), "price");
  assert.equal(field("stop_price_off_tick"), "stop");
  assert.equal(field("trail_too_large"), "trail");
  assert.equal(field("display_off_lot"), "display");
  assert.equal(field("rate"), "form");
  assert.equal(field("halted", "KRYP is halted: a rumour"), "form");
  assert.equal(field("price_off_tick", "take_profit: the price must be a multiple of 0.01"), "takeProfit");
  assert.equal(field("stop_price_off_tick", "stop_loss: the stop price must …"), "stopLoss");
  assert.equal(field("price_off_tick", "entry: the price must …"), "price");
  assert.equal(field("group", "all orders of a group have the same quantity"), "form");
  assert.equal(sentence({ reason: "price_off_tick", detail: "take_profit: the price must …" }), "The price must ….");
  assert.equal(sentence({ reason: "rate", detail: "wait a moment" }), "Wait a moment.");
  assert.equal(sentence({ reason: "too_many_open_orders", detail: "" }), "Too many open orders.");
});
