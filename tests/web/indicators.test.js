import assert from "node:assert/strict";
import { test } from "node:test";
import { bollinger, ema, sma, vwap } from "../../web/page/indicators.js";

const closes = (...prices) => prices.map((close, index) => ({ start: index, close }));
const rounded = (values) => values.map((value) => (value === null ? null : Math.round(value * 1e6) / 1e6));

test("the simple moving average", () => {
  assert.deepEqual(sma(closes(1, 2, 3, 4, 9), 3), [null, null, 2, 3, 16 / 3]);
  assert.deepEqual(sma(closes(1), 3), [null]);
  assert.deepEqual(sma([], 3), []);
});

test("the exponential one begins with the simple one, and weighs the newest with 2 / (length + 1)", () => {
  assert.deepEqual(ema(closes(2, 4, 6, 8, 4), 3), [null, null, 4, 6, 5]);
  assert.deepEqual(ema(closes(2, 4), 3), [null, null]);
});

test("Bollinger bands are standard deviations away, of the whole population", () => {
  const [, , , last] = bollinger(closes(9, 2, 4, 6), 3, 2);
  assert.deepEqual(rounded([last.low, last.middle, last.high]), [0.734014, 4, 7.265986]); // 4 ± 2 × √(8/3)
  assert.equal(bollinger(closes(1, 2), 3, 2)[1], null);
});

test("the volume-weighted average begins anew with each session day", () => {
  const DAY = 86_400;
  const candles = [
    { start: 100 + DAY, turnover: 100, volume: 10 },
    { start: 200 + DAY, turnover: 400, volume: 20 },
    { start: 100 + 2 * DAY, turnover: 90, volume: 3 },
    { start: 200 + 2 * DAY, turnover: 0, volume: 0 },
  ];
  assert.deepEqual(vwap(candles, 50 + 9 * DAY), [10, 500 / 30, 30, 30]); // Counted from any day's beginning.
  assert.deepEqual(vwap([{ start: 0, turnover: 0, volume: 0 }], 0), [null]);
});
