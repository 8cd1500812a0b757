// The order ticket's thinking: what the draft means, and what is wrong with it. Pure. What it costs: estimate.js; what is sent:
// command.js.

import { best } from "./book.js";
import { estimateOf, feeOf, worstPrice } from "./estimate.js";
import { formatMoney, formatPrice, formatQuantity, parsePercent, parsePrice, parseQuantity } from "./money.js";
import { availableCash, availableShares } from "./portfolio.js";
import { hasLimit, isForAuction, rests, waits } from "./terms.js";
import { CHECKS, NUMBERS } from "./texts.js";

const FAR_PERCENT = 10;

/**
 * @typedef {object} Draft what stands in the form
 * @property {"buy" | "sell"} side
 * @property {"limit" | "market" | "stop" | "stop_limit" | "trailing_stop"} kind
 * @property {"gtc" | "day" | "gtd" | "ioc" | "fok" | "opg" | "cls"} tif
 * @property {string} expires when a gtd order ends: a date and a time of day here, as a form's field has it
 * @property {string} quantity
 * @property {string} price the limit
 * @property {string} protection the worst price of a market order; empty for the market's own
 * @property {string} stop the stop price
 * @property {string} trail an amount, or a percentage
 * @property {string} display how many shares are shown at a time; empty for all
 * @property {boolean} postOnly
 * @property {string} selfTrade what happens when it would trade with an order of one's own; empty for the account's rule
 * @property {string} takeProfit with stopLoss: the limit that closes what this order trades …
 * @property {string} stopLoss … and the stop price that does, whichever is reached first
 * @property {string} stopLossLimit the worst price of the latter; empty for the market's protection
 * @property {string} orStop the stop price of an order of which either it or this one is to trade
 */

const PRICES = ["price", "stop", "protection", "takeProfit", "stopLoss", "stopLossLimit", "orStop"];

/** The draft with only what counts for its kind: what is chosen for another kind stays in the form, and is not sent. */
export function effective(draft) {
  const { kind } = draft;
  const tif = canHave(kind, draft.tif) ? draft.tif : "gtc";
  const written = (field) => (draft[field].trim() === "" ? null : draft[field]);
  const stopLossLimit = written("stopLossLimit");
  const brackets = written("takeProfit") !== null || written("stopLoss") !== null || stopLossLimit !== null;
  return {
    ...draft,
    tif,
    expires: tif === "gtd" ? draft.expires : null,
    protection: kind === "market" ? written("protection") : null,
    takeProfit: brackets ? draft.takeProfit : null,
    stopLoss: brackets ? draft.stopLoss : null,
    stopLossLimit,
    orStop: canPair(kind, tif) ? written("orStop") : null,
    price: hasLimit(kind) ? draft.price : null,
    stop: kind === "stop" || kind === "stop_limit" ? draft.stop : null,
    trail: kind === "trailing_stop" ? draft.trail : null,
    display: hasLimit(kind) && rests(tif) ? written("display") : null,
    postOnly: draft.postOnly && kind === "limit" && rests(tif),
  };
}

/** Whether a kind of order can have a time in force; a market order trades at once anyway, or in an auction. */
export function canHave(kind, tif) {
  if (kind === "market") return isForAuction(tif);
  return !waits(kind) || rests(tif);
}

/** Whether such an order can be one of a pair. */
export function canPair(kind, tif) {
  return kind === "limit" && rests(tif);
}

/**
 * Everything there is to say about a draft. `errors` forbid sending it; `warnings` are what the market will probably answer,
 * and the market decides. Both name their field, or "form".
 * @param {Draft} draft
 * @param {{ info: object, book: object | null, portfolio: object | null, status: object | null }} context
 */
export function check(draft, context) {
  const { info, book } = context;
  const order = effective(draft);
  const { values, errors } = parsed(order, info);
  const { quantity, price, stop } = values;
  const worst = price ?? stop;
  if (!errors.quantity && worst !== null && !Number.isSafeInteger(worst * quantity)) errors.quantity = CHECKS.tooLarge;
  const sound = Object.keys(errors).length === 0;
  const estimate = sound ? estimateOf(order, values, info, book) : null;
  const warnings = sound ? warningsOf(order, { ...values, ...context, estimate }) : {};
  return { ...values, errors, warnings, estimate };
}

function parsed({ quantity: shares, ...texts }, info) {
  const errors = {};
  const values = { quantity: null, trail: null, trailBasisPoints: null, display: null, expires: null };
  for (const field of PRICES) values[field] = null;
  const take = (field, { problem, ...found }) => {
    if (problem === undefined) Object.assign(values, found);
    else errors[field] = problem;
  };
  take("quantity", inLots(parseQuantity(shares), "quantity", info));
  for (const field of PRICES) {
    if (texts[field] !== null) take(field, onTick(parsePrice(texts[field]), field, info));
  }
  if (texts.trail !== null) take("trail", parseTrail(texts.trail, info));
  if (texts.expires !== null) take("expires", parseExpires(texts.expires));
  if (texts.display !== null) {
    take("display", inLots(parseQuantity(texts.display), "display", info));
    if (values.display !== null && values.quantity !== null && values.display >= values.quantity) {
      errors.display = CHECKS.displayTooLarge;
    }
  }
  if (texts.orStop !== null && texts.takeProfit !== null) errors.orStop = CHECKS.pairAndBracket;
  return { values, errors };
}

/** A date and time of day here, as a form's field has it, in nanoseconds; it has to be in the future. */
function parseExpires(text) {
  const milliseconds = new Date(text).getTime(); // A text without a zone is of the zone where the page is read.
  if (Number.isNaN(milliseconds)) return { problem: CHECKS.noExpires };
  if (milliseconds <= Date.now()) return { problem: CHECKS.expired };
  return { expires: milliseconds * 1_000_000 };
}

function inLots({ quantity, problem }, field, info) {
  if (problem !== undefined) return { problem };
  if (quantity % info.lot !== 0) return { problem: CHECKS.offLot(info.symbol, formatQuantity(info.lot)) };
  return { [field]: quantity };
}

function onTick({ units, problem }, field, info) {
  if (problem !== undefined) return { problem };
  if (units % info.tick !== 0) return { problem: CHECKS.offTick(info.symbol, formatMoney(info.tick)) };
  return { [field]: units };
}

function parseTrail(text, info) {
  if (text.trim() === "") return { problem: CHECKS.noTrail };
  if (text.trim().endsWith("%")) {
    const { basisPoints, problem } = parsePercent(text);
    return problem === undefined ? { trailBasisPoints: basisPoints } : { problem };
  }
  const { trail, problem } = onTick(parsePrice(text), "trail", info);
  if (problem !== undefined) return { problem: problem === NUMBERS.notPrice ? CHECKS.notTrail : problem };
  if (trail >= info.last) return { problem: CHECKS.trailTooLarge(formatPrice(info.last, info.tick)) };
  return { trail };
}

function warningsOf(order, known) {
  const { quantity, info, portfolio, estimate, status } = known;
  const warnings = { ...priceWarnings(order, known), ...fillWarnings(order, estimate, known) };
  const closed = phaseWarning(order, status);
  if (closed !== undefined) warnings.form = closed;
  if (portfolio === null) return warnings;
  const spendable = availableCash(portfolio);
  const sellable = availableShares(portfolio, info.symbol);
  if (order.side === "buy" && estimate !== null && estimate.hold > spendable) {
    warnings.quantity = CHECKS.needs(formatMoney(estimate.hold), formatMoney(spendable));
  }
  if (order.side === "sell" && quantity > sellable) {
    warnings.quantity = CHECKS.canSell(formatQuantity(sellable), info.symbol);
  }
  return warnings;
}

/** What the symbol's phase will not take; undefined where it takes the order. See docs/rules.md. */
function phaseWarning({ kind, tif }, status) {
  const phase = status?.phase ?? "continuous";
  if (phase === "halted" || phase === "closed") return CHECKS.phases[phase];
  const opening = phase === "pre_open" || phase === "opening_auction";
  if (tif === "opg" && !opening) return CHECKS.auctionOver;
  const atOnce = tif === "ioc" || tif === "fok" || (kind === "market" && !isForAuction(tif));
  return phase !== "continuous" && atOnce ? CHECKS.phases.auction : undefined;
}

/** What becomes of an order that has to trade at once. */
function fillWarnings({ side, kind, tif }, estimate, { status }) {
  if ((status?.phase ?? "continuous") !== "continuous") return {};
  if ((kind !== "market" && tif !== "fok") || isForAuction(tif) || estimate === null || estimate.rest === 0) return {};
  if (kind === "market" && estimate.now === 0) {
    return { quantity: CHECKS.nothingOffered[side] };
  }
  return { quantity: CHECKS.onlyNow[tif === "fok" ? "all" : "rest"](formatQuantity(estimate.now)) };
}

function priceWarnings({ side, kind, postOnly }, { price, stop, info, book, estimate }) {
  const warnings = {};
  const beyond = (one, other) => (side === "buy" ? one > other : one < other);
  if (stop !== null && info.last && !beyond(stop, info.last)) {
    warnings.stop = CHECKS.triggersNow(formatPrice(info.last, info.tick));
  }
  if (kind === "stop_limit" && beyond(stop, price)) {
    warnings.price = CHECKS.limitBeyondStop[side];
  }
  if (kind === "limit") {
    const far = book === null ? null : farFrom(side, price, book, info);
    if (far !== null) warnings.price = far;
    if (postOnly && estimate !== null && estimate.now > 0) warnings.price = CHECKS.postOnlyTrades;
  }
  return warnings;
}

function farFrom(side, price, book, info) {
  const { bid, ask } = best(book);
  const reference = side === "buy" ? ask : bid;
  if (!reference) return null;
  const percent = Math.floor(((side === "buy" ? price - reference : reference - price) * 100) / reference);
  if (percent < FAR_PERCENT) return null;
  return CHECKS.far[side](percent, formatPrice(reference, info.tick));
}

/** How many shares a part of what the account has is worth, in whole lots; 0 when nothing can be said. */
export function shareOf(percent, draft, { info, book, portfolio }) {
  if (portfolio === null) return 0;
  const whole = (quantity) => Math.max(0, quantity - (quantity % info.lot));
  if (draft.side === "sell") return whole(Math.floor((availableShares(portfolio, info.symbol) * percent) / 100));
  const order = effective(draft);
  const { values } = parsed(order, info);
  const priced = order.kind === "market" || [values.price, values.stop, values.trail, values.trailBasisPoints].some((value) => value !== null);
  const price = priced ? worstPrice(order, values, info) : book === null ? 0 : best(book).ask;
  const feeMax = Math.max(info.maker_fee ?? 0, info.taker_fee ?? 0, 0);
  return price ? whole(Math.floor((availableCash(portfolio) * percent) / 100 / (price + feeOf(price, feeMax)))) : 0;
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
  price_outside_band: "price",
  price_unexpected: "price",
  stop_price_missing: "stop",
  stop_price_not_positive: "stop",
  stop_price_off_tick: "stop",
  stop_price_too_large: "stop",
  stop_price_unexpected: "stop",
  trail_basis_points: "trail",
  trail_missing: "trail",
  trail_not_positive: "trail",
  trail_off_tick: "trail",
  trail_too_large: "trail",
  trail_twice: "trail",
  trail_unexpected: "trail",
  display_not_positive: "display",
  display_off_lot: "display",
  display_too_large: "display",
  display_unexpected: "display",
  expires_missing: "expires",
  expires_past: "expires",
  expires_too_far: "expires",
  expires_unexpected: "expires",
  time_in_force: "tif",
  auction_over: "tif",
  post_only: "postOnly",
  position_limit: "quantity",
  cash_limit: "quantity",
};

const ROLES = { take_profit: "takeProfit", stop_loss: "stopLoss", stop: "orStop" };
const ROLE = /^(limit|stop|entry|take_profit|stop_loss): /;

/** The field of the ticket that a refusal is about; "form" for one about none of them. One about a group names its order first. */
export function fieldOf({ reason, detail = "" }) {
  return ROLES[ROLE.exec(detail)?.[1]] ?? FIELDS[reason] ?? "form";
}

/** A refusal's detail as a sentence: "the price must …" → "The price must …." */
export function sentence({ reason, detail }) {
  const text = (detail ?? "").replace(ROLE, "") || reason.replaceAll("_", " ");
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
