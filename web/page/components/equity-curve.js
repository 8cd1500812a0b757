// What the account was worth over time, beside what was paid in. The newest value follows the market.

import { part, setAttribute, setText } from "../dom.js";
import { RANGES, linesOf, questionOf, refreshMs } from "../equity.js";
import { UNITS, formatMoney, formatUnits } from "../money.js";
import { worthOf } from "../portfolio.js";
import { EQUITY, LOADING } from "../texts.js";
import { colour, onThemeChange } from "../theme.js";
import { AreaSeries, LineSeries, LineStyle, LineType, createChart } from "../vendor/lightweight-charts.js";
import { chartOptions } from "./chart-style.js";

const MARKUP = `
  <header class="panel-title">
    <h2 id="equity-title">${EQUITY.title}</h2>
    <div class="segments" role="group" aria-label="${EQUITY.range}">
      ${Object.keys(RANGES).map((range) => `<button type="button" value="${range}">${EQUITY.ranges[range]}</button>`).join("")}
    </div>
  </header>
  <p class="legend number"></p>
  <div class="equity-canvas"></div>
  <p class="empty equity-empty"></p>`;

const SECONDS_SHOWN_MAX = 600; // Of a longer stretch the minutes are enough.

export class EquityCurve {
  #root;
  #ask;
  #chart;
  #equity;
  #paidIn;
  #range = "all";
  #points = null;
  #asked = 0; // When it was asked for, so that an answer that comes late does not replace a newer one.
  #due = 0;
  #live = null;

  /** @param {HTMLElement} root @param {(question: object) => Promise<object[]>} ask */
  constructor(root, ask) {
    this.#root = root;
    this.#ask = ask;
    root.innerHTML = MARKUP;
    this.#chart = createChart(part(root, ".equity-canvas"), { autoSize: true, ...chartOptions(), handleScroll: false, handleScale: false });
    const plain = { priceLineVisible: false, priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => formatUnits(Math.round(value * UNITS)) } };
    this.#paidIn = this.#chart.addSeries(LineSeries, { ...plain, lineWidth: 1, lineStyle: LineStyle.Dashed, lineType: LineType.WithSteps, lastValueVisible: false, crosshairMarkerVisible: false });
    this.#equity = this.#chart.addSeries(AreaSeries, { ...plain, lineWidth: 2 });
    this.#recolour();
    onThemeChange(() => this.#recolour());
    part(root, ".segments").addEventListener("click", ({ target }) => {
      if (target.value in RANGES) this.#choose(target.value);
    });
    this.#mark();
    this.#show();
  }

  /** Another account: nothing of the one before is shown. */
  clear() {
    this.#points = this.#live = null;
    this.#asked = performance.now();
    this.#due = 0;
    this.#show();
  }

  /** Asks for the points when they are due, and moves the newest with the market. */
  update({ portfolio, symbols }) {
    if (portfolio === null || symbols === null) return;
    if (performance.now() >= this.#due) this.#load();
    if (this.#points === null || this.#points.length === 0) return;
    const worth = worthOf(portfolio, symbols);
    if (worth === this.#live) return;
    this.#live = worth;
    this.#showNewest();
  }

  #choose(range) {
    this.#range = range;
    this.#mark();
    this.#load();
  }

  #mark() {
    for (const button of part(this.#root, ".segments").children) setAttribute(button, "aria-pressed", String(button.value === this.#range));
  }

  async #load() {
    const asked = (this.#asked = performance.now());
    this.#due = Infinity;
    let points = null;
    try {
      points = await this.#ask(questionOf(this.#range, Date.now() * 1e6));
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
    }
    if (asked !== this.#asked) return;
    this.#due = performance.now() + refreshMs(points ?? []);
    if (points !== null) this.#points = points;
    this.#show();
  }

  #show() {
    const points = this.#points ?? [];
    const { equity, paidIn } = linesOf(points);
    this.#equity.setData(equity);
    this.#paidIn.setData(paidIn);
    const seconds = points.length < 2 ? 0 : (points.at(-1).time - points[0].time) / 1e9;
    this.#chart.timeScale().applyOptions({ secondsVisible: seconds < SECONDS_SHOWN_MAX });
    this.#chart.timeScale().fitContent();
    this.#showNewest();
    part(this.#root, ".equity-empty").hidden = points.length > 0;
    setText(part(this.#root, ".equity-empty"), this.#points === null ? LOADING : EQUITY.empty);
  }

  #showNewest() {
    const last = this.#points?.at(-1);
    const worth = this.#live ?? last?.equity;
    const words = last === undefined ? "" : EQUITY.summary(formatMoney(worth), formatMoney(last.paid_in), formatMoney(worth - last.paid_in));
    setText(part(this.#root, ".legend"), words);
    if (last === undefined) return;
    const time = Math.floor(last.time / 1e9);
    this.#equity.update({ time, value: worth / UNITS });
  }

  #recolour() {
    this.#chart.applyOptions({ ...chartOptions(), timeScale: { ...chartOptions().timeScale, rightOffset: 0 } });
    const accent = colour("--accent");
    this.#equity.applyOptions({ lineColor: accent, topColor: colour("--accent-faint"), bottomColor: "transparent" });
    this.#paidIn.applyOptions({ color: colour("--muted") });
  }
}
