// An account's statement of a month: which months there are, its rows in words, and the same as a CSV file. Pure.

import { formatMoney, formatQuantity } from "./money.js";
import { LOCALE, STATEMENT } from "./texts.js";

const DAY_MS = 86_400_000;
const MONTHS_MAX = 24;
const MILLION = 1_000_000n;
const MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
const HEAD = ["time", "kind", "asset", "amount", "balance", "symbol", "price", "reason", "journal", "shard", "batch"];

/** The newest months up to now (milliseconds since 1970), each { value: "2026-11", title }, newest first. */
export function months(now, count = MONTHS_MAX) {
  const found = [];
  for (let moment = now; found.length < count; moment = Date.UTC(new Date(moment).getUTCFullYear(), new Date(moment).getUTCMonth()) - DAY_MS) {
    found.push({ value: new Date(moment).toISOString().slice(0, 7), title: MONTH.format(moment) });
  }
  return found;
}

/** A month's bounds in nanoseconds since 1970 for the historian: { start, end }. */
export function boundsOf(month) {
  const [year, number] = month.split("-").map(Number);
  return { start: Date.UTC(year, number - 1) * 1e6, end: Date.UTC(year, number) * 1e6 };
}

/** What a posting was, in words. */
export function whatOf({ kind, symbol, price, reason }) {
  if (kind === "transfer") return reason || STATEMENT.kinds.transfer;
  return STATEMENT.at(STATEMENT.kinds[kind], symbol, formatMoney(price));
}

/** An amount of an asset, with its sign where `signed`. */
export function amountOf(asset, amount, signed = false) {
  const text = asset === "CASH" ? formatMoney(amount) : formatQuantity(amount);
  return signed && amount > 0 ? `+${text}` : text;
}

/** The log entry that proves a posting. */
export function proofOf({ shard, batch, journal }) {
  return shard ? `EVENTS_${shard} ${batch}` : `JOURNAL ${journal}`;
}

/** The file that `exchange statement --csv` writes, too. */
export function csvOf(postings) {
  const rows = postings.map((row) => {
    const plain = (amount) => (row.asset === "CASH" ? plainMoney(amount) : String(amount));
    const price = row.symbol ? plainMoney(row.price) : "";
    return [
      ...[timeOf(row.time), row.kind, row.asset, plain(row.amount), plain(row.balance), row.symbol, price, row.reason],
      ...[row.journal, row.shard || "", row.batch || ""],
    ];
  });
  return [HEAD, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
}

function plainMoney(units) {
  return formatMoney(units).replaceAll(",", "").replace("−", "-");
}

/** Nanoseconds as UTC, to the microsecond: JavaScript's numbers do not hold more of it. */
function timeOf(nanoseconds) {
  const microseconds = BigInt(Math.round(nanoseconds / 1000));
  const seconds = new Date(Number(microseconds / MILLION) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(microseconds % MILLION).padStart(6, "0")}Z`;
}

/** A field as RFC 4180 wants it; one that a spreadsheet would take for a formula is told to be text. */
function quoted(field) {
  const text = /^[=+@\t\r]|^-(?![\d.]+$)/.test(field) ? `'${field}` : String(field);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
