import assert from "node:assert/strict";
import { test } from "node:test";
import { folded, merge, startAt, withCandle, withPart, withTrade } from "../../web/page/candles.js";

const candle = (start, close, rest = {}) => ({
  symbol: "KRYP",
  interval: "1s",
  start,
  open: close,
  high: close,
  low: close,
  close,
  volume: 1,
  turnover: close,
  trades: 1,
  ...rest,
});
const starts = (candles) => candles.map(({ start }) => start);

test("the open candle is sent again and again, then the next one begins", () => {
  let candles = [candle(10, 5)];
  candles = withCandle(candles, candle(10, 6));
  candles = withCandle(candles, candle(11, 7));
  assert.deepEqual(candles.map(({ start, close }) => [start, close]), [[10, 6], [11, 7]]);
});

test("a late state of an older candle replaces that candle", () => {
  const candles = withCandle([candle(10, 5), candle(11, 7)], candle(10, 9));
  assert.deepEqual(candles.map(({ start, close }) => [start, close]), [[10, 9], [11, 7]]);
});

test("pages meet without doubles, the newer one counts", () => {
  const merged = merge([candle(1, 1), candle(2, 2)], [candle(2, 9), candle(3, 3)]);
  assert.deepEqual(merged.map(({ start, close }) => [start, close]), [[1, 1], [2, 9], [3, 3]]);
  assert.deepEqual(starts(merge([candle(1, 1)], [candle(2, 2)])), [1, 2]);
  assert.deepEqual(starts(merge([], [candle(2, 2)])), [2]);
});

test("a trade moves the open candle before its volume is told, and no other", () => {
  const trade = (seconds, price) => ({ trade_id: 1, price, quantity: 5, side: "buy", time: seconds * 1e9 + 5e8 });
  const candles = [candle(10, 5)];
  const moved = withTrade(candles, trade(14, 8), 5);
  assert.deepEqual(moved, [candle(10, 8, { open: 5, low: 5, turnover: 5 })]);
  assert.equal(withTrade(candles, trade(15, 8), 5), candles);
  assert.equal(withTrade(candles, trade(9, 8), 5), candles);
  assert.equal(withTrade(candles, trade(14, 5), 5), candles);
  assert.deepEqual(withTrade([], trade(14, 8), 5), []);
});

test("a candle holds what its parts hold", () => {
  const parts = [candle(60, 6), candle(61, 4, { low: 1, volume: 7, turnover: 28 }), candle(119, 5, { high: 9 })].map(Object.freeze);
  const { start, open, high, low, close, volume, turnover, trades } = folded(parts, 60);
  assert.deepEqual([start, open, high, low, close, volume, turnover, trades], [60, 6, 9, 1, 5, 9, 39, 3]);
});

test("candles of ten seconds grow by those of one", () => {
  let state = { candles: [candle(0, 1), candle(10, 5, { volume: 3 })], parts: [candle(10, 5), candle(12, 5, { volume: 2 })] };
  const told = () => state.candles.map(({ start, close, volume }) => [start, close, volume]);
  state = withPart(state, candle(12, 6, { volume: 4 }), 10);
  assert.deepEqual(told(), [[0, 1, 1], [10, 6, 5]]);
  state = withPart(state, candle(21, 7), 10);
  assert.deepEqual(told(), [[0, 1, 1], [10, 6, 5], [20, 7, 1]]);
  state = withPart(state, candle(12, 8, { volume: 9 }), 10); // Its last state comes after the next one began.
  assert.deepEqual(told(), [[0, 1, 1], [10, 8, 10], [20, 7, 1]]);
  assert.deepEqual(withPart(state, candle(9, 99), 10), state); // Of what was before, not all parts are known.
  state = withPart(state, candle(30, 2), 10);
  assert.deepEqual(starts(state.parts), [21, 30]);
  assert.deepEqual(withPart({ candles: [], parts: [] }, candle(47, 3), 10).candles, [candle(40, 3)]);
});

test("where a longer candle begins, the market says", () => {
  const state = { candles: [candle(3_600, 5)], parts: [candle(3_600, 5), candle(4_500, 6)] };
  assert.deepEqual(withPart(state, candle(4_500, 8, { volume: 3 }), 1_800).candles.map(({ close, volume }) => [close, volume]), [[8, 4]]);
  assert.equal(withPart(state, candle(5_400, 8), 1_800), null);
  assert.equal(withPart({ candles: [], parts: [] }, candle(5_400, 8), 1_800), null);
});

test("the candle of a moment", () => {
  const candles = [candle(10, 1), candle(20, 1), candle(50, 1)];
  const rows = [[5, 10], [10, 10], [19, 10], [20, 20], [49, 20], [50, 50], [99, 50]];
  for (const [second, start] of rows) assert.equal(startAt(candles, second), start, String(second));
  assert.equal(startAt([], 5), undefined);
});
