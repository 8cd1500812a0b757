import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf, questionOf, refreshMs } from "../../web/page/equity.js";

const point = (seconds, equity, paid_in = 100) => ({ time: seconds * 1e9, equity, paid_in });

test("what is asked for", () => {
  assert.deepEqual(questionOf("all", 5e18), { points: 200 });
  assert.deepEqual(questionOf("hour", 5e18), { start: 5e18 - 3600e9, points: 200 });
});

test("one value a second, the newest, in the currency", () => {
  const { equity, paidIn } = linesOf([point(1, 10_000), point(1.5, 20_000), point(2, 5_000, 300)]);
  assert.deepEqual(equity, [{ time: 1, value: 2 }, { time: 2, value: 0.5 }]);
  assert.deepEqual(paidIn, [{ time: 1, value: 0.01 }, { time: 2, value: 0.03 }]);
  assert.deepEqual(linesOf([]), { equity: [], paidIn: [] });
});

test("asked again when the next point is due, within bounds", () => {
  assert.equal(refreshMs([]), 5_000);
  assert.equal(refreshMs([point(0, 1), point(20, 1)]), 20_000);
  assert.equal(refreshMs([point(0, 1), point(3_600, 1)]), 60_000);
});
