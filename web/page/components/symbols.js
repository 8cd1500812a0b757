// The symbol switch: symbols with their last price and how far it is from that of 24 hours ago. Of a market with very many it has
// the first, and the one that is shown; all are found by the search.

import { fromMarkup, part, reconcile, setAttribute, setText } from "../dom.js";
import { formatChange, formatPrice } from "../money.js";

const SHOWN_MAX = 50;
const MARKUP = `<button class="symbol" type="button">
  <span class="symbol-name"></span><span class="symbol-price number"></span><span class="symbol-change change number"></span>
</button>`;

/** @param {HTMLElement} root @param {{ select: (symbol: string) => void }} actions */
export function mountSymbols(root, { select }) {
  let shown = null;
  const drawn = new WeakMap(); // Button → what it shows: of thousands of symbols few change at a time.
  root.addEventListener("click", (event) => {
    const button = event.target.closest(".symbol");
    if (button !== null) select(button.dataset.key);
  });

  return ({ symbols, symbol }) => {
    if (shown !== null && shown.symbols === symbols && shown.symbol === symbol) return;
    const isOther = shown?.symbol !== symbol;
    shown = { symbols, symbol };
    reconcile(root, within(symbols ?? [], symbol), (info) => info.symbol, () => fromMarkup(MARKUP), (button, info) => {
      setAttribute(button, "aria-current", info.symbol === symbol ? "true" : null);
      if (drawn.get(button) === info) return;
      drawn.set(button, info);
      fill(button, info);
    });
    if (isOther) root.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
}

function within(symbols, current) {
  if (symbols.length <= SHOWN_MAX) return symbols;
  return symbols.filter(({ symbol }, index) => index < SHOWN_MAX || symbol === current);
}

function fill(button, info) {
  setText(part(button, ".symbol-name"), info.symbol);
  setText(part(button, ".symbol-price"), formatPrice(info.last, info.tick));
  const change = part(button, ".symbol-change");
  const before = info.day_ago || info.opening_price;
  setText(change, formatChange(info.last, before));
  setAttribute(change, "data-direction", directionOf(info.last - before));
  setAttribute(button, "title", info.name);
}

/** "up", "down" or "flat", for colour and arrow. */
export function directionOf(difference) {
  if (difference === 0) return "flat";
  return difference > 0 ? "up" : "down";
}
