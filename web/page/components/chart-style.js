// How the chart looks: options of the chart library in the page's colours, and times as they are where the page is read.

import { LOCALE } from "../texts.js";
import { colour } from "../theme.js";
import { CrosshairMode, LineStyle } from "../vendor/lightweight-charts.js";

export const RIGHT_OFFSET = 5;
export const VOLUME_SHARE = 0.2;

export function sideColour(side) {
  return colour(side === "buy" ? "--up" : "--down");
}

export function candleOptions() {
  const [up, down] = [colour("--up"), colour("--down")];
  const wicks = { wickUpColor: up, wickDownColor: down };
  return { upColor: up, downColor: down, ...wicks, borderVisible: false, priceLineStyle: LineStyle.Dotted };
}

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
