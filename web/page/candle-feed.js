// Follows the candles of one symbol and interval, and loads older ones when told to.

import { INTERVALS, merge, withCandle, withPart, withTrade } from "./candles.js";
import { Follower } from "./follower.js";

const PAGE = 1_500;
const FOLLOWED_MAX = 6_000; // Then the older half is forgotten, and loaded again when it is looked at.

export class CandlesFollower {
  #link;
  #symbol;
  #interval;
  #publish;
  #follower;
  #older = []; // Candles before those that are followed.
  #followed = [];
  #more = "maybe"; // Whether there are still older ones.
  #stopped = false;

  constructor(link, symbol, interval, publish) {
    this.#link = link;
    this.#symbol = symbol;
    this.#interval = interval;
    this.#publish = publish;
    this.#follower = new Follower(link, {
      subjects: [`market.${symbol}.candle.${INTERVALS[interval].live}`, `market.${symbol}.trade`],
      load: (state) => this.#load(state),
      apply: (state, message) => this.#bounded(applied(state, message, interval)),
      publish: ({ candles }) => {
        this.#followed = candles;
        this.#show();
      },
    });
  }

  stop() {
    this.#stopped = true;
    this.#follower.stop();
  }

  /** Puts a page of older candles before the oldest, if there are any. */
  async loadOlder() {
    const oldest = this.#older[0] ?? this.#followed[0];
    if (this.#more !== "maybe" || oldest === undefined) return;
    this.#more = "loading";
    try {
      const page = await this.#ask(this.#interval, { limit: PAGE, before: oldest.start });
      if (this.#stopped || this.#more !== "loading") return;
      this.#more = page.length < PAGE ? "none" : "maybe";
      this.#older = [...page, ...this.#older];
      this.#show();
    } catch (error) {
      if (!error.unanswered) throw error;
      this.#more = "maybe";
    }
  }

  /** All of a page at first; later what is new since the newest. */
  async #load(state) {
    const since = state?.candles.at(-1)?.start ?? 0;
    const fresh = await this.#ask(this.#interval, { limit: PAGE, since });
    const isHole = fresh.length === PAGE && fresh[0].start > since; // After a long absence.
    if (since === 0 || isHole) this.#forgetOlder(fresh.length < PAGE ? "none" : "maybe");
    const candles = isHole ? fresh : merge(state?.candles ?? [], fresh);
    const { live } = INTERVALS[this.#interval];
    if (live === this.#interval || candles.length === 0) return { candles, parts: [] };
    return { candles, parts: await this.#ask(live, { limit: PAGE, since: candles.at(-1).start }) };
  }

  #bounded(state) {
    if (state === null || state.candles.length <= FOLLOWED_MAX) return state;
    this.#forgetOlder("maybe");
    return { ...state, candles: state.candles.slice(-FOLLOWED_MAX / 2) };
  }

  #forgetOlder(more) {
    this.#older = [];
    this.#more = more;
  }

  #ask(interval, question) {
    return this.#link.ask("public.candles", { symbol: this.#symbol, interval, ...question });
  }

  #show() {
    this.#publish(this.#older.length === 0 ? this.#followed : [...this.#older, ...this.#followed]);
  }
}

function applied(state, message, interval) {
  const { seconds, live } = INTERVALS[interval];
  if (message.trades instanceof Array) {
    const candles = message.trades.reduce((result, trade) => withTrade(result, trade, seconds), state.candles);
    return candles === state.candles ? state : { ...state, candles };
  }
  return live === interval ? { ...state, candles: withCandle(state.candles, message) } : withPart(state, message, seconds);
}
