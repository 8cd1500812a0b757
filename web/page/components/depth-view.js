// The book's depth as two areas that grow away from the spread; a click on a price takes it.

import { depthOf, pathOf, totalAt } from "../depth.js";
import { part, setAttribute, setText } from "../dom.js";
import { formatCompact, formatPrice, formatQuantity } from "../money.js";
import { LADDER } from "../texts.js";

const TOP = 26; // Room above the areas for the words about the pointer.

const MARKUP = `
  <svg role="img" aria-label="${LADDER.depth}" preserveAspectRatio="none">
    <path class="bid-area"></path><path class="ask-area"></path><line class="pointer"></line>
  </svg>
  <p class="depth-most number"></p><p class="depth-words number"></p>
  <p class="depth-prices number"><span></span><span></span><span></span></p>`;

/** @param {HTMLElement} root @param {{ pick: (price: number) => void }} actions */
export function mountDepth(root, { pick }) {
  root.innerHTML = MARKUP;
  const svg = part(root, "svg");
  let depth = null;
  let tick = 1;
  let pointed = null;

  const priceAt = ({ clientX }) => {
    const { left, width } = svg.getBoundingClientRect();
    const price = depth.low + ((clientX - left) / width) * (depth.high - depth.low);
    return Math.max(tick, Math.round(price / tick) * tick);
  };
  svg.addEventListener("pointermove", (event) => point(event));
  svg.addEventListener("pointerleave", () => point(null));
  svg.addEventListener("click", (event) => {
    if (depth !== null) pick(priceAt(event));
  });

  function point(event) {
    pointed = event === null || depth === null ? null : priceAt(event);
    draw();
  }

  function draw() {
    const { clientWidth: width, clientHeight: height } = svg;
    if (width === 0) return;
    setAttribute(svg, "viewBox", `0 0 ${width} ${height}`);
    const xOf = (price) => (((price - depth.low) / (depth.high - depth.low)) * width).toFixed(1);
    const yOf = (total) => (height - (total / Math.max(1, depth.most)) * (height - TOP)).toFixed(1);
    setAttribute(part(svg, ".bid-area"), "d", depth === null ? "" : pathOf(depth.bids, depth.low, xOf, yOf));
    setAttribute(part(svg, ".ask-area"), "d", depth === null ? "" : pathOf(depth.asks, depth.high, xOf, yOf));
    const line = part(svg, ".pointer");
    const found = pointed === null || depth === null ? null : totalAt(depth, pointed);
    setAttribute(line, "visibility", found === null ? "hidden" : "visible");
    setText(part(root, ".depth-words"), found === null ? "" : wordsOf(found, formatPrice(pointed, tick)));
    setText(part(root, ".depth-most"), depth === null || found !== null ? "" : formatCompact(depth.most));
    if (found === null) return;
    for (const [name, value] of Object.entries({ x1: xOf(pointed), x2: xOf(pointed), y1: TOP, y2: height })) setAttribute(line, name, value);
  }

  return (book, info) => {
    depth = book === null || info === undefined ? null : depthOf(book);
    tick = info?.tick ?? 1;
    const prices = depth === null ? [] : [depth.low, (depth.low + depth.high) / 2, depth.high];
    [...part(root, ".depth-prices").children].forEach((element, index) => {
      setText(element, prices[index] === undefined ? "" : formatPrice(Math.round(prices[index] / tick) * tick, tick));
    });
    draw();
  };
}

function wordsOf({ side, quantity }, price) {
  return (side === "buy" ? LADDER.buyDepth : LADDER.sellDepth)(formatQuantity(quantity), price);
}
