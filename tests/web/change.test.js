import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, fieldsOf } from "../../web/page/change.js";

const INFO = { symbol: "KRYP", tick: 100, lot: 10 };
const LIMIT = { order_id: 7, kind: "limit", price: 205_500, stop_price: 0, remaining: 50 };

test("what of an order can be changed", () => {
  assert.deepEqual(fieldsOf(LIMIT, 100), { quantity: "50", price: "20.55" });
  assert.deepEqual(fieldsOf({ ...LIMIT, kind: "stop_limit", stop_price: 210_000 }, 100), { quantity: "50", price: "20.55", stop: "21.00" });
  assert.deepEqual(fieldsOf({ ...LIMIT, kind: "stop", stop_price: 210_000, pair: 8 }, 100), { stop: "21.00" }, "a pair's quantities stay equal");
  assert.deepEqual(fieldsOf({ ...LIMIT, kind: "trailing_stop", stop_price: 1, trail: 5 }, 100), { quantity: "50" });
});

test("the command names only what is different", () => {
  const command = (typed) => changed(LIMIT, { ...fieldsOf(LIMIT, 100), ...typed }, INFO).command;
  assert.deepEqual(command({ price: "20.60" }), { type: "replace", order_id: 7, price: 206_000 });
  assert.deepEqual(command({ quantity: "40", price: "20.550" }), { type: "replace", order_id: 7, quantity: 40 });
  assert.equal(command({}), null);
});

test("mistakes stand at their fields", () => {
  const errors = (typed) => changed(LIMIT, { ...fieldsOf(LIMIT, 100), ...typed }, INFO).errors;
  assert.deepEqual(errors({}), { form: "Nothing is different." });
  assert.deepEqual(Object.keys(errors({ quantity: "45", price: "20.555" })), ["quantity", "price"]);
  assert.deepEqual(Object.keys(errors({ quantity: "", price: "x" })), ["quantity", "price"]);
});
