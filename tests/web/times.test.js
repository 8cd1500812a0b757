import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoment, formatTime } from "../../web/page/times.js";

const nanoseconds = (...parts) => new Date(...parts).getTime() * 1e6;

test("the date stands where it is not today, the year where it is not this one", () => {
  const now = new Date();
  assert.equal(formatTime(nanoseconds(now.getFullYear(), now.getMonth(), now.getDate(), 9, 5, 7)), "09:05:07");
  assert.equal(formatTime(nanoseconds(2001, 0, 2, 14, 3, 59)), "02 Jan 14:03:59");
  assert.equal(formatMoment(nanoseconds(now.getFullYear(), 11, 4, 14, 30)), "04 Dec 14:30");
  assert.equal(formatMoment(nanoseconds(2999, 0, 1, 10, 0)), "01 Jan 2999 10:00");
});
