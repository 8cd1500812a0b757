// The tape: the last trades, newest first, coloured and marked by who was in a hurry.

import { fromMarkup, part, reconcile, setText } from "../dom.js";
import { formatPrice, formatQuantity } from "../money.js";
import { TAPE } from "../texts.js";
import { formatTime } from "../times.js";

const MARKUP = `
  <header class="panel-title"><h2 id="tape-title">${TAPE.title}</h2></header>
  <div class="row columns" aria-hidden="true"><span>${TAPE.price}</span><span>${TAPE.shares}</span><span>${TAPE.time}</span></div>
  <ol class="tape-rows" tabindex="0" aria-labelledby="tape-title"></ol>
  <p class="empty" hidden>${TAPE.empty}</p>`;
const ROW = `<li class="row trade">
  <span class="price number"></span><span class="size number"></span><time class="time number"></time></li>`;

/** @param {HTMLElement} root */
export function mountTape(root) {
  root.innerHTML = MARKUP;
  const rows = part(root, ".tape-rows");
  const empty = part(root, ".empty");
  let shown = {};

  return ({ symbols, symbol, tape }) => {
    const tick = symbols?.find((found) => found.symbol === symbol)?.tick ?? 1;
    if (shown.tape === tape && shown.tick === tick && shown.symbol === symbol) return;
    if (shown.symbol !== symbol || shown.tick !== tick) rows.replaceChildren();
    shown = { tape, tick, symbol };
    empty.hidden = tape === null || tape.length > 0;
    reconcile(rows, tape ?? [], (trade) => trade.trade_id, (trade) => rowOf(trade, tick), () => {});
  };
}

/** A trade is written once: nothing of it changes. */
function rowOf(trade, tick) {
  const row = fromMarkup(ROW);
  const [price, size, time] = row.children;
  row.dataset.side = trade.auction ? "auction" : trade.side; // In an auction nobody is in a hurry.
  row.title = TAPE.sides[row.dataset.side];
  setText(price, formatPrice(trade.price, tick));
  setText(size, formatQuantity(trade.quantity));
  setText(time, formatTime(trade.time));
  return row;
}
