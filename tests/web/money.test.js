import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decimalsOf,
  formatChange,
  formatCompact,
  formatMoney,
  formatPrice,
  formatQuantity,
  formatSigned,
  formatUnits,
  parsePercent,
  parsePrice,
  parseQuantity,
  plainPrice,
} from "../../web/page/money.js";

test("a tick decides how many decimals its prices have", () => {
  const rows = [[10_000, 2], [500, 2], [100, 2], [50, 3], [10, 3], [5, 4], [1, 4]];
  for (const [tick, decimals] of rows) assert.equal(decimalsOf(tick), decimals, `tick ${tick}`);
});

test("units become decimals, grouped, without rounding", () => {
  const rows = [
    [205_500, 2, "20.55"],
    [205_599, 2, "20.55"],
    [-205_500, 2, "−20.55"],
    [-99, 2, "0.00"],
    [0, 2, "0.00"],
    [1, 4, "0.0001"],
    [12_345_678_900, 2, "1,234,567.89"],
    [Number.MAX_SAFE_INTEGER, 4, "900,719,925,474.0991"],
  ];
  for (const [units, decimals, text] of rows) assert.equal(formatUnits(units, decimals), text);
});

test("amounts of money show the decimals they have", () => {
  const rows = [[205_500, "20.55"], [205_550, "20.555"], [205_512, "20.5512"], [200_000, "20.00"], [-5, "−0.0005"]];
  for (const [units, text] of rows) assert.equal(formatMoney(units), text);
});

test("prices, signs, changes, shares", () => {
  assert.equal(formatPrice(1_420_500, 500), "142.05");
  assert.equal(formatPrice(0, 100), "–");
  assert.equal(formatSigned(500), "+0.05");
  assert.equal(formatSigned(-500), "−0.05");
  assert.equal(formatSigned(0), "0.00");
  assert.equal(formatChange(205_500, 200_000), "+2.75%");
  assert.equal(formatChange(199_000, 200_000), "−0.50%");
  assert.equal(formatChange(200_000, 200_000), "0.00%");
  assert.equal(formatChange(200_000, 0), "–");
  assert.equal(formatQuantity(1_234_567), "1,234,567");
  assert.equal(formatQuantity(-1_000), "−1,000");
  assert.equal(formatCompact(99_999), "99,999");
  assert.equal(formatCompact(123_456), "123.4K");
  assert.equal(formatCompact(12_345_678), "12.3M");
  assert.equal(formatCompact(2_000_000_000), "2B");
});

test("what is typed as a price becomes units, or a problem in words", () => {
  const rows = [["20.55", 205_500], [" 20.5 ", 205_000], ["20", 200_000], [".5", 5_000], ["0.0001", 1], ["1,234.50", 12_345_000], ["20.", 200_000], ["20.550000", 205_500]];
  for (const [text, units] of rows) assert.deepEqual(parsePrice(text), { units }, text);
  for (const text of ["", ".", "abc", "20,55", "1e3", "-1", "1 000", "20.55.1", "0x10", "0", "0.00", "0.00001", "99999999999999"]) {
    assert.match(parsePrice(text).problem, /\.$/, text);
  }
});

test("a price survives being written and read, for every tick", () => {
  for (const tick of [1, 5, 10, 50, 100, 500, 10_000]) {
    for (let units = tick; units < 60 * tick; units += tick) assert.deepEqual(parsePrice(plainPrice(units, tick)), { units });
    assert.deepEqual(parsePrice(plainPrice(123_456 * tick, tick)), { units: 123_456 * tick });
  }
});

test("what is typed as shares becomes a whole number, or a problem in words", () => {
  assert.deepEqual(parseQuantity("1,000"), { quantity: 1_000 });
  assert.deepEqual(parseQuantity(" 7 "), { quantity: 7 });
  for (const text of ["", "0", "1.5", "-3", "ten", "1,00", "1e3", "99999999999999999999"]) {
    assert.match(parseQuantity(text).problem, /\.$/, text);
  }
});

test("what people type as a percentage", () => {
  for (const [text, basisPoints] of [["2%", 200], [" 2.5 % ", 250], [".25%", 25], ["99.99%", 9_999], ["1.%", 100]]) {
    assert.deepEqual(parsePercent(text), { basisPoints }, text);
  }
  for (const text of ["%", ".%", "two%", "-1%", "1.234%", "0%", "0.00%", "100%", "1,5%"]) assert.ok(parsePercent(text).problem, text);
});
