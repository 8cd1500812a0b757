// The order ticket's thinking: what the draft means, what is wrong with it, what it would cost. Pure.

import { best, matchable } from "./book.js";
import { formatMoney, formatPrice, formatQuantity, parsePrice, parseQuantity } from "./money.js";
import { availableCash, availableShares } from "./portfolio.js";

const FAR_PERCENT = 10;

/**
 * @typedef {object} Draft what stands in the form
 * @property {"buy" | "sell"} side
 * @property {"limit" | "market"} kind
 * @property {"gtc" | "ioc"} tif
 * @property {string} quantity
 * @property {string} price
 */

/**
 * Everything there is to say about a draft. `errors` forbid sending it; `warnings` are what the market will probably answer,
 * and the market decides. Both name their field.
 * @param {Draft} draft
 * @param {{ info: object, book: object | null, portfolio: object | null }} context
 */
export function check(draft, { info, book, portfolio }) {
  const errors = {};
  const { quantity = null, problem: quantityProblem } = parseQuantity(draft.quantity);
  const { units: price = null, problem: priceProblem } = draft.kind === "market" ? {} : parsePrice(draft.price);
  if (quantityProblem) errors.quantity = quantityProblem;
  else if (quantity % info.lot !== 0) errors.quantity = `${info.symbol} trades in lots of ${formatQuantity(info.lot)}.`;
  if (priceProblem) errors.price = priceProblem;
  else if (price !== null && price % info.tick !== 0) {
    errors.price = `Prices of ${info.symbol} are multiples of ${formatMoney(info.tick)}.`;
  }
  if (!errors.quantity && price !== null && !Number.isSafeInteger(price * quantity)) {
    errors.quantity = "This order is too large.";
  }
  const sound = !errors.quantity && !errors.price;
  const estimate = sound ? estimateOf(draft, quantity, price, book) : null;
  const warnings = sound ? warningsOf(draft, { quantity, price, estimate, info, book, portfolio }) : {};
  return { quantity, price, errors, warnings, estimate };
}

/** What the order would trade at once, and what it would cost (or bring) when all of it trades; null when nobody can say. */
function estimateOf(draft, quantity, price, book) {
  if (book === null) return null;
  const now = matchable(book, draft.side, quantity, price);
  const rest = quantity - now.quantity;
  const value = now.value + (price === null ? 0 : rest * price);
  const shares = price === null ? now.quantity : quantity;
  return { now: now.quantity, rest, value, average: shares === 0 ? 0 : Math.round(value / shares) };
}

function warningsOf(draft, { quantity, price, estimate, info, book, portfolio }) {
  const warnings = {};
  if (draft.kind === "market" && estimate !== null && estimate.rest > 0) {
    const side = draft.side === "buy" ? "sale" : "purchase";
    warnings.quantity =
      estimate.now === 0
        ? `Nothing is offered for ${side} right now.`
        : `Only ${formatQuantity(estimate.now)} can trade now; the rest would be cancelled.`;
  }
  if (portfolio !== null) {
    const spendable = availableCash(portfolio);
    const needed = price === null ? (estimate?.value ?? 0) : price * quantity;
    const sellable = availableShares(portfolio, info.symbol);
    if (draft.side === "buy" && needed > spendable) {
      warnings.quantity = `Needs ${formatMoney(needed)}; ${formatMoney(spendable)} is available.`;
    }
    if (draft.side === "sell" && quantity > sellable) {
      warnings.quantity = `You can sell ${formatQuantity(sellable)} ${info.symbol}.`;
    }
  }
  const far = price === null || book === null ? null : farFrom(draft.side, price, book, info);
  if (far !== null) warnings.price = far;
  return warnings;
}

function farFrom(side, price, book, info) {
  const { bid, ask } = best(book);
  const reference = side === "buy" ? ask : bid;
  if (!reference) return null;
  const percent = Math.floor(((side === "buy" ? price - reference : reference - price) * 100) / reference);
  if (percent < FAR_PERCENT) return null;
  const words = side === "buy" ? "above the best ask" : "below the best bid";
  return `${percent}% ${words}, ${formatPrice(reference, info.tick)}.`;
}

/** The command to send for a checked draft. */
export function commandOf(draft, { quantity, price }, symbol, clientOrderId) {
  const command = { type: "submit", client_order_id: clientOrderId, symbol, side: draft.side, quantity };
  if (draft.kind === "market") return { ...command, kind: "market" };
  return draft.tif === "ioc" ? { ...command, price, tif: "ioc" } : { ...command, price };
}

/** How many shares a part of what the account has is worth, in whole lots; 0 when nothing can be said. */
export function shareOf(percent, draft, { info, book, portfolio }) {
  if (portfolio === null) return 0;
  const inLots = (quantity) => Math.max(0, quantity - (quantity % info.lot));
  if (draft.side === "sell") return inLots(Math.floor((availableShares(portfolio, info.symbol) * percent) / 100));
  const typed = draft.kind === "limit" ? parsePrice(draft.price).units : undefined;
  const price = typed ?? (book === null ? 0 : best(book).ask);
  return price ? inLots(Math.floor((availableCash(portfolio) * percent) / 100 / price)) : 0;
}

const FIELDS = {
  quantity_not_positive: "quantity",
  quantity_off_lot: "quantity",
  quantity_too_large: "quantity",
  value_too_large: "quantity",
  insufficient_funds: "quantity",
  insufficient_shares: "quantity",
  price_missing: "price",
  price_not_positive: "price",
  price_off_tick: "price",
  price_too_large: "price",
};

/** The field of the ticket that a refusal is about; "form" for one about none of them. */
export function fieldOf(reason) {
  return FIELDS[reason] ?? "form";
}

/** A refusal's detail as a sentence: "the price must …" → "The price must …." */
export function sentence({ reason, detail }) {
  const text = detail || reason.replaceAll("_", " ");
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
