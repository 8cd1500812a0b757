// The order book of one symbol, from a snapshot and the changes after it. Pure: every function returns a new book.
//
// Changes carry the number of the event batch they bring the book to, and that of the change before. A snapshot may
// contain later batches than the last change (they did not touch the book), hence `previous <= number` and not `===`.
// A change with `previous` 0 says: take a snapshot.

/**
 * @typedef {object} Book
 * @property {string} symbol
 * @property {number} number last event batch that the book contains
 * @property {Map<number, number>} bids price → shares
 * @property {Map<number, number>} asks
 * @property {number} bidFloor bids below this price were not in the snapshot; 0 when all were
 * @property {number} askCeiling asks above this price were not in the snapshot; Infinity when all were
 */

/** The book of a snapshot (the answer to public.depth) that was asked for `limit` levels a side. @returns {Book} */
export function bookOf(snapshot, limit) {
  const bids = new Map(snapshot.bids);
  const asks = new Map(snapshot.asks);
  return {
    symbol: snapshot.symbol,
    number: snapshot.number,
    bids,
    asks,
    bidFloor: bids.size < limit ? 0 : Math.min(...bids.keys()),
    askCeiling: asks.size < limit ? Infinity : Math.max(...asks.keys()),
  };
}

/** The book after a change; the same book for a change it contains already; null where a change is missing between. */
export function changed(book, change) {
  if (change.number <= book.number) return book;
  if (change.previous === 0 || change.previous > book.number) return null;
  const bids = withLevels(book.bids, change.bids, (price) => price >= book.bidFloor);
  const asks = withLevels(book.asks, change.asks, (price) => price <= book.askCeiling);
  return { ...book, number: change.number, bids, asks };
}

function withLevels(levels, changes, known) {
  const next = new Map(levels);
  for (const [price, quantity] of changes) {
    if (quantity === 0) next.delete(price);
    else if (known(price)) next.set(price, quantity);
  }
  return next;
}

/** Whether fewer than `count` levels of a side are left of a snapshot that did not hold them all. */
export function isShort(book, count) {
  return (book.bidFloor > 0 && book.bids.size < count) || (book.askCeiling < Infinity && book.asks.size < count);
}

/** Best price of each side and what rests there; 0 where a side is empty. */
export function best(book) {
  const bid = book.bids.size === 0 ? 0 : Math.max(...book.bids.keys());
  const ask = book.asks.size === 0 ? 0 : Math.min(...book.asks.keys());
  return { bid, bidQuantity: book.bids.get(bid) ?? 0, ask, askQuantity: book.asks.get(ask) ?? 0 };
}

/** The best `count` levels of a side, best first, each with the total of all up to it. */
export function levels(book, side, count) {
  const buying = side === "buy";
  const sorted = [...(buying ? book.bids : book.asks)].sort(buying ? (a, b) => b[0] - a[0] : (a, b) => a[0] - b[0]);
  let total = 0;
  return sorted.slice(0, count).map(([price, quantity]) => {
    total += quantity;
    return { price, quantity, total };
  });
}

/** Where one's own orders stand in the book, and with how many shares; what waits for something is not in it. */
export function ownLevels(orders, symbol) {
  const own = { buy: new Map(), sell: new Map() };
  for (const { side, price, remaining, stop_price = 0, entry = 0, symbol: traded } of orders) {
    if (traded === symbol && stop_price === 0 && entry === 0) own[side].set(price, (own[side].get(price) ?? 0) + remaining);
  }
  return own;
}

/**
 * What an order would trade at once: a buy takes asks from the best on, up to `limit` (null for no limit).
 * @returns {{ quantity: number, value: number }} shares and sum of price × shares
 */
export function matchable(book, side, quantity, limit) {
  const buying = side === "buy";
  let left = quantity;
  let value = 0;
  for (const level of levels(book, buying ? "sell" : "buy", Infinity)) {
    if (left === 0 || (limit !== null && (buying ? level.price > limit : level.price < limit))) break;
    const taken = Math.min(left, level.quantity);
    left -= taken;
    value += taken * level.price;
  }
  return { quantity: quantity - left, value };
}
