// What an account was worth over time: which stretches can be looked at, and the points as the chart takes them. Pure.

import { UNITS } from "./money.js";

const HOUR = 3_600e9;
const POINTS = 200;
const POINT_NS_MIN = 1e9;

/** Stretches of time up to now, in nanoseconds; null for all there is. */
export const RANGES = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, all: null };

/** What to ask the historian for a stretch up to `now` (nanoseconds since 1970). */
export function questionOf(range, now) {
  return RANGES[range] === null ? { points: POINTS } : { start: now - RANGES[range], points: POINTS };
}

/** How often it is worth asking again, in milliseconds: when the next point is due, but not more than once in five seconds. */
export function refreshMs(points) {
  const step = points.length < 2 ? POINT_NS_MIN : points.at(-1).time - points.at(-2).time;
  return Math.min(60_000, Math.max(5_000, step / 1e6));
}

/**
 * Points as two lines for the chart: one value a second, the newest, in the currency.
 * @param {{ time: number, equity: number, paid_in: number }[]} points oldest first
 */
export function linesOf(points) {
  const seconds = new Map(points.map((point) => [Math.floor(point.time / 1e9), point]));
  const line = (amount) => [...seconds].map(([time, point]) => ({ time, value: amount(point) / UNITS }));
  return { equity: line(({ equity }) => equity), paidIn: line(({ paid_in: paidIn }) => paidIn) };
}
