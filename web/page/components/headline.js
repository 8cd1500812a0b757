// The chosen symbol's name, last price, change, best prices and volume.

import { best } from "../book.js";
import { flash, part, setAttribute, setText } from "../dom.js";
import { decimalsOf, formatChange, formatCompact, formatPrice, formatQuantity, formatSigned } from "../money.js";
import { HEADLINE } from "../texts.js";
import { directionOf } from "./symbols.js";

const MARKUP = `
  <div class="headline-name"><h1></h1><span class="headline-company"></span></div>
  <div class="headline-last">
    <output class="last number" aria-live="off"></output>
    <span class="change number"></span>
  </div>
  <dl class="headline-facts">
    <div class="bid"><dt>${HEADLINE.bid}</dt><dd class="number"></dd><dd class="number detail"></dd></div>
    <div class="ask"><dt>${HEADLINE.ask}</dt><dd class="number"></dd><dd class="number detail"></dd></div>
    <div class="spread"><dt>${HEADLINE.spread}</dt><dd class="number"></dd></div>
    <div class="volume"><dt>${HEADLINE.volume}</dt><dd class="number"></dd></div>
    <div class="trades"><dt>${HEADLINE.trades}</dt><dd class="number"></dd></div>
  </dl>`;

/** @param {HTMLElement} root */
export function mountHeadline(root) {
  root.innerHTML = MARKUP;
  const name = part(root, "h1");
  const company = part(root, ".headline-company");
  const last = part(root, ".last");
  const change = part(root, ".change");
  const fact = (selector) => [...part(root, selector).querySelectorAll("dd")];
  const [bid, bidSize] = fact(".bid");
  const [ask, askSize] = fact(".ask");
  const [spread] = fact(".spread");
  const [volume] = fact(".volume");
  const [trades] = fact(".trades");
  let before = null;

  return ({ symbols, symbol, book }) => {
    const info = symbols?.find((found) => found.symbol === symbol);
    setText(name, info?.symbol ?? "–");
    setText(company, info?.name ?? "");
    if (info === undefined) return;
    const difference = info.last - info.opening_price;
    setText(last, formatPrice(info.last, info.tick));
    setText(change, `${formatSigned(difference, decimalsOf(info.tick))} (${formatChange(info.last, info.opening_price)})`);
    setAttribute(change, "data-direction", directionOf(difference));
    setAttribute(change, "title", HEADLINE.since(formatPrice(info.opening_price, info.tick)));
    if (before?.symbol === symbol && before.last !== info.last) flash(last, info.last > before.last ? "rose" : "fell");
    before = info;
    const prices = book === null ? { bid: info.bid, ask: info.ask } : best(book);
    setText(bid, formatPrice(prices.bid, info.tick));
    setText(ask, formatPrice(prices.ask, info.tick));
    setText(bidSize, prices.bidQuantity ? formatCompact(prices.bidQuantity) : "");
    setText(askSize, prices.askQuantity ? formatCompact(prices.askQuantity) : "");
    setText(spread, prices.bid && prices.ask > prices.bid ? formatPrice(prices.ask - prices.bid, info.tick) : "–");
    setText(volume, formatCompact(info.volume));
    setText(trades, formatQuantity(info.trades));
  };
}
