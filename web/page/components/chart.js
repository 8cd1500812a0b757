// The price chart: its bar of intervals and indicators, its legend, and when to draw what. How it is drawn: drawing.js.

import { INTERVALS } from "../candles.js";
import { part, setAttribute, setText } from "../dom.js";
import { formatChange, formatCompact, formatPrice } from "../money.js";
import { CHART } from "../texts.js";
import { Drawing } from "./drawing.js";
import { INDICATORS } from "./indicator-lines.js";

const ORDER_LINES_MAX = 20;
const MARKERS_MAX = 200;
const KEY = "exchange.indicators";

const MARKUP = `
  <div class="chart-bar">
    <div class="segments intervals" role="group" aria-label="${CHART.interval}">${buttons(Object.keys(INTERVALS), {})}</div>
    <div class="segments indicators" role="group" aria-label="${CHART.indicators}">${buttons(Object.keys(INDICATORS), CHART.indicator)}</div>
  </div>
  <div class="legend number" aria-hidden="true"><p class="legend-bar"></p><p class="legend-lines"></p></div>
  <div class="chart-canvas"></div>
  <p class="empty chart-empty" hidden>${CHART.empty}</p>`;

function buttons(values, texts) {
  return values.map((value) => `<button type="button" value="${value}">${texts[value] ?? value}</button>`).join("");
}

/**
 * @param {HTMLElement} root
 * @param {{ choose: (interval: string) => void, older: () => void, move: (order: object, price: number) => void }} actions
 */
export function mountChart(root, { choose, older, move }) {
  root.innerHTML = MARKUP;
  let chosen = storedIndicators();
  let info;
  let shown = {};
  part(root, ".intervals").addEventListener("click", ({ target }) => {
    if (target.value) choose(target.value);
  });
  part(root, ".indicators").addEventListener("click", ({ target: { value } }) => {
    if (!value) return;
    chosen = Object.keys(INDICATORS).filter((name) => chosen.includes(name) !== (name === value));
    localStorage.setItem(KEY, chosen.join(" "));
    showIndicators();
  });
  const drawing = new Drawing(part(root, ".chart-canvas"), {
    older,
    move,
    legend: (bar, values) => showLegend(root, bar, values, info),
  });

  function showIndicators() {
    for (const button of part(root, ".indicators").children) setAttribute(button, "aria-pressed", String(chosen.includes(button.value)));
    if (shown.candles) drawing.showIndicators(chosen, shown.day);
  }
  showIndicators();

  return ({ symbols, symbol, interval, candles, portfolio, fills, status, statistics }) => {
    info = symbols?.find((found) => found.symbol === symbol);
    for (const button of part(root, ".intervals").children) setAttribute(button, "aria-pressed", String(button.value === interval));
    if (info === undefined || candles === null) {
      if (shown.candles !== null) drawing.clear();
      shown = { candles: null };
      setAttribute(root, "data-bars", "0");
      return;
    }
    const isOther = shown.symbol !== symbol || shown.interval !== interval;
    const day = statistics?.day ?? 0;
    if (isOther || shown.candles !== candles) {
      drawing.showBars(candles, { tick: info.tick, isOther });
      part(root, ".chart-empty").hidden = candles.length > 0;
      setAttribute(root, "data-bars", String(candles.length));
    }
    if (isOther || shown.day !== day) drawing.showIndicators(chosen, day);
    if (isOther || shown.portfolio !== portfolio) drawing.showOrders(ordersOf(portfolio, symbol), info.tick);
    if (isOther || shown.fills !== fills) {
      drawing.showFills(fills.filter((fill) => fill.symbol === symbol).slice(0, MARKERS_MAX));
    }
    if (isOther || shown.status !== status) drawing.showAuction(status ?? {});
    shown = { symbol, interval, candles, portfolio, fills, status, day };
  };
}

function storedIndicators() {
  const names = (localStorage.getItem(KEY) ?? "").split(" ");
  return Object.keys(INDICATORS).filter((name) => names.includes(name));
}

function ordersOf(portfolio, symbol) {
  return portfolio === null ? [] : portfolio.orders.filter((order) => order.symbol === symbol).slice(-ORDER_LINES_MAX);
}

function showLegend(root, bar, values, info) {
  const known = bar !== undefined && info !== undefined;
  const price = (units) => formatPrice(Math.round(units), info.tick);
  const element = part(root, ".legend-bar");
  const bars = () => [bar.open, bar.high, bar.low, bar.close].map(price);
  setText(element, known ? CHART.bar(...bars(), formatChange(bar.close, bar.open), formatCompact(bar.volume)) : "");
  setAttribute(element, "data-direction", known && bar.close < bar.open ? "down" : "up");
  const lines = part(root, ".legend-lines");
  const shown = known ? values : [];
  while (lines.children.length > shown.length) lines.lastElementChild.remove();
  shown.forEach(([name, numbers], index) => {
    const line = lines.children[index] ?? lines.appendChild(document.createElement("span"));
    line.className = `of-${name}`;
    setText(line, `${CHART.indicator[name]} ${numbers.map((number) => (number === null ? "–" : price(number))).join("  ")}`);
  });
}
