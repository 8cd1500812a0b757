// An order's whole life in sentences, from the historian's explanation. Pure.

import { formatMoney, formatQuantity } from "./money.js";
import { EXPLAIN, NEWS, SIDE, ACCOUNT } from "./texts.js";

const JOURNAL = "JOURNAL";

/**
 * @param {object} told the answer to api.<account>.explain
 * @returns {{ title: string, lines: { time: number, text: string, proof: string }[], notes: string[] }}
 */
export function explained(told) {
  const { order } = told;
  const lines = (told.refusals ?? []).map(({ time, at, detail }) => line(time, at, EXPLAIN.refused(detail)));
  if (order !== undefined && told.accepted !== undefined) lines.push(line(order.time, told.accepted, EXPLAIN.accepted), ...life(told));
  // An order's time and that of its first events are the same: the journal comes before the events.
  const rank = ({ time, at }) => [time, Number(at.log !== JOURNAL), at.batch, at.event ?? 0];
  lines.sort((a, b) => compare(rank(a), rank(b)));
  return { title: order === undefined ? "" : titleOf(order), lines, notes: notes(told) };
}

function compare(a, b) {
  const index = a.findIndex((value, place) => value !== b[place]);
  return index === -1 ? 0 : a[index] - b[index];
}

function line(time, at, text, more = "") {
  return { time, at, text, proof: proofOf(at) + more };
}

function titleOf({ side, quantity, symbol, kind, price, status }) {
  const limit = kind === "market" ? EXPLAIN.atMarket : EXPLAIN.at(formatMoney(price));
  return EXPLAIN.order(SIDE[side], formatQuantity(quantity), symbol, limit, ACCOUNT.statuses[status].toLowerCase());
}

function life({ queue, ahead = [], steps = [] }) {
  const lines = queue === undefined ? [] : [line(queue.time, queue.at, placeWords(queue))];
  for (const { time, at, quantity, price, trade_id: id } of ahead) {
    lines.push(line(time, at, EXPLAIN.tradedAhead(formatQuantity(quantity), formatMoney(price), id)));
  }
  for (const step of steps) {
    const isFirst = queue !== undefined && proofOf(step.at) === proofOf(queue.at);
    if (!isFirst) lines.push(line(step.time, step.at, stepWords(step), EXPLAIN.causedBy(step.journal)));
  }
  return lines;
}

function placeWords({ quantity, price, orders_better, quantity_better, orders_ahead, quantity_ahead }) {
  const ahead = [];
  if (orders_better) ahead.push(EXPLAIN.better(formatQuantity(quantity_better), EXPLAIN.orders(orders_better)));
  if (orders_ahead) ahead.push(EXPLAIN.earlier(formatQuantity(quantity_ahead), EXPLAIN.orders(orders_ahead)));
  return EXPLAIN.place(formatQuantity(quantity), formatMoney(price), ahead.join(EXPLAIN.and) || EXPLAIN.nobody);
}

function stepWords(step) {
  const quantity = formatQuantity(step.quantity ?? 0);
  const price = formatMoney(step.price ?? 0);
  switch (step.what) {
    case "filled":
      return EXPLAIN.filled(quantity, price, EXPLAIN.how[step.liquidity], step.fee ? formatMoney(step.fee) : "", step.trade_id);
    case "decremented":
      return EXPLAIN.decremented(quantity, step.reason === "pair");
    case "ended":
      if (step.reason === "filled") return EXPLAIN.endedFilled;
      return EXPLAIN.ended(quantity, EXPLAIN.endings[step.reason] ?? NEWS.why[step.reason] ?? step.reason);
    default:
      return EXPLAIN[step.what](quantity, price);
  }
}

function notes({ order, steps = [], ahead = [], trades_ahead = 0, quantity_ahead = 0, steps_left_out = 0, queue_now: now }) {
  const found = [];
  if (trades_ahead > ahead.length) found.push(EXPLAIN.moreAhead(formatQuantity(trades_ahead), formatQuantity(quantity_ahead)));
  if (steps_left_out > 0) found.push(EXPLAIN.moreSteps(formatQuantity(steps_left_out)));
  if (now !== undefined) found.push(EXPLAIN.placeNow(placeWords(now), proofOf(now.at)));
  else if (order?.status === "open") found.push(waitingWords(order, steps));
  return found;
}

/** Why an open order is not in the book. */
function waitingWords({ entry, stop_price: stop, tif }, steps) {
  if (entry && !steps.some(({ what }) => what === "activated")) return EXPLAIN.waitsForEntry(entry);
  if (stop) return EXPLAIN.waitsForStop;
  return tif === "cls" ? EXPLAIN.waitsForClose : EXPLAIN.waitsForEngine;
}

function proofOf({ log, batch, event = 0 }) {
  return log === JOURNAL ? `${log} ${batch}` : `${log} ${batch} event ${event}`;
}
