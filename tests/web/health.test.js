import assert from "node:assert/strict";
import { test } from "node:test";
import { complaintsOf, rowsOf } from "../../web/page/health.js";

const worker = (name, more = {}) => ({ worker: name, host: "h", pid: 1, started: 5, ready: true, ...more });

test("a row for each log, by worker; one for who follows none", () => {
  const rows = rowsOf([
    worker("web"),
    worker("engine", { parts: [{ name: "engine-1", standing: "leading", positions: { JOURNAL: { applied: 7, end: 9 }, EVENTS_1: { applied: 4, end: 4 } } }] }),
  ]);
  assert.deepEqual(rows.map((row) => [row.worker, row.standing, row.log, row.lag]), [
    ["engine (engine-1)", "leading", "JOURNAL", 2],
    ["engine (engine-1)", "leading", "EVENTS_1", 0],
    ["web", "", "", null],
  ]);
});

test("complaints of all, newest first, not too many", () => {
  const answers = [worker("a", { complaints: [{ time: 1, text: "x" }, { time: 3, text: "y" }] }), worker("b", { complaints: [{ time: 2, text: "z" }] })];
  assert.deepEqual(complaintsOf(answers, 2).map(({ worker: who, text }) => who + text), ["ay", "bz"]);
});
