// What kinds of orders there are, how long they stay, and the words for it. Pure.

import { formatMoney, formatQuantity } from "./money.js";
import { TERMS } from "./texts.js";
import { formatMoment } from "./times.js";

/** Whether it waits until a trade reaches its stop price. */
export function waits(kind) {
  return kind === "stop" || kind === "stop_limit" || kind === "trailing_stop";
}

/** Whether it has a limit of its own. */
export function hasLimit(kind) {
  return kind === "limit" || kind === "stop_limit";
}

/** Whether an order with this time in force may stay in the book. */
export function rests(tif) {
  return tif === "gtc" || tif === "day" || tif === "gtd";
}

/** Whether an order with this time in force is for an auction only. */
export function isForAuction(tif) {
  return tif === "opg" || tif === "cls";
}

/** Basis points as a percentage: 250 → "2.5%". */
export function formatPercent(basisPoints) {
  return `${basisPoints / 100}%`;
}

/** The kind of an open order, with whatever is special about it: "Limit, day, shows 10, paired with 8". */
export function kindWords(order) {
  const trail = order.trail ? ` ${formatMoney(order.trail)}` : order.trail_basis_points ? ` ${formatPercent(order.trail_basis_points)}` : "";
  const words = [`${TERMS.kinds[order.kind]}${trail}`, ...conditionWords(order)];
  if (order.pair) words.push(TERMS.paired(order.pair));
  if (order.entry) words.push(TERMS.waitsFor(order.entry));
  return words.join(", ");
}

/** How long an order stays and how it is shown, as far as that is not the usual. */
export function conditionWords({ tif, expires = 0, post_only = false, display = 0 }) {
  const words = tif === "gtc" ? [] : [tif === "gtd" && expires ? TERMS.until(formatMoment(expires)) : TERMS.tifs[tif]];
  if (post_only) words.push(TERMS.postOnly);
  if (display) words.push(TERMS.shows(formatQuantity(display)));
  return words;
}
