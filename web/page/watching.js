// What is watched: one symbol, which the page's address names, and one interval of its candles.

import { CandlesFollower } from "./candle-feed.js";
import { INTERVALS } from "./candles.js";
import { followBook, followStatistics, followStatus, followSymbols, followTape, watchClock } from "./market.js";

const INTERVAL_KEY = "exchange.interval";
const INTERVAL_FIRST = "10s";

/** The interval of the last visit. */
export function storedInterval() {
  const chosen = localStorage.getItem(INTERVAL_KEY);
  return chosen in INTERVALS ? chosen : INTERVAL_FIRST;
}

export class Watching {
  #link;
  #store;
  #feeds = [];
  #candles = null;

  /** @param {import("./link.js").Link} link @param {import("./store.js").Store} store is told of all that changes */
  constructor(link, store) {
    this.#link = link;
    this.#store = store;
    watchClock(link, (stale) => store.update({ stale }));
    followSymbols(link, (symbols) => {
      store.update({ symbols });
      if (store.state.symbol === null && symbols.length > 0) this.#begin(symbols[0].symbol);
    });
    addEventListener("hashchange", () => this.select(this.#wanted() ?? store.state.symbol));
  }

  /** With the symbol of the address; one without gets that of the first, so that the browser's "back" leads to it. */
  #begin(first) {
    if (location.hash === "") history.replaceState(null, "", `#${first}`);
    this.select(this.#wanted() ?? first);
  }

  select(symbol) {
    if (symbol === this.#store.state.symbol) return;
    for (const feed of this.#feeds) feed.stop();
    this.#store.update({ symbol, book: null, tape: null, status: null, statistics: null });
    const tell = (name) => (value) => this.#store.update({ [name]: value });
    this.#feeds = [
      followBook(this.#link, symbol, tell("book")),
      followTape(this.#link, symbol, tell("tape")),
      followStatus(this.#link, symbol, tell("status")),
      followStatistics(this.#link, symbol, tell("statistics")),
    ];
    this.#followCandles();
  }

  chooseInterval(interval) {
    if (interval === this.#store.state.interval) return;
    localStorage.setItem(INTERVAL_KEY, interval);
    this.#store.update({ interval });
    if (this.#store.state.symbol !== null) this.#followCandles();
  }

  /** Loads candles before the oldest. */
  loadOlder() {
    this.#candles?.loadOlder();
  }

  #followCandles() {
    const { symbol, interval } = this.#store.state;
    this.#candles?.stop();
    this.#store.update({ candles: null });
    this.#candles = new CandlesFollower(this.#link, symbol, interval, (candles) => this.#store.update({ candles }));
  }

  /** The symbol in the page's address, if there is such a symbol. */
  #wanted() {
    const wanted = location.hash.slice(1);
    return this.#store.state.symbols?.some(({ symbol }) => symbol === wanted) ? wanted : undefined;
  }
}
