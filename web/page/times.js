// Moments of the market (nanoseconds since 1970) as people here write them.

import { LOCALE } from "./texts.js";

const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "2-digit", month: "short" });
const year = new Intl.DateTimeFormat(LOCALE, { day: "2-digit", month: "short", year: "numeric" });

/** The time of day: "14:03:59", with the date where it is not today. */
export function formatTime(nanoseconds) {
  const date = new Date(nanoseconds / 1e6);
  const time = clock.format(date);
  return date.toDateString() === new Date().toDateString() ? time : `${day.format(date)} ${time}`;
}

/** A moment to come, to the minute: "04 Dec 14:30", with the year where it is not this one. */
export function formatMoment(nanoseconds) {
  const date = new Date(nanoseconds / 1e6);
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return `${(isThisYear ? day : year).format(date)} ${minutes.format(date)}`;
}
