import assert from "node:assert/strict";
import { test } from "node:test";
import { bookOf } from "../../web/page/book.js";
import { depthOf, pathOf, totalAt } from "../../web/page/depth.js";

const bookWith = (bids, asks) => bookOf({ symbol: "KRYP", number: 1, bids, asks }, 20);

test("both sides reach as far as nine tenths of the wider one", () => {
  const depth = depthOf(bookWith([[99, 50], [98, 40], [50, 10]], [[101, 80], [102, 20]]));
  // 90 of 100 bids are within 2 of the middle, 90 of 100 asks need the level that is 2 away.
  assert.deepEqual([depth.low, depth.high], [100 - 2.1, 100 + 2.1]);
  assert.deepEqual(depth.bids.map(({ price }) => price), [99, 98]);
  assert.equal(depth.most, 100);
  assert.equal(depthOf(bookWith([], [])), null);
  const oneSided = depthOf(bookWith([[99, 50]], []));
  assert.deepEqual([oneSided.low, oneSided.high, oneSided.most], [98, 100, 50]);
});

test("a path steps at each level's price", () => {
  const same = (value) => value;
  const side = [{ price: 101, total: 10 }, { price: 103, total: 30 }];
  assert.equal(pathOf(side, 105, same, same), "M101 0H101V10H103V30H105V0Z");
  assert.equal(pathOf([], 105, same, same), "");
});

test("how much is bought or sold up to a price", () => {
  const depth = depthOf(bookWith([[99, 50], [98, 40]], [[101, 80], [103, 20]]));
  assert.deepEqual(totalAt(depth, 98), { side: "buy", quantity: 90 });
  assert.deepEqual(totalAt(depth, 99), { side: "buy", quantity: 50 });
  assert.deepEqual(totalAt(depth, 102), { side: "sell", quantity: 80 });
  assert.deepEqual(totalAt(depth, 103), { side: "sell", quantity: 100 });
  assert.equal(totalAt(depth, 100), null);
});
