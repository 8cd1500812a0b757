// Candles, volume, own orders and fills, indicators on a canvas: what knows the chart library. History is set once; after that
// only the newest bars are updated. Prices become decimals here, and nowhere before.

import { startAt } from "../candles.js";
import { UNITS, decimalsOf, formatCompact, formatPrice } from "../money.js";
import { CHART } from "../texts.js";
import { colour, onThemeChange } from "../theme.js";
import { CandlestickSeries, HistogramSeries, LineStyle, createChart, createSeriesMarkers } from "../vendor/lightweight-charts.js";
import { RIGHT_OFFSET, VOLUME_SHARE, candleOptions, chartOptions, sideColour } from "./chart-style.js";
import { IndicatorLines } from "./indicator-lines.js";
import { OrderLines } from "./order-lines.js";

const BAR_WIDTH = 7;
const BARS_SHOWN_MIN = 30;
const BARS_SHOWN_MAX = 150;
const OLDER_WITHIN = 40;

export class Drawing {
  #chart;
  #candles;
  #volume;
  #markers;
  #orders;
  #indicators;
  #legend;
  #bars = [];
  #hovered;
  #shown = { orders: [], fills: [], tick: 1, chosen: [], day: 0 };
  #auction = null;

  /**
   * `older` is called when one scrolls near the oldest bar; `legend` with the bar under the pointer, or the last one, and what the
   * indicators say there; `move(order, price)` when an order's line was dragged.
   */
  constructor(element, { older, legend, move }) {
    this.#legend = legend;
    this.#chart = createChart(element, { autoSize: true, ...chartOptions() });
    this.#candles = this.#chart.addSeries(CandlestickSeries, candleOptions());
    this.#candles.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: VOLUME_SHARE + 0.05 } });
    const plain = { priceScaleId: "", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false };
    this.#volume = this.#chart.addSeries(HistogramSeries, plain);
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    this.#markers = createSeriesMarkers(this.#candles, []);
    this.#orders = new OrderLines(element, this.#chart, this.#candles, move);
    this.#indicators = new IndicatorLines(this.#chart);
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && this.#bars.length > 0 && range.from < OLDER_WITHIN) older();
    });
    this.#chart.subscribeCrosshairMove(({ time }) => {
      this.#hovered = time;
      this.#tell();
    });
    onThemeChange(() => this.#recolour());
  }

  clear() {
    this.#bars = [];
    this.#candles.setData([]);
    this.#volume.setData([]);
    this.showIndicators([], 0);
    this.showOrders([], 1);
    this.showFills([]);
    this.showAuction({});
  }

  /** `isOther`: these are of another symbol or interval than those before, so begin at the newest. */
  showBars(bars, { tick, isOther }) {
    const before = this.#bars;
    this.#bars = bars;
    const added = bars.length - before.length;
    const grew = !isOther && before.length > 0 && before[0].start === bars[0]?.start && (added === 0 || added === 1);
    if (grew) {
      for (const bar of bars.slice(-1 - added)) {
        this.#candles.update(candleBar(bar));
        this.#volume.update(volumeBar(bar));
      }
    } else this.#setBars(bars, before, tick, isOther);
    this.#indicators.show(this.#shown.chosen, bars, this.#shown.day, grew);
    this.#tell();
  }

  showIndicators(chosen, day) {
    Object.assign(this.#shown, { chosen, day });
    this.#indicators.show(chosen, this.#bars, day, false);
    this.#tell();
  }

  showOrders(orders, tick) {
    Object.assign(this.#shown, { orders, tick });
    this.#orders.show(orders, tick);
  }

  showFills(fills) {
    this.#shown.fills = fills;
    const marks = fills.map((fill) => {
      const buying = fill.side === "buy";
      return {
        time: startAt(this.#bars, Math.floor(fill.time / 1e9)),
        position: buying ? "belowBar" : "aboveBar",
        shape: buying ? "arrowUp" : "arrowDown",
        color: sideColour(fill.side),
      };
    });
    this.#markers.setMarkers(marks.filter(({ time }) => time !== undefined).sort((a, b) => a.time - b.time));
  }

  /** A line where an auction would trade now, if one is collecting orders. */
  showAuction({ indicative_price: price = 0, indicative_volume: volume = 0 }) {
    if (this.#auction !== null) this.#candles.removePriceLine(this.#auction);
    const look = { lineWidth: 2, lineStyle: LineStyle.SparseDotted, axisLabelVisible: true, axisLabelTextColor: colour("--on-accent") };
    const words = CHART.auction(formatCompact(volume));
    this.#auction = price === 0 ? null : this.#candles.createPriceLine({ price: price / UNITS, color: colour("--accent"), title: words, ...look });
  }

  #setBars(bars, before, tick, isOther) {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    const formatter = (price) => formatPrice(Math.round(price * UNITS), tick);
    const priceFormat = { type: "custom", minMove: tick / UNITS, precision: decimalsOf(tick), formatter };
    this.#candles.applyOptions({ priceFormat });
    this.#candles.setData(bars.map(candleBar));
    this.#volume.setData(bars.map(volumeBar));
    if (isOther || before.length === 0 || bars.length === 0) this.#lookAtNewest();
    else this.#stayAt(range, shiftOf(before, bars));
  }

  #tell() {
    const index = this.#hovered === undefined ? -1 : this.#bars.findLastIndex(({ start }) => start === this.#hovered);
    this.#legend(this.#bars.at(index), this.#bars.length === 0 ? [] : this.#indicators.at(index));
  }

  #lookAtNewest() {
    const { length } = this.#bars;
    const room = Math.min(BARS_SHOWN_MAX, Math.round(this.#chart.timeScale().width() / BAR_WIDTH));
    const shown = Math.max(BARS_SHOWN_MIN, Math.min(room, length));
    this.#chart.timeScale().setVisibleLogicalRange({ from: length - shown, to: length + RIGHT_OFFSET });
    this.#candles.priceScale().applyOptions({ autoScale: true });
  }

  /** Older bars came before, or were forgotten: what was looked at stays where it was. */
  #stayAt(range, shift) {
    if (range === null || shift === 0) return;
    this.#chart.timeScale().setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  }

  #recolour() {
    this.#chart.applyOptions(chartOptions());
    this.#candles.applyOptions(candleOptions());
    this.#volume.setData(this.#bars.map(volumeBar));
    this.#indicators.recolour();
    this.showOrders(this.#shown.orders, this.#shown.tick);
    this.showFills(this.#shown.fills);
  }
}

/** By how many bars those of before are farther to the right now. */
function shiftOf(before, bars) {
  const older = bars.findIndex(({ start }) => start === before[0].start);
  return older >= 0 ? older : -Math.max(0, before.findIndex(({ start }) => start === bars[0].start));
}

function candleBar({ start, open, high, low, close }) {
  return { time: start, open: open / UNITS, high: high / UNITS, low: low / UNITS, close: close / UNITS };
}

function volumeBar({ start, open, close, volume }) {
  return { time: start, value: volume, color: colour(close >= open ? "--up-faint" : "--down-faint") };
}
