// The price chart: its bar of intervals, its legend, and when to draw what. How it is drawn: drawing.js.

import { INTERVALS, aggregate } from "../candles.js";
import { part, setAttribute, setText } from "../dom.js";
import { formatCompact, formatPrice } from "../money.js";
import { CHART } from "../texts.js";
import { Drawing } from "./drawing.js";

const ORDER_LINES_MAX = 20;
const MARKERS_MAX = 200;

const MARKUP = `
  <div class="chart-bar">
    <p class="legend number" aria-hidden="true"></p>
    <div class="segments intervals" role="group" aria-label="${CHART.interval}"></div>
  </div>
  <div class="chart-canvas"></div>
  <p class="empty chart-empty" hidden>${CHART.empty}</p>`;

/** @param {HTMLElement} root @param {{ choose: (interval: string) => void, older: () => void }} actions */
export function mountChart(root, { choose, older }) {
  root.innerHTML = MARKUP;
  const intervals = part(root, ".intervals");
  for (const interval of Object.keys(INTERVALS)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = button.value = interval;
    intervals.append(button);
  }
  intervals.addEventListener("click", ({ target }) => {
    if (target.value) choose(target.value);
  });
  let info;
  let shown = {};
  const drawing = new Drawing(part(root, ".chart-canvas"), {
    older,
    legend: (bar) => showLegend(part(root, ".legend"), bar, info),
  });

  return ({ symbols, symbol, interval, candles, portfolio, fills }) => {
    info = symbols?.find((found) => found.symbol === symbol);
    for (const button of intervals.children) setAttribute(button, "aria-pressed", String(button.value === interval));
    const isOther = shown.symbol !== symbol || shown.interval !== interval;
    if (info === undefined || candles === null) {
      if (shown.candles !== null) drawing.clear();
      shown = { candles: null };
      setAttribute(root, "data-bars", "0");
      return;
    }
    if (isOther || shown.candles !== candles) {
      const { seconds } = INTERVALS[interval];
      const bars = aggregate(candles, seconds);
      drawing.showBars(bars, { tick: info.tick, seconds, isOther });
      part(root, ".chart-empty").hidden = bars.length > 0;
      setAttribute(root, "data-bars", String(bars.length));
    }
    if (isOther || shown.portfolio !== portfolio) drawing.showOrders(ordersOf(portfolio, symbol));
    if (isOther || shown.fills !== fills) {
      drawing.showFills(fills.filter((fill) => fill.symbol === symbol).slice(0, MARKERS_MAX));
    }
    shown = { symbol, interval, candles, portfolio, fills };
  };
}

function ordersOf(portfolio, symbol) {
  return portfolio === null ? [] : portfolio.orders.filter((order) => order.symbol === symbol).slice(-ORDER_LINES_MAX);
}

function showLegend(element, bar, info) {
  if (bar === undefined || info === undefined) return setText(element, "");
  const price = (units) => formatPrice(units, info.tick);
  setText(element, CHART.bar(...[bar.open, bar.high, bar.low, bar.close].map(price), formatCompact(bar.volume)));
  setAttribute(element, "data-direction", bar.close >= bar.open ? "up" : "down");
}
