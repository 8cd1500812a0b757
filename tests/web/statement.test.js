import assert from "node:assert/strict";
import { test } from "node:test";
import { amountOf, boundsOf, csvOf, months, proofOf, whatOf } from "../../web/page/statement.js";

test("the newest months, over the turn of a year", () => {
  const found = months(Date.UTC(2026, 1, 1), 3);
  assert.deepEqual(found, [
    { value: "2026-02", title: "February 2026" },
    { value: "2026-01", title: "January 2026" },
    { value: "2025-12", title: "December 2025" },
  ]);
  assert.deepEqual(months(Date.UTC(2026, 2, 31, 23, 59), 2).map(({ value }) => value), ["2026-03", "2026-02"]);
});

test("a month's bounds are those of UTC", () => {
  const { start, end } = boundsOf("2025-12");
  assert.equal(new Date(start / 1e6).toISOString(), "2025-12-01T00:00:00.000Z");
  assert.equal(new Date(end / 1e6).toISOString(), "2026-01-01T00:00:00.000Z");
});

test("postings in words", () => {
  assert.equal(whatOf({ kind: "transfer", reason: "prize" }), "prize");
  assert.equal(whatOf({ kind: "transfer", reason: "" }), "Transfer");
  assert.equal(whatOf({ kind: "fee", symbol: "KRYP", price: 205_500 }), "Fee, KRYP at 20.55");
  assert.equal(amountOf("CASH", -205_512, true), "−20.5512");
  assert.equal(amountOf("KRYP", 1_234, true), "+1,234");
  assert.equal(proofOf({ shard: 0, batch: 0, journal: 7 }), "JOURNAL 7");
  assert.equal(proofOf({ shard: 2, batch: 9, journal: 7 }), "EVENTS_2 9");
});

test("a CSV file: plain numbers, quoted words, nothing that a spreadsheet would run", () => {
  const row = { time: 1_795_742_857_868_537_000, kind: "trade", asset: "CASH", amount: -12_345_000_001, balance: 500, symbol: "KRYP", price: 205_500, reason: "", journal: 3, shard: 1, batch: 4 };
  const text = csvOf([row, { ...row, kind: "transfer", asset: "KRYP", amount: -5, balance: 12_345, symbol: "", price: 0, reason: '=say("a, b")', shard: 0, batch: 0 }]);
  assert.deepEqual(text.split("\n"), [
    "time,kind,asset,amount,balance,symbol,price,reason,journal,shard,batch",
    "2026-11-27T01:27:37.868537Z,trade,CASH,-1234500.0001,0.05,KRYP,20.55,,3,1,4",
    `2026-11-27T01:27:37.868537Z,transfer,KRYP,-5,12345,,,"'=say(""a, b"")",3,,`,
    "",
  ]);
});
