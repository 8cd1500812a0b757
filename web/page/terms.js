// What kinds of orders there are, how long they stay, and the words for it. Pure.

import { formatMoney, formatQuantity } from "./money.js";

export const KINDS = {
  limit: "Limit",
  market: "Market",
  stop: "Stop",
  stop_limit: "Stop limit",
  trailing_stop: "Trailing stop",
};

const TIFS = { day: "day", gtd: "until a date", ioc: "IOC", fok: "FOK" };

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
  return tif !== "ioc" && tif !== "fok";
}

/** Basis points as a percentage: 250 → "2.5%". */
export function formatPercent(basisPoints) {
  return `${basisPoints / 100}%`;
}

/** The kind of an open order, with whatever is special about it: "Limit, day, shows 10". */
export function kindWords(order) {
  const trail = order.trail ? ` ${formatMoney(order.trail)}` : order.trail_basis_points ? ` ${formatPercent(order.trail_basis_points)}` : "";
  return [`${KINDS[order.kind]}${trail}`, ...conditionWords(order)].join(", ");
}

/** How long an order stays and how it is shown, as far as that is not the usual. */
export function conditionWords({ tif, post_only = false, display = 0 }) {
  const words = tif === "gtc" ? [] : [TIFS[tif]];
  if (post_only) words.push("post-only");
  if (display) words.push(`shows ${formatQuantity(display)}`);
  return words;
}
