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
const draft = (rest) => ({ side: "buy", kind: "limit", tif: "gtc", quantity: "50", price: "20.53", ...rest });
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

test("what the market will probably refuse is a warning, not an error", () => {
  const rows = [
    [{ quantity: "1000" }, "quantity", /Needs 20,530\.00; 2,900\.00 is available/],
    [{ side: "sell", quantity: "70", price: "20.49" }, "quantity", /You can sell 60 KRYP/],
    [{ kind: "market", quantity: "200" }, "quantity", /Needs|Only 130 can trade now/],
    [{ price: "30.00", quantity: "10" }, "price", /46% above the best ask, 20\.51/],
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
});

test("a part of what is available, in whole lots", () => {
  assert.equal(shareOf(100, draft({ price: "20.00" }), CONTEXT), 140);
  assert.equal(shareOf(50, draft({ price: "20.00" }), CONTEXT), 70);
  assert.equal(shareOf(100, draft({ kind: "market" }), CONTEXT), 140);
  assert.equal(shareOf(100, draft({ side: "sell" }), CONTEXT), 60);
  assert.equal(shareOf(25, draft({ side: "sell" }), CONTEXT), 10);
  assert.equal(shareOf(100, draft({}), { ...CONTEXT, portfolio: null }), 0);
});

test("every refusal of a submission has its place, and is a sentence", () => {
  assert.equal(fieldOf("insufficient_funds"), "quantity");
  assert.equal(fieldOf("price_off_tick"), "price");
  assert.equal(fieldOf("rate"), "form");
  assert.equal(sentence({ reason: "rate", detail: "wait a moment" }), "Wait a moment.");
  assert.equal(sentence({ reason: "too_many_open_orders", detail: "" }), "Too many open orders.");
});
