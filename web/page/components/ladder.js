// The order book: the best levels of both sides with their sizes as bars, the spread between them, own orders marked; or its depth
// as a picture.

import { best, levels, ownLevels } from "../book.js";
import { fromMarkup, part, setAttribute, setText } from "../dom.js";
import { formatCompact, formatPrice, formatQuantity } from "../money.js";
import { LADDER, LOADING } from "../texts.js";
import { mountDepth } from "./depth-view.js";

const FIXED_HEIGHT = 62; // The columns' names and the spread.
const ROWS_MIN = 5;
const ROWS_MAX = 20;

const MARKUP = `
  <header class="panel-title">
    <h2 id="ladder-title">${LADDER.title}</h2>
    <div class="segments book-views" role="group" aria-label="${LADDER.view}">
      <button type="button" value="levels">${LADDER.views.levels}</button><button type="button" value="depth">${LADDER.views.depth}</button>
    </div>
    <button type="button" class="small-button one-click" title="${LADDER.oneClickTitle}">${LADDER.oneClick}</button>
  </header>
  <div class="ladder-table" role="table" aria-labelledby="ladder-title">
    <div class="row columns" role="row">
      <span role="columnheader">${LADDER.price}</span><span role="columnheader">${LADDER.shares}</span><span role="columnheader">${LADDER.total}</span>
    </div>
    <div class="levels asks" role="rowgroup" aria-label="${LADDER.sellers}"></div>
    <div class="spread-row" role="row"><span class="mid number" role="cell"></span><span class="spread-text" role="cell"></span></div>
    <div class="levels bids" role="rowgroup" aria-label="${LADDER.buyers}"></div>
  </div>
  <div class="depth" hidden></div>`;
const ROW = `<div class="row level" role="row">
  <span class="price number" role="cell"><b class="at"></b><i class="mine"></i></span><span class="size number" role="cell"></span>
  <span class="total number" role="cell"></span></div>`;

/**
 * @param {HTMLElement} root
 * @param {{ pick: (price: number) => void, toggleOneClick: () => void }} actions `pick` is told of a clicked price
 */
export function mountLadder(root, { pick, toggleOneClick }) {
  root.innerHTML = MARKUP;
  const showDepth = mountDepth(part(root, ".depth"), { pick });
  let view = "levels";
  const table = part(root, ".ladder-table");
  const asks = part(root, ".asks");
  const bids = part(root, ".bids");
  let count = 0;
  let state = null;
  let shown = {};

  table.addEventListener("click", (event) => {
    const price = Number(event.target.closest(".level")?.dataset.price);
    if (price) pick(price);
  });
  part(root, ".one-click").addEventListener("click", toggleOneClick);
  part(root, ".book-views").addEventListener("click", ({ target }) => {
    if (target.value) choose(target.value);
  });
  function choose(value) {
    view = value;
    for (const button of part(root, ".book-views").children) setAttribute(button, "aria-pressed", String(button.value === view));
    table.hidden = view !== "levels";
    part(root, ".depth").hidden = view !== "depth";
    shown = {};
    if (state !== null) update(state);
  }
  const observer = new ResizeObserver(() => {
    const rowHeight = part(root, ".columns").offsetHeight;
    const room = rowHeight === 0 ? ROWS_MIN : Math.floor((table.clientHeight - FIXED_HEIGHT) / 2 / rowHeight);
    const next = Math.max(ROWS_MIN, Math.min(ROWS_MAX, room));
    if (next === count) return;
    count = next;
    for (const side of [asks, bids]) {
      side.replaceChildren(...Array.from({ length: count }, () => fromMarkup(ROW)));
    }
    shown = {};
    if (state !== null) update(state);
  });
  observer.observe(table);
  choose(view);

  function update(next) {
    state = next;
    const { symbols, symbol, book, portfolio, oneClick } = state;
    const info = symbols?.find((found) => found.symbol === symbol);
    setAttribute(root, "data-one-click", oneClick ? "true" : null);
    setAttribute(part(root, ".one-click"), "aria-pressed", String(oneClick));
    if (shown.book === book && shown.portfolio === portfolio && shown.info === info) return;
    shown = { book, portfolio, info };
    const current = info === undefined ? null : book;
    if (view === "depth") return showDepth(current, info);
    const own = ownLevels(portfolio?.orders ?? [], symbol);
    const [sellers, buyers] = current === null ? [[], []] : [levels(book, "sell", count), levels(book, "buy", count)];
    const most = Math.max(1, sellers.at(-1)?.total ?? 0, buyers.at(-1)?.total ?? 0);
    const tick = info?.tick ?? 1;
    [...asks.children].reverse().forEach((row, index) => fill(row, sellers[index], most, tick, own.sell));
    [...bids.children].forEach((row, index) => fill(row, buyers[index], most, tick, own.buy));
    showSpread(root, current, info);
  }
  return update;
}

function fill(row, level, most, tick, own) {
  const mine = level === undefined ? 0 : (own.get(level.price) ?? 0);
  const { price, quantity, total } = level ?? {};
  const words = [price, quantity, total, mine, tick].join(" ");
  if (row.words !== words) write(row, level, mine, tick); // Most rows are as they were.
  row.words = words;
  const width = level === undefined ? 0 : Math.round((total / most) * 1_000) / 10;
  if (row.width !== width) row.style.backgroundSize = `${width}% calc(100% - 2px)`;
  row.width = width;
}

function write(row, level, mine, tick) {
  const [price, size, total] = row.children;
  setAttribute(row, "data-price", level === undefined ? null : String(level.price));
  row.classList.toggle("own", mine > 0);
  setAttribute(row, "title", mine > 0 ? LADDER.own(formatQuantity(mine)) : null);
  setText(part(price, ".mine"), mine > 0 ? formatCompact(mine) : "");
  setText(part(price, ".at"), level === undefined ? "" : formatPrice(level.price, tick));
  setText(size, level === undefined ? "" : formatQuantity(level.quantity));
  setText(total, level === undefined ? "" : formatQuantity(level.total));
}

function showSpread(root, book, info) {
  const { bid, ask } = book === null ? { bid: 0, ask: 0 } : best(book);
  setText(part(root, ".mid"), info === undefined ? "–" : formatPrice(info.last, info.tick));
  const both = bid >= ask ? LADDER.auction : LADDER.spread(formatPrice(ask - bid, info?.tick));
  const text = bid && ask ? both : bid || ask ? LADDER.oneSided : LADDER.empty;
  setText(part(root, ".spread-text"), book === null ? LOADING : text);
}
