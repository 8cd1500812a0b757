// Indicators over candles. Pure; prices are integers, their averages need not be. Each gives one value for each candle, null where
// there are too few before it.

/** Simple moving average of the last `length` closes. */
export function sma(candles, length) {
  let sum = 0;
  return candles.map(({ close }, index) => {
    sum += close - (candles[index - length]?.close ?? 0);
    return index < length - 1 ? null : sum / length;
  });
}

/** Exponential moving average with the usual weight, 2 / (length + 1); it begins with the simple one. */
export function ema(candles, length) {
  const weight = 2 / (length + 1);
  const simple = sma(candles.slice(0, length), length).at(-1) ?? null;
  let value = null;
  return candles.map(({ close }, index) => {
    if (index < length - 1) return null;
    value = index === length - 1 ? simple : value + weight * (close - value);
    return value;
  });
}

/** Bollinger bands: the simple average, and `width` standard deviations of the last `length` closes below and above it. */
export function bollinger(candles, length, width) {
  return sma(candles, length).map((middle, index) => {
    if (middle === null) return null;
    let squares = 0;
    for (let at = index - length + 1; at <= index; at += 1) squares += (candles[at].close - middle) ** 2;
    const distance = width * Math.sqrt(squares / length);
    return { low: middle - distance, middle, high: middle + distance };
  });
}

/**
 * Volume-weighted average price since the session day began, as far as the candles reach back. `day` is when some session day began,
 * in seconds; others are counted from it in days of 24 hours.
 */
export function vwap(candles, day) {
  let [current, turnover, volume] = [null, 0, 0];
  return candles.map((candle) => {
    const at = Math.floor((candle.start - day) / 86_400);
    if (at !== current) [current, turnover, volume] = [at, 0, 0];
    turnover += candle.turnover;
    volume += candle.volume;
    return volume === 0 ? null : turnover / volume;
  });
}
