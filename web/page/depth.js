// The book as a picture: how much is bought and sold up to each price. Pure.

import { levels } from "./book.js";

const SHARE_SHOWN = 0.9; // Of each side's shares: a few orders far away would press all others together.

/**
 * What to draw: both sides' levels with totals, best first, and the range of prices and of totals that is shown.
 * @returns {{ bids: object[], asks: object[], low: number, high: number, most: number } | null} null for an empty book
 */
export function depthOf(book) {
  const [bids, asks] = [levels(book, "buy", Infinity), levels(book, "sell", Infinity)];
  if (bids.length === 0 && asks.length === 0) return null;
  const middle = bids.length > 0 && asks.length > 0 ? (bids[0].price + asks[0].price) / 2 : (bids[0] ?? asks[0]).price;
  const reach = Math.max(...[bids, asks].map((side) => reachOf(side, middle)), 1);
  const [low, high] = [middle - reach, middle + reach];
  const shown = [bids.filter(({ price }) => price >= low), asks.filter(({ price }) => price <= high)];
  const most = Math.max(...shown.map((side) => side.at(-1)?.total ?? 0));
  return { bids: shown[0], asks: shown[1], low, high, most };
}

function reachOf(side, middle) {
  const total = side.at(-1)?.total ?? 0;
  const last = side.find((level) => level.total >= total * SHARE_SHOWN);
  return last === undefined ? 0 : Math.abs(last.price - middle) * 1.05;
}

/**
 * The steps of a side as an SVG path's corners, from the best price outwards, closed along the bottom.
 * `xOf` places a price, `yOf` a total; `edge` is the price where the picture ends.
 */
export function pathOf(side, edge, xOf, yOf) {
  if (side.length === 0) return "";
  const corners = [`M${xOf(side[0].price)} ${yOf(0)}`];
  for (const { price, total } of side) corners.push(`H${xOf(price)}`, `V${yOf(total)}`);
  return `${corners.join("")}H${xOf(edge)}V${yOf(0)}Z`;
}

/** The side that a price belongs to, and how much is bought (or sold) up to it; null between the two sides. */
export function totalAt({ bids, asks }, price) {
  const [bid, ask] = [bids[0]?.price ?? -Infinity, asks[0]?.price ?? Infinity];
  if (price > bid && price < ask) return null;
  const buying = price <= bid;
  const upTo = (buying ? bids : asks).filter((level) => (buying ? level.price >= price : level.price <= price));
  return { side: buying ? "buy" : "sell", quantity: upTo.at(-1)?.total ?? 0 };
}
