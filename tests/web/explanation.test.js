import assert from "node:assert/strict";
import { test } from "node:test";
import { explained } from "../../web/page/explanation.js";

const ORDER = { order_id: 7, symbol: "KRYP", side: "buy", kind: "limit", tif: "gtc", price: 205_500, quantity: 1_000, status: "open", time: 10 };
const place = (log, batch, event = 0) => ({ log, batch, event });

test("a life in order: the journal before what it caused, each line with its proof", () => {
  const { title, lines, notes } = explained({
    account: "alice",
    order: { ...ORDER, status: "cancelled" },
    accepted: place("JOURNAL", 5),
    queue: { price: 205_500, quantity: 1_000, orders_better: 0, quantity_better: 0, orders_ahead: 2, quantity_ahead: 300, at: place("EVENTS_1", 3, 1), time: 10 },
    ahead: [{ trade_id: 4, price: 205_500, quantity: 300, at: place("EVENTS_1", 4), time: 11 }],
    trades_ahead: 3,
    quantity_ahead: 500,
    steps: [
      { what: "queued", at: place("EVENTS_1", 3, 1), journal: 5, time: 10, price: 205_500, quantity: 1_000 },
      { what: "filled", at: place("EVENTS_1", 6), journal: 8, time: 12, price: 205_500, quantity: 10, trade_id: 9, fee: 500, liquidity: "maker" },
      { what: "ended", at: place("EVENTS_1", 7), journal: 9, time: 13, quantity: 990, reason: "owner" },
    ],
  });
  assert.equal(title, "Buy 1,000 KRYP at 20.55, cancelled");
  assert.deepEqual(lines.map(({ text, proof }) => [text, proof]), [
    ["Accepted", "JOURNAL 5"],
    ["In the book with 1,000 at 20.55, behind 300 of 2 orders earlier at its price", "EVENTS_1 3 event 1"],
    ["300 traded ahead of it at 20.55 (trade 4)", "EVENTS_1 4 event 0"],
    ["Filled 10 at 20.55 as maker, fee 0.05 (trade 9)", "EVENTS_1 6 event 0, caused by JOURNAL 8"],
    ["Ended with 990 unfilled: its owner cancelled it", "EVENTS_1 7 event 0, caused by JOURNAL 9"],
  ]);
  assert.deepEqual(notes, ["3 trades of 500 in all were ahead of it; the first are shown."]);
});

test("why an open order is not in the book", () => {
  const note = (more, steps = []) => explained({ order: { ...ORDER, ...more }, accepted: place("JOURNAL", 1), steps }).notes[0];
  assert.equal(note({ entry: 6 }), "It waits for the end of order 6.");
  assert.equal(note({ stop_price: 5 }), "It waits outside of the book for its stop price.");
  assert.equal(note({ tif: "cls" }), "It waits for the closing auction.");
  assert.equal(note({}), "The engine has not answered yet.");
});

test("an order that was only ever refused", () => {
  const { title, lines } = explained({ account: "alice", refusals: [{ reason: "rate", detail: "too fast", at: place("JOURNAL", 2), time: 1 }] });
  assert.equal(title, "");
  assert.deepEqual(lines.map(({ text }) => text), ["Refused: too fast"]);
});
