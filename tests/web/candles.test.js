import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregate, merge, withCandle, withTrade } from "../../web/page/candles.js";

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

test("a trade moves the open candle before its volume is told", () => {
  const trade = (seconds, price) => ({ trade_id: 1, price, quantity: 5, side: "buy", time: seconds * 1e9 + 5e8 });
  const moved = withTrade([candle(10, 5)], trade(10, 8), "KRYP", "1s");
  assert.deepEqual(moved, [candle(10, 8, { open: 5, low: 5, turnover: 5 })]);
  const next = withTrade(moved, trade(12, 3), "KRYP", "1s");
  assert.deepEqual(next.at(-1), candle(12, 3, { volume: 0, turnover: 0, trades: 0 }));
  assert.equal(withTrade(next, trade(11, 99), "KRYP", "1s"), next);
  assert.deepEqual(starts(withTrade([], trade(130, 3), "KRYP", "1m")), [120]);
});

test("longer intervals hold what their parts hold", () => {
  const parts = [candle(58, 5, { high: 9 }), candle(60, 6), candle(61, 4, { low: 1, volume: 7, turnover: 28 }), candle(119, 5), candle(120, 8)];
  assert.deepEqual(
    aggregate(parts, 60).map(({ start, open, high, low, close, volume, trades }) => [start, open, high, low, close, volume, trades]),
    [[0, 5, 9, 5, 5, 1, 1], [60, 6, 6, 1, 5, 9, 3], [120, 8, 8, 8, 8, 1, 1]],
  );
});

test("aggregating leaves its input alone", () => {
  const parts = Object.freeze([Object.freeze(candle(60, 6)), Object.freeze(candle(61, 4))]);
  assert.equal(aggregate(parts, 60).length, 1);
});
