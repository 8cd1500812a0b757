import assert from "node:assert/strict";
import { test } from "node:test";
import { TAPE_LENGTH_MAX, tapeOf, withTrades } from "../../web/page/trades.js";

const trades = (...ids) => ids.map((trade_id) => ({ trade_id, price: 1, quantity: 1, side: "buy", time: trade_id }));
const ids = (tape) => tape.map(({ trade_id }) => trade_id);

test("the tape is newest first, however the answer was sorted", () => {
  assert.deepEqual(ids(tapeOf(trades(2, 3, 1))), [3, 2, 1]);
});

test("new trades come on top, known ones are not repeated", () => {
  const tape = tapeOf(trades(1, 2));
  assert.deepEqual(ids(withTrades(tape, trades(2, 3, 4))), [4, 3, 2, 1]);
  assert.equal(withTrades(tape, trades(1, 2)), tape);
});

test("ids have no gaps, so a gap is noticed", () => {
  assert.equal(withTrades(tapeOf(trades(1, 2)), trades(4)), null);
});

test("the tape is bounded", () => {
  let tape = [];
  for (let id = 1; id <= 3 * TAPE_LENGTH_MAX; id += 1) tape = withTrades(tape, trades(id));
  assert.equal(tape.length, TAPE_LENGTH_MAX);
  assert.equal(tape[0].trade_id, 3 * TAPE_LENGTH_MAX);
});
