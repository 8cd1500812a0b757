// The tape: public trades of one symbol, newest first. Trade ids of a symbol have no gaps, so they tell what is missing.

export const TAPE_LENGTH_MAX = 60;

/** The tape of an answer to public.trades, whichever way it is sorted. */
export function tapeOf(trades) {
  return [...trades].sort((a, b) => b.trade_id - a.trade_id).slice(0, TAPE_LENGTH_MAX);
}

/** The tape with more trades; the oldest beyond TAPE_LENGTH_MAX are dropped. null where trades are missing between. */
export function withTrades(tape, trades) {
  const newest = tape[0]?.trade_id ?? 0;
  const fresh = trades.filter((trade) => trade.trade_id > newest).sort((a, b) => b.trade_id - a.trade_id);
  if (fresh.length === 0) return tape;
  if (newest > 0 && fresh.at(-1).trade_id !== newest + 1) return null;
  return [...fresh, ...tape].slice(0, TAPE_LENGTH_MAX);
}
