// The depth ladder: the best levels of both sides with their sizes as bars, the spread between them, own orders marked.

import { best, levels } from "../book.js";
import { fromMarkup, part, setAttribute, setText } from "../dom.js";
import { formatPrice, formatQuantity } from "../money.js";
import { LADDER, LOADING } from "../texts.js";

const FIXED_HEIGHT = 62; // The columns' names and the spread.
const ROWS_MIN = 5;
const ROWS_MAX = 20;

const MARKUP = `
  <header class="panel-title"><h2 id="ladder-title">${LADDER.title}</h2></header>
  <div class="ladder-table" role="table" aria-labelledby="ladder-title">
    <div class="row columns" role="row">
      <span role="columnheader">${LADDER.price}</span><span role="columnheader">${LADDER.shares}</span><span role="columnheader">${LADDER.total}</span>
    </div>
    <div class="levels asks" role="rowgroup" aria-label="${LADDER.sellers}"></div>
    <div class="spread-row" role="row"><span class="mid number" role="cell"></span><span class="spread-text" role="cell"></span></div>
    <div class="levels bids" role="rowgroup" aria-label="${LADDER.buyers}"></div>
  </div>`;
const ROW = `<div class="row level" role="row"><i class="bar"></i>
  <span class="price number" role="cell"></span><span class="size number" role="cell"></span>
  <span class="total number" role="cell"></span></div>`;

/** @param {HTMLElement} root @param {{ pick: (price: number) => void }} actions `pick` is told of a clicked price */
export function mountLadder(root, { pick }) {
  root.innerHTML = MARKUP;
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
  new ResizeObserver(() => {
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
  }).observe(table);

  function update(next) {
    state = next;
    const { symbols, symbol, book, portfolio } = state;
    const info = symbols?.find((found) => found.symbol === symbol);
    if (shown.book === book && shown.portfolio === portfolio && shown.info === info) return;
    shown = { book, portfolio, info };
    const current = info === undefined ? null : book;
    const own = new Set((portfolio?.orders ?? []).filter((order) => order.symbol === symbol).map((order) => order.price));
    const [sellers, buyers] = current === null ? [[], []] : [levels(book, "sell", count), levels(book, "buy", count)];
    const most = Math.max(1, sellers.at(-1)?.total ?? 0, buyers.at(-1)?.total ?? 0);
    const tick = info?.tick ?? 1;
    [...asks.children].reverse().forEach((row, index) => fill(row, sellers[index], most, tick, own));
    [...bids.children].forEach((row, index) => fill(row, buyers[index], most, tick, own));
    showSpread(root, current, info);
  }
  return update;
}

function fill(row, level, most, tick, own) {
  const [bar, price, size, total] = row.children;
  setAttribute(row, "data-price", level === undefined ? null : String(level.price));
  row.classList.toggle("own", level !== undefined && own.has(level.price));
  setText(price, level === undefined ? "" : formatPrice(level.price, tick));
  setText(size, level === undefined ? "" : formatQuantity(level.quantity));
  setText(total, level === undefined ? "" : formatQuantity(level.total));
  bar.style.transform = `scaleX(${level === undefined ? 0 : (level.total / most).toFixed(3)})`;
}

function showSpread(root, book, info) {
  const { bid, ask } = book === null ? { bid: 0, ask: 0 } : best(book);
  setText(part(root, ".mid"), info === undefined ? "–" : formatPrice(info.last, info.tick));
  const both = bid >= ask ? LADDER.auction : LADDER.spread(formatPrice(ask - bid, info?.tick));
  const text = bid && ask ? both : bid || ask ? LADDER.oneSided : LADDER.empty;
  setText(part(root, ".spread-text"), book === null ? LOADING : text);
}
