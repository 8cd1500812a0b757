// Finding a symbol by what somebody types. Pure.

export const LISTED_MAX = 50; // Of what is found; by typing more of the name one finds the rest.

/** The symbols that fit a text, best first: by the start of the symbol, of a word of the name, then by any part of them. */
export function found(symbols, text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return symbols;
  const ranked = symbols.map((info) => ({ info, rank: rankOf(info, wanted) })).filter(({ rank }) => rank < Infinity);
  return ranked.sort((a, b) => a.rank - b.rank).map(({ info }) => info);
}

function rankOf({ symbol, name }, wanted) {
  const [short, long] = [symbol.toLowerCase(), name.toLowerCase()];
  if (short === wanted) return 0;
  if (short.startsWith(wanted)) return 1;
  if (long.split(/\s+/).some((word) => word.startsWith(wanted)) || long.startsWith(wanted)) return 2;
  return short.includes(wanted) || long.includes(wanted) ? 3 : Infinity;
}
