// What an order would cost: what it trades at once, fees, what the market sets aside for it, what is left then. Pure.

import { matchable } from "./book.js";
import { UNITS } from "./money.js";
import { availableCash, availableShares } from "./portfolio.js";
import { isForAuction, waits } from "./terms.js";

const LARGE_PERCENT = 25;

/** Fee on a trade of `value`, rounded up to a whole unit, as the market does it. */
export function feeOf(value, basisPoints) {
  return Math.ceil((value * basisPoints) / UNITS) + 0; // No minus zero.
}

/** How far from a reference price the market lets an order trade that has no price: on the tick that is still within. */
export function protectionPrice(side, reference, { protection, tick }) {
  const buying = side === "buy";
  const bound = (reference * (UNITS + (buying ? protection : -protection))) / UNITS / tick;
  return Math.max((buying ? Math.floor(bound) : Math.ceil(bound)) * tick, tick);
}

/** Where a trailing stop begins: its distance away from the last price, on the tick that is farther from the market. */
export function firstStop(side, { trail, trailBasisPoints }, { last, tick }) {
  const distance = trail ?? Math.ceil((last * trailBasisPoints) / UNITS);
  if (side === "buy") return Math.ceil((last + distance) / tick) * tick;
  return Math.max(Math.floor((last - distance) / tick) * tick, tick);
}

/** The worst price at which the order may trade; `values` as parsed by ticket.js. */
export function worstPrice({ side, kind }, values, info) {
  if (kind === "stop") return protectionPrice(side, values.stop, info);
  if (kind === "trailing_stop") return protectionPrice(side, firstStop(side, values, info), info);
  if (kind !== "market") return values.price;
  const market = protectionPrice(side, info.last, info);
  if (values.protection === null) return market;
  return side === "buy" ? Math.min(values.protection, market) : Math.max(values.protection, market);
}

/**
 * What the order trades at once (`now`) and what stays (`rest`), what all of it costs or brings at these prices (`value`, `fee`,
 * the `average` price), and what the market sets aside for it (`hold`, cash of a buy with the worst fee, shares of a sale).
 * null when nobody can say, because the book is not known.
 */
export function estimateOf(order, values, info, book) {
  const { side, kind, tif } = order;
  const { quantity } = values;
  const worst = worstPrice(order, values, info);
  const hold = holdOf(order, values, worst, info);
  const { maker_fee: maker = 0, taker_fee: taker = 0 } = info;
  if (waits(kind)) {
    const average = values.price ?? values.stop ?? firstStop(side, values, info);
    const value = average * quantity;
    return { now: 0, rest: quantity, value, average, fee: feeOf(value, taker), hold };
  }
  if (isForAuction(tif)) {
    const value = worst * quantity; // In an auction both sides pay the taker's fee.
    return { now: 0, rest: quantity, value, average: worst, fee: feeOf(value, taker), hold };
  }
  if (book === null) return null;
  const now = matchable(book, side, quantity, worst);
  const rest = quantity - now.quantity;
  const restValue = kind === "market" ? 0 : rest * values.price;
  const shares = kind === "market" ? now.quantity : quantity;
  const value = now.value + restValue;
  const fee = feeOf(now.value, taker) + feeOf(restValue, maker);
  return { now: now.quantity, rest, value, average: shares === 0 ? 0 : Math.round(value / shares), fee, hold };
}

/** The market sets aside what every fill could cost with the worst fee; one hold covers a pair, that of its dearer order. */
function holdOf({ side }, { quantity, orStop }, worst, info) {
  if (side === "sell") return quantity;
  const price = orStop === null ? worst : Math.max(worst, protectionPrice(side, orStop, info));
  const feeMax = Math.max(info.maker_fee ?? 0, info.taker_fee ?? 0, 0);
  return (price + feeOf(price, feeMax)) * quantity;
}

/** What could be spent (or sold) then; null when nothing can be said. Negative when it is not enough. */
export function leftAfter(side, estimate, portfolio, symbol) {
  if (estimate === null || portfolio === null) return null;
  return (side === "buy" ? availableCash(portfolio) : availableShares(portfolio, symbol)) - estimate.hold;
}

/** How many percent of all that the account is worth the order is about, if that is a lot; 0 otherwise. */
export function largePercent(estimate, portfolio, symbols) {
  if (estimate === null || portfolio === null) return 0;
  const worth = portfolio.positions.reduce((sum, { symbol, quantity, price }) => {
    const last = symbols.find((info) => info.symbol === symbol)?.last ?? price;
    return sum + Math.abs(last * quantity);
  }, portfolio.cash);
  const percent = worth > 0 ? Math.floor((estimate.value / worth) * 100) : 100;
  return percent >= LARGE_PERCENT ? percent : 0;
}
