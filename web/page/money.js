// Prices and money are integers in 1/10 000 of the currency. Decimals exist only in the text that people read and type;
// nothing here multiplies or divides a fraction, so that what is shown and sent is exact.

import { NUMBERS } from "./texts.js";

export const UNITS = 10_000;
const DECIMALS = 4;
const DECIMALS_SHOWN_MIN = 2;
const MINUS = "−";

/** Digits in groups of three: 1234567 → "1,234,567". */
export function group(digits) {
  return String(digits).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** How many decimals prices of this tick need, at least two: 100 → 2, 50 → 3, 1 → 4. */
export function decimalsOf(tick) {
  let decimals = DECIMALS;
  while (decimals > DECIMALS_SHOWN_MIN && tick % 10 ** (DECIMALS - decimals + 1) === 0) decimals -= 1;
  return decimals;
}

/** Text with so many decimals; digits beyond are cut, never rounded up: (205_500, 2) → "20.55". */
export function formatUnits(units, decimals = DECIMALS_SHOWN_MIN) {
  const size = Math.abs(units);
  const rest = String(size % UNITS).padStart(DECIMALS, "0").slice(0, decimals);
  const sign = units < 0 && (size >= UNITS || Number(rest) > 0) ? MINUS : "";
  return `${sign}${group(Math.floor(size / UNITS))}.${rest}`;
}

/** A price as its symbol writes it; "–" for none (0). */
export function formatPrice(units, tick) {
  return units ? formatUnits(units, decimalsOf(tick)) : "–";
}

/** An amount of money with all the decimals it has, at least two: 205_512 → "20.5512". */
export function formatMoney(units) {
  const rest = Math.abs(units) % UNITS;
  return formatUnits(units, decimalsOf(rest === 0 ? UNITS : rest));
}

/** An amount with its sign written out: 500 → "+0.05". */
export function formatSigned(units, decimals = DECIMALS_SHOWN_MIN) {
  const text = formatUnits(units, decimals);
  return units > 0 ? `+${text}` : text;
}

/** How far `value` is from `reference`, in percent with two decimals: (205_500, 200_000) → "+2.75%". */
export function formatChange(value, reference) {
  if (!reference) return "–";
  const hundredths = Math.round(((value - reference) * UNITS) / reference);
  return `${formatSigned(hundredths * 100)}%`;
}

/** Shares: 12345 → "12,345". */
export function formatQuantity(quantity) {
  return quantity < 0 ? `${MINUS}${group(-quantity)}` : group(quantity);
}

/** Many shares in little room: 12 345 678 → "12.3M". */
export function formatCompact(quantity) {
  for (const [least, unit, letter] of [[1e9, 1e9, "B"], [1e6, 1e6, "M"], [1e5, 1e3, "K"]]) {
    if (quantity >= least) return `${Math.floor((quantity * 10) / unit) / 10}${letter}`;
  }
  return formatQuantity(quantity);
}

/** The number as it is put into an input: no grouping, no needless zeros beyond the tick's decimals. */
export function plainPrice(units, tick) {
  return formatUnits(units, decimalsOf(tick)).replaceAll(",", "");
}

/**
 * What people type as a price: "20.55" → { units: 205500 }; anything else → { problem } in words.
 * Groups of three digits may be written with commas.
 */
export function parsePrice(text) {
  const trimmed = text.trim();
  if (trimmed === "") return { problem: NUMBERS.noPrice };
  if (!/^(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?$/.test(trimmed) || !/\d/.test(trimmed)) {
    return { problem: NUMBERS.notPrice };
  }
  const [whole, rest = ""] = trimmed.replaceAll(",", "").split(".");
  if (rest.replace(/0+$/, "").length > DECIMALS) return { problem: NUMBERS.priceDecimals };
  const units = Number(whole) * UNITS + Number(rest.padEnd(DECIMALS, "0").slice(0, DECIMALS));
  if (!Number.isSafeInteger(units)) return { problem: NUMBERS.priceTooLarge };
  if (units === 0) return { problem: NUMBERS.priceZero };
  return { units };
}

/** What people type as a number of shares: "1,000" → { quantity: 1000 }; anything else → { problem } in words. */
export function parseQuantity(text) {
  const trimmed = text.trim();
  if (trimmed === "") return { problem: NUMBERS.noQuantity };
  if (!/^(\d+|\d{1,3}(,\d{3})+)$/.test(trimmed)) return { problem: NUMBERS.notQuantity };
  const quantity = Number(trimmed.replaceAll(",", ""));
  if (!Number.isSafeInteger(quantity)) return { problem: NUMBERS.quantityTooLarge };
  if (quantity === 0) return { problem: NUMBERS.quantityZero };
  return { quantity };
}

/** What people type as a percentage: "2.5%" → { basisPoints: 250 }; anything else → { problem } in words. */
export function parsePercent(text) {
  const found = /^(\d{1,3})?(?:\.(\d{0,2}))?\s*%$/.exec(text.trim());
  if (found === null || !/\d/.test(text)) return { problem: NUMBERS.notPercent };
  const [, whole = "0", rest = ""] = found;
  const basisPoints = Number(whole) * 100 + Number(rest.padEnd(2, "0"));
  if (basisPoints === 0 || basisPoints >= UNITS) return { problem: NUMBERS.percentRange };
  return { basisPoints };
}
