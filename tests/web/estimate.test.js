import assert from "node:assert/strict";
import { test } from "node:test";
import { bookOf } from "../../web/page/book.js";
import { feeOf, firstStop, largePercent, leftAfter, protectionPrice, worstPrice } from "../../web/page/estimate.js";
import { check } from "../../web/page/ticket.js";

const INFO = {
  symbol: "KRYP", tick: 100, lot: 10, last: 205_000, opening_price: 205_000, protection: 500, maker_fee: -2, taker_fee: 10,
};
const BOOK = bookOf(
  { symbol: "KRYP", number: 1, bids: [[204_900, 50], [204_800, 50]], asks: [[205_100, 30], [205_300, 100]] },
  20,
);
const PORTFOLIO = {
  cash: 30_000_000,
  cash_held: 1_000_000,
  positions: [{ symbol: "KRYP", quantity: 100, held: 40, price: 205_000 }],
  orders: [],
};
const draft = (rest) => ({
  side: "buy", kind: "limit", tif: "gtc", quantity: "50", price: "20.53", stop: "21.00", trail: "0.50", display: "", postOnly: false,
  takeProfit: "", stopLoss: "", stopLossLimit: "", orStop: "", protection: "", expires: "", selfTrade: "", ...rest,
});
const estimate = (rest, info = INFO) => check(draft(rest), { info, book: BOOK, portfolio: PORTFOLIO, status: null }).estimate;

test("fees are rounded against the trader, as the ledger does it", () => {
  // Worked by hand from basis points of a value in units; exchange/money.py has the same rule.
  const rows = [[10_000, 10, 10], [10_001, 10, 11], [9_999, 10, 10], [0, 10, 0], [10_001, -2, -2], [9_999, -2, -1], [10_000, 0, 0]];
  for (const [value, basisPoints, fee] of rows) assert.equal(feeOf(value, basisPoints), fee, `${value} at ${basisPoints}`);
});

test("the market's own protection is on the tick that is still within", () => {
  assert.equal(protectionPrice("buy", 205_000, INFO), 215_200); // 21.525
  assert.equal(protectionPrice("sell", 205_000, INFO), 194_800); // 19.475
  assert.equal(protectionPrice("sell", 100, { ...INFO, protection: 9_999 }), 100);
});

test("the worst price of each kind", () => {
  const worst = (rest) => worstPrice(draft(rest), check(draft(rest), { info: INFO, book: null, portfolio: null, status: null }), INFO);
  assert.equal(worst({}), 205_300);
  assert.equal(worst({ kind: "market" }), 215_200);
  assert.equal(worst({ kind: "market", protection: "20.60" }), 206_000);
  assert.equal(worst({ kind: "market", protection: "30.00" }), 215_200); // The market's own is tighter.
  assert.equal(worst({ kind: "market", side: "sell", protection: "20.40" }), 204_000);
  assert.equal(worst({ kind: "stop" }), 220_500);
  assert.equal(worst({ kind: "stop_limit", price: "21.10" }), 211_000);
  assert.equal(worst({ kind: "trailing_stop" }), 220_500); // Its stop price begins at 21.00.
});

test("what trades at once counts at the book's prices and the taker's fee, what rests at the limit and the maker's", () => {
  const value = 30 * 205_100 + 20 * 205_300;
  const atOnce = estimate({});
  assert.deepEqual([atOnce.now, atOnce.rest, atOnce.value, atOnce.average], [50, 0, value, 205_180]);
  assert.equal(atOnce.fee, 10_259);
  const partly = estimate({ price: "20.51" });
  assert.deepEqual([partly.now, partly.rest, partly.value, partly.average], [30, 20, 50 * 205_100, 205_100]);
  assert.equal(partly.fee, 6_153 - 820); // 10 basis points of 615.30, less 2 of 410.20.
});

test("what the market sets aside covers the worst price and the worst fee of every share", () => {
  assert.equal(estimate({}).hold, (205_300 + 206) * 50);
  assert.equal(estimate({ kind: "market" }).hold, (215_200 + 216) * 50);
  assert.equal(estimate({ side: "sell" }).hold, 50);
  assert.equal(estimate({ orStop: "21.00" }).hold, (220_500 + 221) * 50); // One hold for a pair: the dearer order's.
  assert.equal(estimate({}, { ...INFO, taker_fee: 0 }).hold, 205_300 * 50);
});

test("a stop trades nothing at once, and is estimated at its prices", () => {
  const found = (rest) => {
    const { now, rest: stays, value, average } = estimate(rest);
    return [now, stays, value, average];
  };
  assert.deepEqual(found({ kind: "stop" }), [0, 50, 50 * 210_000, 210_000]);
  assert.deepEqual(found({ kind: "stop_limit", price: "21.10" }), [0, 50, 50 * 211_000, 211_000]);
  assert.equal(estimate({ kind: "trailing_stop" }).average, 210_000);
  assert.equal(estimate({ kind: "trailing_stop", side: "sell", trail: "2%" }).average, 200_900);
  assert.equal(firstStop("buy", { trail: null, trailBasisPoints: 33 }, INFO), 205_700); // 20.56765, up to the tick.
});

test("what is for an auction trades nothing now, at the taker's fee then", () => {
  const { now, rest, fee } = estimate({ tif: "cls" });
  assert.deepEqual([now, rest, fee], [0, 50, 10_265]);
});

test("what is left to spend, or to sell", () => {
  assert.equal(leftAfter("buy", estimate({}), PORTFOLIO, "KRYP"), 29_000_000 - (205_300 + 206) * 50);
  assert.equal(leftAfter("sell", estimate({ side: "sell" }), PORTFOLIO, "KRYP"), 10);
  assert.equal(leftAfter("sell", estimate({ side: "sell" }), PORTFOLIO, "ADAM"), -50);
  assert.equal(leftAfter("buy", null, PORTFOLIO, "KRYP"), null);
  assert.equal(leftAfter("buy", estimate({}), null, "KRYP"), null);
});

test("a large order is one about a quarter of all that the account is worth", () => {
  // 3,000.00 in cash and 100 shares at 20.50 are worth 5,050.00.
  const symbols = [INFO];
  assert.equal(largePercent({ value: 12_624_000 }, PORTFOLIO, symbols), 0);
  assert.equal(largePercent({ value: 12_625_000 }, PORTFOLIO, symbols), 25);
  assert.equal(largePercent({ value: 50_500_000 }, PORTFOLIO, symbols), 100);
  assert.equal(largePercent(null, PORTFOLIO, symbols), 0);
  assert.equal(largePercent({ value: 1 }, { cash: 0, positions: [] }, symbols), 100);
});
