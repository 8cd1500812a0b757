import assert from "node:assert/strict";
import { test } from "node:test";
import { bookOf } from "../../web/page/book.js";
import { check, fieldOf, sentence, shareOf } from "../../web/page/ticket.js";

const INFO = { symbol: "KRYP", tick: 100, lot: 10, last: 205_000, opening_price: 205_000, protection: 500 };
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
const CONTEXT = { info: INFO, book: BOOK, portfolio: PORTFOLIO, status: null };
const draft = (rest) => ({
  side: "buy", kind: "limit", tif: "gtc", quantity: "50", price: "20.53", stop: "21.00", trail: "0.50", display: "", postOnly: false,
  takeProfit: "", stopLoss: "", stopLossLimit: "", orStop: "", protection: "", expires: "", selfTrade: "", ...rest,
});
const checked = (rest, context = CONTEXT) => check(draft(rest), context);

test("a sound draft has no errors", () => {
  const { quantity, price, errors, warnings } = checked({});
  assert.deepEqual([quantity, price, errors, warnings], [50, 205_300, {}, {}]);
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
    [{ kind: "market", protection: "20.555" }, "protection"],
    [{ tif: "gtd", expires: "" }, "expires"],
    [{ tif: "gtd", expires: "2001-01-01T10:00" }, "expires"],
    [{ takeProfit: "22" }, "stopLoss"],
    [{ stopLoss: "19" }, "takeProfit"],
    [{ takeProfit: "22.005", stopLoss: "19" }, "takeProfit"],
    [{ takeProfit: "22", stopLoss: "19", stopLossLimit: "low" }, "stopLossLimit"],
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
    [{ kind: "stop", quantity: "200" }, "quantity", /Needs 4,410\.00; 2,900\.00 is available/], // 5% above the stop price.
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

test("what the phase will not take is said before it is sent", () => {
  const warning = (rest, phase) => checked(rest, { ...CONTEXT, status: { phase } }).warnings.form;
  assert.match(warning({}, "halted"), /halted/);
  assert.match(warning({}, "closed"), /closed/);
  assert.equal(warning({}, "opening_auction"), undefined);
  for (const rest of [{ kind: "market" }, { tif: "ioc" }, { tif: "fok" }]) assert.match(warning(rest, "volatility_auction"), /auction/);
  assert.equal(warning({ kind: "market", tif: "opg" }, "pre_open"), undefined);
  assert.match(warning({ tif: "opg" }, "continuous"), /over/);
  assert.equal(warning({ kind: "stop" }, "closing_auction"), undefined);
});

test("guests and an unknown book are no obstacle", () => {
  const { errors, warnings, estimate } = checked({}, { info: INFO, book: null, portfolio: null });
  assert.deepEqual([errors, warnings, estimate], [{}, {}, null]);
});

test("a part of what is available, in whole lots", () => {
  assert.equal(shareOf(100, draft({ price: "20.00" }), CONTEXT), 140);
  assert.equal(shareOf(50, draft({ price: "20.00" }), CONTEXT), 70);
  assert.equal(shareOf(100, draft({ kind: "market" }), CONTEXT), 130); // At the market's protection price, 21.52.
  assert.equal(shareOf(100, draft({ kind: "market", protection: "20.00" }), CONTEXT), 140);
  assert.equal(shareOf(100, draft({ kind: "stop", stop: "29.00" }), CONTEXT), 90); // At 5% above, 30.45.
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
  assert.equal(field("expires_past"), "expires");
  assert.equal(field("time_in_force"), "tif");
  assert.equal(field("post_only"), "postOnly");
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
