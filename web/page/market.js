// What is public: the list of symbols, and of one symbol its book, tape, status and session day. Each is followed on its own;
// candles: candle-feed.js.

import { bookOf, changed, isShort } from "./book.js";
import { Follower } from "./follower.js";
import { TAPE_LENGTH_MAX, tapeOf, withTrades } from "./trades.js";

const SYMBOLS_PER_PAGE = 1_000;
const BOOK_LEVELS = 200;
const BOOK_LEVELS_MIN = 40;
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
  const begin = () => {
    before = 0;
    look();
  };
  setInterval(look, CLOCK_MS);
  link.addEventListener("live", begin);
  begin();
}

/** Follows all symbols' last prices and phases. */
export function followSymbols(link, publish) {
  return new Follower(link, {
    subjects: ["market.*.trade", "market.*.status"],
    load: () => allSymbols(link),
    apply: withChange,
    publish,
    quietMs: 4 * QUIET_MS,
  });
}

async function allSymbols(link) {
  const symbols = [];
  for (;;) {
    const page = await link.ask("public.symbols", { after: symbols.at(-1)?.symbol ?? "" });
    symbols.push(...page);
    if (page.length < SYMBOLS_PER_PAGE) return symbols;
  }
}

function withChange(symbols, change) {
  const index = symbols.findIndex((info) => info.symbol === change.symbol);
  if (index === -1) return null;
  const info = symbols[index];
  const next = change.trades ? withLast(info, change.trades) : withPhase(info, change);
  if (next === null) return null;
  return next === info ? symbols : symbols.with(index, next);
}

function withLast(info, trades) {
  const fresh = trades.filter((trade) => trade.trade_id > info.trades);
  if (fresh.length === 0) return info;
  if (fresh[0].trade_id !== info.trades + 1) return null;
  const last = fresh.at(-1);
  const volume = fresh.reduce((sum, trade) => sum + trade.quantity, info.volume);
  return { ...info, last: last.price, trades: last.trade_id, volume };
}

function withPhase(info, { phase = "continuous", reason = "" }) {
  return info.phase === phase && info.reason === reason ? info : { ...info, phase, reason };
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

/** Follows a symbol's phase, auction and price band. */
export function followStatus(link, symbol, publish) {
  return followState(link, symbol, "status", publish);
}

/** Follows a symbol's session day. */
export function followStatistics(link, symbol, publish) {
  return followState(link, symbol, "statistics", publish);
}

/** Follows a channel whose messages are complete, so that none is missed when a newer one came. */
function followState(link, symbol, channel, publish) {
  return new Follower(link, {
    subjects: [`market.${symbol}.${channel}`],
    load: () => link.ask(`public.${channel}`, { symbol }),
    apply: (state, message) => (message.number <= state.number ? state : message),
    publish,
    quietMs: 4 * QUIET_MS,
  });
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
