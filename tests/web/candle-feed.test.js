import assert from "node:assert/strict";
import { test } from "node:test";
import { CandlesFollower } from "../../web/page/candle-feed.js";

const PAGE = 1_500;
const candle = (start, close = 1, rest = {}) => ({
  symbol: "KRYP", start, open: close, high: close, low: close, close, volume: 1, turnover: close, trades: 1, ...rest,
});

/** A market with a candle every so many seconds, from 0 on, of every interval; it answers as public.candles does. */
class FakeLink extends EventTarget {
  status = "live";
  hearing = new Map();
  asked = [];
  newest;
  step;

  constructor(step, newest) {
    super();
    this.step = step;
    this.newest = newest;
  }

  subscribe(subject, hear) {
    this.hearing.set(subject, hear);
    return () => this.hearing.delete(subject);
  }

  async ask(_, { interval, limit, before = Infinity, since = 0 }) {
    this.asked.push({ interval, before, since });
    const step = interval === "1s" ? 1 : this.step;
    const candles = [];
    for (let start = this.newest - (this.newest % step); start >= since && start >= 0 && candles.length < limit; start -= step) {
      if (start < before) candles.unshift(candle(start));
    }
    return candles;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function follow(link, interval) {
  const told = { candles: null };
  const follower = new CandlesFollower(link, "KRYP", interval, (candles) => (told.candles = candles));
  for (let turn = 0; turn < 3; turn += 1) await settled();
  return { follower, told };
}

function assertWhole(candles, step) {
  candles.forEach(({ start }, index) => assert.equal(start, candles[0].start + index * step));
}

test("older candles stay while newer ones come", async () => {
  const link = new FakeLink(60, 4_000 * 60);
  const { follower, told } = await follow(link, "1m");
  assert.equal(told.candles.length, PAGE);
  await Promise.all([follower.loadOlder(), follower.loadOlder()]); // Asked for once.
  assert.equal(told.candles.length, 2 * PAGE);
  link.hearing.get("market.KRYP.candle.1m")(candle(4_001 * 60, 7));
  assert.equal(told.candles.length, 2 * PAGE + 1);
  await follower.loadOlder();
  assert.equal(told.candles[0].start, 0);
  await follower.loadOlder();
  assert.equal(link.asked.length, 3); // There is nothing older.
  assertWhole(told.candles, 60);
  follower.stop();
});

test("after a short absence only what is new is asked for, after a long one a page", async () => {
  const link = new FakeLink(60, 4_000 * 60);
  const { follower, told } = await follow(link, "1m");
  await follower.loadOlder();
  link.newest = 4_010 * 60;
  link.dispatchEvent(new Event("live"));
  await settled();
  await settled();
  assert.equal(link.asked.at(-1).since, 4_000 * 60);
  assert.equal(told.candles.length, 2 * PAGE + 10);
  link.newest = 9_000 * 60;
  link.dispatchEvent(new Event("live"));
  await settled();
  await settled();
  assert.equal(told.candles.length, PAGE);
  await follower.loadOlder();
  assertWhole(told.candles, 60);
  follower.stop();
});

test("a candle that the market does not publish is made of those that it does", async () => {
  const link = new FakeLink(10, 1_004);
  const { follower, told } = await follow(link, "10s");
  assert.deepEqual(link.asked.map(({ interval }) => interval), ["10s", "1s"]);
  assert.equal(link.asked[1].since, 1_000);
  link.hearing.get("market.KRYP.candle.1s")(candle(1_005, 9));
  const { start, close, volume } = told.candles.at(-1);
  assert.deepEqual([start, close, volume], [1_000, 9, 6]); // Those of 1000 to 1004, and this one.
  link.hearing.get("market.KRYP.trade")({ symbol: "KRYP", trades: [{ trade_id: 1, price: 4, quantity: 1, time: 1_005.5e9 }] });
  assert.deepEqual([told.candles.at(-1).close, told.candles.at(-1).volume], [4, 6]);
  follower.stop();
});

test("what is kept is bounded", async () => {
  const link = new FakeLink(1, 1_000);
  const { follower, told } = await follow(link, "1s");
  for (let start = 1_001; start <= 7_000; start += 1) link.hearing.get("market.KRYP.candle.1s")(candle(start));
  assert.ok(told.candles.length <= 6_000);
  assert.equal(told.candles.at(-1).start, 7_000);
  assertWhole(told.candles, 1);
  follower.stop();
});
