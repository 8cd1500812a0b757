// Candles, volume, own orders and own fills on a canvas: everything that knows the chart library. History is set once; after
// that only the newest bars are updated. Prices become decimals here, and nowhere before.

import { UNITS, decimalsOf, formatCompact, formatPrice } from "../money.js";
import { LOCALE } from "../texts.js";
import { colour, onThemeChange } from "../theme.js";
import {
  CandlestickSeries,
  CrosshairMode,
  HistogramSeries,
  LineStyle,
  createChart,
  createSeriesMarkers,
} from "../vendor/lightweight-charts.js";

const BAR_WIDTH = 7;
const BARS_SHOWN_MIN = 30;
const BARS_SHOWN_MAX = 150;
const RIGHT_OFFSET = 5;
const OLDER_WITHIN = 40;
const VOLUME_SHARE = 0.2;

export class Drawing {
  #chart;
  #candles;
  #volume;
  #markers;
  #legend;
  #bars = [];
  #byTime = new Map();
  #seconds = 60;
  #hovered;
  #lines = [];
  #orders = [];
  #fills = [];

  /** `older` is called when one scrolls near the oldest bar; `legend` with the bar under the pointer, or the last one. */
  constructor(element, { older, legend }) {
    this.#legend = legend;
    this.#chart = createChart(element, { autoSize: true, ...chartOptions() });
    this.#candles = this.#chart.addSeries(CandlestickSeries, candleOptions());
    this.#candles.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: VOLUME_SHARE + 0.05 } });
    const plain = { priceScaleId: "", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false };
    this.#volume = this.#chart.addSeries(HistogramSeries, plain);
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    this.#markers = createSeriesMarkers(this.#candles, []);
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
    this.#set([]);
    this.#candles.setData([]);
    this.#volume.setData([]);
    this.showOrders([]);
    this.showFills([]);
  }

  /** `isOther`: these are of another symbol or interval than those before, so begin at the newest. */
  showBars(bars, { tick, seconds, isOther }) {
    const before = this.#bars;
    this.#seconds = seconds;
    this.#set(bars);
    const added = bars.length - before.length;
    const grew = before.length > 0 && before[0].start === bars[0]?.start && (added === 0 || added === 1);
    if (grew && !isOther) {
      for (const bar of bars.slice(-1 - added)) {
        this.#candles.update(candleBar(bar));
        this.#volume.update(volumeBar(bar));
      }
      return;
    }
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    const formatter = (price) => formatPrice(Math.round(price * UNITS), tick);
    const priceFormat = { type: "custom", minMove: tick / UNITS, precision: decimalsOf(tick), formatter };
    this.#candles.applyOptions({ priceFormat });
    this.#candles.setData(bars.map(candleBar));
    this.#volume.setData(bars.map(volumeBar));
    if (isOther || before.length === 0) this.#lookAtNewest();
    else this.#stayAt(range, bars.findIndex((bar) => bar.start === before[0].start));
  }

  showOrders(orders) {
    this.#orders = orders;
    for (const line of this.#lines) this.#candles.removePriceLine(line);
    this.#lines = orders.map((order) =>
      this.#candles.createPriceLine({
        price: order.price / UNITS,
        color: sideColour(order.side),
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        axisLabelVisible: true,
        axisLabelTextColor: colour(order.side === "buy" ? "--on-up" : "--on-down"),
        title: `${order.side} ${formatCompact(order.remaining)}`,
      }),
    );
  }

  showFills(fills) {
    this.#fills = fills;
    const marks = fills.map((fill) => {
      const at = Math.floor(fill.time / 1e9);
      const buying = fill.side === "buy";
      return {
        time: at - (at % this.#seconds),
        position: buying ? "belowBar" : "aboveBar",
        shape: buying ? "arrowUp" : "arrowDown",
        color: sideColour(fill.side),
      };
    });
    this.#markers.setMarkers(marks.sort((a, b) => a.time - b.time));
  }

  #set(bars) {
    this.#bars = bars;
    this.#byTime = new Map(bars.map((bar) => [bar.start, bar]));
    this.#tell();
  }

  #tell() {
    this.#legend(this.#byTime.get(this.#hovered) ?? this.#bars.at(-1));
  }

  #lookAtNewest() {
    const { length } = this.#bars;
    const room = Math.min(BARS_SHOWN_MAX, Math.round(this.#chart.timeScale().width() / BAR_WIDTH));
    const shown = Math.max(BARS_SHOWN_MIN, Math.min(room, length));
    this.#chart.timeScale().setVisibleLogicalRange({ from: length - shown, to: length + RIGHT_OFFSET });
    this.#candles.priceScale().applyOptions({ autoScale: true });
  }

  /** Older bars came before: what was looked at stays where it was. */
  #stayAt(range, shift) {
    if (range === null || shift <= 0) return;
    this.#chart.timeScale().setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  }

  #recolour() {
    this.#chart.applyOptions(chartOptions());
    this.#candles.applyOptions(candleOptions());
    this.#volume.setData(this.#bars.map(volumeBar));
    this.showOrders(this.#orders);
    this.showFills(this.#fills);
  }
}

function candleBar({ start, open, high, low, close }) {
  return { time: start, open: open / UNITS, high: high / UNITS, low: low / UNITS, close: close / UNITS };
}

function volumeBar({ start, open, close, volume }) {
  return { time: start, value: volume, color: colour(close >= open ? "--up-faint" : "--down-faint") };
}

function sideColour(side) {
  return colour(side === "buy" ? "--up" : "--down");
}

function candleOptions() {
  const [up, down] = [colour("--up"), colour("--down")];
  const wicks = { wickUpColor: up, wickDownColor: down };
  return { upColor: up, downColor: down, ...wicks, borderVisible: false, priceLineStyle: LineStyle.Dotted };
}

/** How all charts look, in the colours of the theme. */
export function chartOptions() {
  const line = { color: colour("--muted"), labelBackgroundColor: colour("--label") };
  return {
    layout: {
      background: { color: colour("--panel") },
      textColor: colour("--muted"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: true,
    },
    grid: { vertLines: { color: colour("--grid") }, horzLines: { color: colour("--grid") } },
    crosshair: { mode: CrosshairMode.Normal, vertLine: line, horzLine: line },
    rightPriceScale: { borderColor: colour("--line") },
    timeScale: {
      borderColor: colour("--line"),
      timeVisible: true,
      secondsVisible: true,
      rightOffset: RIGHT_OFFSET,
      minBarSpacing: 1,
      tickMarkFormatter: (time, type) => TICK_MARKS[type].format(time * 1000),
    },
    localization: { timeFormatter: (time) => MOMENT.format(time * 1000) },
  };
}

// Times are those of the place where the page is read.
const format = (options) => new Intl.DateTimeFormat(LOCALE, options);
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const MOMENT = format({ day: "2-digit", month: "short", ...CLOCK, second: "2-digit" });
/** Of the time axis, in the library's order: years, months, days, minutes, seconds. */
const TICK_MARKS = [
  format({ year: "numeric" }),
  format({ month: "short" }),
  format({ day: "numeric", month: "short" }),
  format(CLOCK),
  format({ ...CLOCK, second: "2-digit" }),
];
