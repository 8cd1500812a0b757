import assert from "node:assert/strict";
import { test } from "node:test";
import { best, bookOf, changed, isShort, levels, matchable, ownLevels } from "../../web/page/book.js";

const SNAPSHOT = {
  symbol: "KRYP",
  number: 10,
  previous: 0,
  bids: [[100, 5], [99, 7]],
  asks: [[102, 3], [103, 4], [105, 9]],
};
const change = (number, previous, bids, asks = []) => ({ symbol: "KRYP", number, previous, bids, asks });
const sides = (book) => [levels(book, "buy", 99), levels(book, "sell", 99)].map((side) => side.map(({ price, quantity }) => [price, quantity]));

test("changes add, replace and remove levels", () => {
  const book = changed(bookOf(SNAPSHOT, 20), change(12, 9, [[100, 0], [98, 1]], [[102, 8], [101, 2]]));
  assert.deepEqual(sides(book), [[[99, 7], [98, 1]], [[101, 2], [102, 8], [103, 4], [105, 9]]]);
  assert.deepEqual(best(book), { bid: 99, bidQuantity: 7, ask: 101, askQuantity: 2 });
  assert.equal(book.number, 12);
});

test("a change that the snapshot contains leaves the book as it is", () => {
  const book = bookOf(SNAPSHOT, 20);
  assert.equal(changed(book, change(10, 8, [[100, 1]])), book);
  assert.equal(changed(book, change(9, 0, [[100, 1]])), book);
});

test("a missing change is a gap", () => {
  assert.equal(changed(bookOf(SNAPSHOT, 20), change(13, 11, [[100, 1]])), null);
});

test("previous 0 asks for a snapshot", () => {
  assert.equal(changed(bookOf(SNAPSHOT, 20), change(13, 0, [])), null);
});

test("the first change after a snapshot may name an earlier batch, the next must name the last", () => {
  const first = changed(bookOf(SNAPSHOT, 20), change(12, 6, [[100, 1]]));
  assert.notEqual(first, null);
  assert.notEqual(changed(first, change(15, 12, [[100, 2]])), null);
  assert.equal(changed(first, change(15, 14, [[100, 2]])), null);
});

test("levels beyond a cut snapshot are not shown as if all between were known", () => {
  const book = changed(bookOf({ ...SNAPSHOT, asks: [[102, 3], [103, 4]] }, 2), change(11, 10, [[90, 1]], [[110, 1], [101, 1]]));
  assert.deepEqual(sides(book), [[[100, 5], [99, 7]], [[101, 1], [102, 3], [103, 4]]]);
  assert.equal(isShort(book, 3), true);
  assert.equal(isShort(bookOf(SNAPSHOT, 20), 3), false);
});

test("totals add up from the best level on", () => {
  assert.deepEqual(levels(bookOf(SNAPSHOT, 20), "sell", 2), [
    { price: 102, quantity: 3, total: 3 },
    { price: 103, quantity: 4, total: 7 },
  ]);
});

test("what an order would trade at once", () => {
  const book = bookOf(SNAPSHOT, 20);
  assert.deepEqual(matchable(book, "buy", 5, null), { quantity: 5, value: 3 * 102 + 2 * 103 });
  assert.deepEqual(matchable(book, "buy", 50, 103), { quantity: 7, value: 3 * 102 + 4 * 103 });
  assert.deepEqual(matchable(book, "buy", 5, 101), { quantity: 0, value: 0 });
  assert.deepEqual(matchable(book, "sell", 6, 100), { quantity: 5, value: 500 });
});

test("an empty book has no best price", () => {
  const book = bookOf({ ...SNAPSHOT, bids: [], asks: [] }, 20);
  assert.deepEqual(best(book), { bid: 0, bidQuantity: 0, ask: 0, askQuantity: 0 });
});

test("random changes in conflated messages, some lost: the book is the market's, or a gap is noticed", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = generator(seed);
    const market = { bids: new Map(), asks: new Map() };
    let number = 0;
    let sent = 0;
    let book = bookOf({ symbol: "KRYP", number: 0, previous: 0, bids: [], asks: [] }, 1_000);
    for (let step = 0; step < 200; step += 1) {
      number += 1 + (random() % 3);
      const message = change(number, sent || number - 1, [], []);
      for (const [side, base] of [["bids", 100], ["asks", 120]]) {
        const [price, quantity] = [base + (random() % 10), random() % 4];
        message[side].push([price, quantity]);
        if (quantity === 0) market[side].delete(price);
        else market[side].set(price, quantity);
      }
      const lost = random() % 10 === 0;
      const first = sent === 0;
      sent = number;
      if (lost) continue;
      const next = changed(book, first ? { ...message, previous: 0 } : message);
      book = next ?? bookOf({ symbol: "KRYP", number, previous: 0, bids: [...market.bids], asks: [...market.asks] }, 1_000);
      assert.deepEqual([...book.bids].sort(), [...market.bids].sort(), `seed ${seed}`);
      assert.deepEqual([...book.asks].sort(), [...market.asks].sort(), `seed ${seed}`);
    }
  }
});

function generator(seed) {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >> 8;
}

test("own orders are where they stand in the book, and nowhere while they wait", () => {
  const order = (rest) => ({ symbol: "KRYP", side: "buy", price: 205_000, remaining: 10, ...rest });
  const own = ownLevels(
    [
      order({}), order({ remaining: 5 }), order({ price: 204_000 }), order({ side: "sell", price: 206_000 }),
      order({ symbol: "ADAM" }), order({ kind: "stop", stop_price: 207_000 }), order({ entry: 3 }),
    ],
    "KRYP",
  );
  assert.deepEqual([...own.buy], [[205_000, 15], [204_000, 10]]);
  assert.deepEqual([...own.sell], [[206_000, 10]]);
});
