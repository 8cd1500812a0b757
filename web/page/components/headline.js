// The chosen symbol's name, last price, change, phase, best prices, and its session day.

import { best } from "../book.js";
import { flash, part, setAttribute, setText } from "../dom.js";
import { decimalsOf, formatChange, formatCompact, formatPrice, formatSigned } from "../money.js";
import { phaseOf } from "../phase.js";
import { HEADLINE } from "../texts.js";
import { colour } from "../theme.js";
import { directionOf } from "./symbols.js";

const MARKUP = `
  <div class="headline-name"><h1></h1><span class="headline-company"></span></div>
  <div class="headline-last">
    <output class="last number" aria-live="off"></output>
    <span class="change number"></span>
  </div>
  <p class="phase" role="status"><b></b><span></span></p>
  <dl class="headline-facts">
    <div class="bid"><dt>${HEADLINE.bid}</dt><dd class="number"></dd><dd class="number detail"></dd></div>
    <div class="ask"><dt>${HEADLINE.ask}</dt><dd class="number"></dd><dd class="number detail"></dd></div>
    <div class="high"><dt>${HEADLINE.high}</dt><dd class="number"></dd></div>
    <div class="low"><dt>${HEADLINE.low}</dt><dd class="number"></dd></div>
    <div class="volume"><dt>${HEADLINE.volume}</dt><dd class="number"></dd></div>
  </dl>`;

/** @param {HTMLElement} root */
export function mountHeadline(root) {
  root.innerHTML = MARKUP;
  const last = part(root, ".last");
  let before = null;

  return ({ symbols, symbol, book, status, statistics }) => {
    const info = symbols?.find((found) => found.symbol === symbol);
    setText(part(root, "h1"), info?.symbol ?? "–");
    setText(part(root, ".headline-company"), info?.name ?? "");
    if (info === undefined) return;
    setText(last, formatPrice(info.last, info.tick));
    if (before?.symbol === symbol && before.last !== info.last) flash(last, colour(info.last > before.last ? "--up-faint" : "--down-faint"));
    before = info;
    showChange(part(root, ".change"), info);
    showPhase(part(root, ".phase"), phaseOf(status, info.tick));
    showQuote(root, info, book);
    showDay(root, info, statistics);
  };
}

function showChange(element, { last, day_ago, opening_price, tick }) {
  const reference = day_ago || opening_price;
  setText(element, `${formatSigned(last - reference, decimalsOf(tick))} (${formatChange(last, reference)})`);
  setAttribute(element, "data-direction", directionOf(last - reference));
  setAttribute(element, "title", HEADLINE.since(formatPrice(reference, tick)));
}

function showPhase(element, { level, word, detail }) {
  setAttribute(element, "data-phase", level);
  setText(part(element, "b"), word);
  setText(part(element, "span"), detail);
  setAttribute(element, "title", detail || null);
}

function showQuote(root, info, book) {
  const prices = book === null ? { bid: info.bid, ask: info.ask } : best(book);
  for (const side of ["bid", "ask"]) {
    const [price, size] = root.querySelectorAll(`.${side} dd`);
    const quantity = prices[`${side}Quantity`];
    setText(price, formatPrice(prices[side], info.tick));
    setText(size, quantity ? formatCompact(quantity) : "");
  }
}

function showDay(root, { tick }, statistics) {
  setText(part(root, ".high dd"), formatPrice(statistics?.high ?? 0, tick));
  setText(part(root, ".low dd"), formatPrice(statistics?.low ?? 0, tick));
  setText(part(root, ".volume dd"), statistics === null ? "–" : formatCompact(statistics.volume));
  for (const name of ["high", "low", "volume"]) setAttribute(part(root, `.${name}`), "title", HEADLINE.today);
}
