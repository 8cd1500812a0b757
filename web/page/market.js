// What is public: the list of symbols, and of one symbol its book, tape and candles. Each is followed on its own.

import { bookOf, changed, isShort } from "./book.js";
import { INTERVALS, merge, withCandle, withTrade } from "./candles.js";
import { Follower } from "./follower.js";
import { TAPE_LENGTH_MAX, tapeOf, withTrades } from "./trades.js";

const BOOK_LEVELS = 200;
const BOOK_LEVELS_MIN = 40;
const CANDLES_PAGE = 1_500;
const CLOCK_MS = 4_000;
const QUIET_MS = 5_000;

/**
 * Watches the market's clock, which steps at least once a second, and tells `publish` whether the market stands still (or
 * nobody answers) although the connection is there.
 */
export function watchClock(link, publish) {
  let before = 0;
  let asking = false;
  const look = async () => {
    if (asking || link.status !== "live") return;
    asking = true;
    try {
      const { time } = await link.ask("public.market");
      publish(time === before);
      before = time;
    } catch (error) {
      if (!error.unanswered) throw error;
      publish(true);
    } finally {
      asking = false;
    }
  };
  setInterval(look, CLOCK_MS);
  link.addEventListener("live", () => {
    before = 0;
    look();
  });
}

/** Follows all symbols' last prices. */
export function followSymbols(link, publish) {
  return new Follower(link, {
    subjects: ["market.*.trade"],
    load: () => link.ask("public.symbols"),
    apply: withLastTrades,
    publish,
    quietMs: 4 * QUIET_MS,
  });
}

function withLastTrades(symbols, { symbol, trades }) {
  const index = symbols.findIndex((info) => info.symbol === symbol);
  if (index === -1) return null;
  const info = symbols[index];
  const fresh = trades.filter((trade) => trade.trade_id > info.trades);
  if (fresh.length === 0) return symbols;
  if (fresh[0].trade_id !== info.trades + 1) return null;
  const last = fresh.at(-1);
  const volume = fresh.reduce((sum, trade) => sum + trade.quantity, info.volume);
  return symbols.with(index, { ...info, last: last.price, trades: last.trade_id, volume });
}

/** Follows a symbol's book. */
export function followBook(link, symbol, publish) {
  const follower = new Follower(link, {
    subjects: [`market.${symbol}.depth`],
    load: async () => bookOf(await link.ask("public.depth", { symbol, limit: BOOK_LEVELS }), BOOK_LEVELS),
    apply: changed,
    publish(book) {
      publish(book);
      if (isShort(book, BOOK_LEVELS_MIN)) follower.reloadSoon(QUIET_MS / 10);
    },
    quietMs: QUIET_MS,
  });
  return follower;
}

/** Follows a symbol's trades. */
export function followTape(link, symbol, publish) {
  return new Follower(link, {
    subjects: [`market.${symbol}.trade`],
    load: async () => tapeOf(await link.ask("public.trades", { symbol, limit: TAPE_LENGTH_MAX })),
    apply: (tape, { trades }) => withTrades(tape, trades),
    publish,
  });
}

/** Follows the candles of the base interval of `interval`, and loads older ones when told to. */
export class CandlesFollower {
  #link;
  #symbol;
  #base;
  #publish;
  #follower;
  #candles = [];
  #older = "maybe";
  #stopped = false;

  constructor(link, symbol, interval, publish) {
    this.#link = link;
    this.#symbol = symbol;
    this.#base = INTERVALS[interval].base;
    this.#publish = publish;
    this.#follower = new Follower(link, {
      subjects: [`market.${symbol}.candle.${this.#base}`, `market.${symbol}.trade`],
      load: () => this.#load(),
      apply: (candles, message) =>
        Array.isArray(message.trades)
          ? message.trades.reduce((result, trade) => withTrade(result, trade, symbol, this.#base), candles)
          : withCandle(candles, message),
      publish: (candles) => this.#become(candles),
    });
  }

  stop() {
    this.#stopped = true;
    this.#follower.stop();
  }

  /** Puts a page of older candles before the oldest, if there are any. */
  async loadOlder() {
    if (this.#older !== "maybe" || this.#candles.length === 0) return;
    this.#older = "loading";
    try {
      const page = await this.#ask(this.#candles[0].start);
      if (this.#stopped) return;
      this.#older = page.length < CANDLES_PAGE ? "none" : "maybe";
      this.#become(merge(page, this.#candles));
    } catch (error) {
      if (!error.unanswered) throw error;
      this.#older = "maybe";
    }
  }

  async #load() {
    const fresh = await this.#ask(0);
    const known = this.#candles;
    // After a long absence there is a hole between the two; the older ones are loaded again when they are looked at.
    const hole = fresh.length === CANDLES_PAGE && known.length > 0 && known.at(-1).start < fresh[0].start;
    if (known.length === 0 || hole) this.#older = fresh.length < CANDLES_PAGE ? "none" : "maybe";
    return hole ? fresh : merge(known, fresh);
  }

  #ask(before) {
    const question = { symbol: this.#symbol, interval: this.#base, limit: CANDLES_PAGE, before };
    return this.#link.ask("public.candles", question);
  }

  #become(candles) {
    this.#candles = candles;
    this.#publish(candles);
  }
}
