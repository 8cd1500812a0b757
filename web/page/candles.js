// Candles of one symbol and base interval, oldest first. Pure: every function returns new arrays.

/** Intervals on offer: those the market publishes, and those made of them here. Seconds and base interval. */
export const INTERVALS = {
  "1s": { seconds: 1, base: "1s" },
  "10s": { seconds: 10, base: "1s" },
  "1m": { seconds: 60, base: "1m" },
  "5m": { seconds: 300, base: "1m" },
  "15m": { seconds: 900, base: "1m" },
};

const BASE_SECONDS = { "1s": 1, "1m": 60 };

/** Two runs of candles as one; where both have a candle, that of `newer` counts. */
export function merge(older, newer) {
  if (older.length === 0) return newer;
  if (newer.length === 0) return older;
  if (older.at(-1).start < newer[0].start) return [...older, ...newer];
  const byStart = new Map([...older, ...newer].map((candle) => [candle.start, candle]));
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

/** The candles with one more state of the open candle. */
export function withCandle(candles, candle) {
  const last = candles.at(-1);
  if (last === undefined || candle.start > last.start) return [...candles, candle];
  if (candle.start === last.start) return [...candles.slice(0, -1), candle];
  return merge(candles, [candle]);
}

/**
 * The candles with a trade's price in the open one, until the market sends that candle with its volume.
 * A trade that is older than the open candle changes nothing.
 */
export function withTrade(candles, trade, symbol, interval) {
  const seconds = BASE_SECONDS[interval];
  const start = Math.floor(trade.time / 1e9 / seconds) * seconds;
  const { price } = trade;
  const last = candles.at(-1);
  if (last !== undefined && start < last.start) return candles;
  if (last === undefined || start > last.start) {
    const flat = { symbol, interval, start, open: price, high: price, low: price, close: price };
    return [...candles, { ...flat, volume: 0, turnover: 0, trades: 0 }];
  }
  if (last.close === price) return candles;
  const moved = { ...last, close: price, high: Math.max(last.high, price), low: Math.min(last.low, price) };
  return [...candles.slice(0, -1), moved];
}

/** Candles of a longer interval, made of candles of their base interval. */
export function aggregate(candles, seconds) {
  const result = [];
  for (const candle of candles) {
    const start = candle.start - (candle.start % seconds);
    const open = result.at(-1);
    if (open === undefined || open.start !== start) {
      result.push({ ...candle, start });
      continue;
    }
    open.high = Math.max(open.high, candle.high);
    open.low = Math.min(open.low, candle.low);
    open.close = candle.close;
    open.volume += candle.volume;
    open.turnover += candle.turnover;
    open.trades += candle.trades;
  }
  return result;
}
