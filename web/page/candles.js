// Candles of one symbol and interval, oldest first. Pure: every function returns new arrays.

/**
 * Intervals on offer: their seconds (of a month the shortest one's), and the interval that the market publishes of which the open
 * candle is made. Bars of a day and longer follow the market's calendar, the shorter ones its session day.
 */
export const INTERVALS = {
  "1s": { seconds: 1, live: "1s" },
  "5s": { seconds: 5, live: "1s" },
  "10s": { seconds: 10, live: "1s" },
  "30s": { seconds: 30, live: "1s" },
  "1m": { seconds: 60, live: "1m" },
  "5m": { seconds: 300, live: "5m" },
  "15m": { seconds: 900, live: "15m" },
  "30m": { seconds: 1_800, live: "15m" },
  "1h": { seconds: 3_600, live: "1h" },
  "4h": { seconds: 14_400, live: "1h" },
  "1d": { seconds: 86_400, live: "1d" },
  "1w": { seconds: 604_800, live: "1w" },
  "1mo": { seconds: 2_419_200, live: "1mo" },
};

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
 * The candles with a trade's price in the open one, until the market sends that candle with its volume. A trade of another
 * period changes nothing: with which second that one begins is the market's to say.
 */
export function withTrade(candles, { price, time }, seconds) {
  const last = candles.at(-1);
  const second = Math.floor(time / 1e9);
  if (last === undefined || last.close === price || second < last.start || second >= last.start + seconds) return candles;
  const moved = { ...last, close: price, high: Math.max(last.high, price), low: Math.min(last.low, price) };
  return [...candles.slice(0, -1), moved];
}

/** One candle that holds what its parts hold, in their order. */
export function folded(parts, start) {
  const [first] = parts;
  const whole = { ...first, start, close: parts.at(-1).close, volume: 0, turnover: 0, trades: 0 };
  for (const { high, low, volume, turnover, trades } of parts) {
    whole.high = Math.max(whole.high, high);
    whole.low = Math.min(whole.low, low);
    whole.volume += volume;
    whole.turnover += turnover;
    whole.trades += trades;
  }
  return whole;
}

/**
 * @typedef {object} Open
 * @property {object[]} candles those of the interval
 * @property {object[]} parts published candles of which the open one, and those after it, are made; complete since its start
 */

/**
 * The state after a published candle of a shorter interval. null where the market has to say in which period it falls: of minutes
 * and hours that depends on when its day starts. Seconds divide every minute alike.
 * @param {Open} state
 */
export function withPart({ candles, parts }, part, seconds) {
  const known = parts[0]?.start ?? candles.at(-1)?.start ?? 0;
  if (part.start < known) return { candles, parts };
  const isNew = part.start > (parts.at(-1)?.start ?? -Infinity);
  if (seconds > 60 && (isNew || candles.length === 0)) return null;
  const start = seconds > 60 ? candles.at(-1).start : part.start - (part.start % seconds);
  const grown = withCandle(parts, part);
  const next = withCandle(candles, folded(grown.filter((one) => one.start >= start && one.start < start + seconds), start));
  const before = next.at(-2)?.start ?? start; // A late last state of the candle before is still taken.
  return { candles: next, parts: grown.filter((one) => one.start >= before) };
}

/** Start of the candle that a moment (in seconds) falls into; of the first one if it is older than all. */
export function startAt(candles, second) {
  let [low, high] = [0, candles.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (candles[middle].start <= second) low = middle;
    else high = middle - 1;
  }
  return candles[low]?.start;
}
