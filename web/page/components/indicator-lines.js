// The chosen indicators as lines over the candles.

import { bollinger, ema, sma, vwap } from "../indicators.js";
import { UNITS } from "../money.js";
import { colour } from "../theme.js";
import { LineSeries, LineStyle } from "../vendor/lightweight-charts.js";

const LENGTH = 20;
const WIDTH = 2;

/** Each indicator's lines: colour, style, and what it computes of candles. */
export const INDICATORS = {
  sma: [{ colour: "--line-1", values: (candles) => sma(candles, LENGTH) }],
  ema: [{ colour: "--line-2", values: (candles) => ema(candles, LENGTH) }],
  vwap: [{ colour: "--line-3", values: (candles, day) => vwap(candles, day) }],
  bollinger: ["low", "middle", "high"].map((name) => ({
    colour: "--line-4",
    style: name === "middle" ? LineStyle.Dashed : LineStyle.Solid,
    values: (candles) => bollinger(candles, LENGTH, WIDTH).map((band) => band?.[name] ?? null),
  })),
};

export class IndicatorLines {
  #chart;
  #lines = new Map(); // By the indicator's name: its series, each with its definition and last values.

  constructor(chart) {
    this.#chart = chart;
  }

  /** Shows these indicators of these candles; `grew`: only the last candle changed, or one more came, since the last time. */
  show(chosen, candles, day, grew) {
    for (const name of [...this.#lines.keys()]) if (!chosen.includes(name)) this.#remove(name);
    for (const name of chosen) {
      const isNew = !this.#lines.has(name);
      if (isNew) this.#lines.set(name, INDICATORS[name].map((definition) => this.#add(definition)));
      for (const line of this.#lines.get(name)) draw(line, candles, day, grew && !isNew);
    }
  }

  /** What each shown indicator says at a candle: [name, values in units][]. */
  at(index) {
    return [...this.#lines].map(([name, lines]) => [name, lines.map(({ values }) => values.at(index) ?? null)]);
  }

  recolour() {
    for (const lines of this.#lines.values()) {
      for (const { series, definition } of lines) series.applyOptions({ color: colour(definition.colour) });
    }
  }

  #add(definition) {
    const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
    const look = { color: colour(definition.colour), lineWidth: 1, lineStyle: definition.style ?? LineStyle.Solid };
    return { series: this.#chart.addSeries(LineSeries, { ...look, ...quiet }), definition, values: [] };
  }

  #remove(name) {
    for (const { series } of this.#lines.get(name)) this.#chart.removeSeries(series);
    this.#lines.delete(name);
  }
}

function draw(line, candles, day, grew) {
  line.values = line.definition.values(candles, day);
  const points = grew ? candles.slice(-1) : candles;
  const first = candles.length - points.length;
  const drawn = points
    .map(({ start }, index) => ({ time: start, value: line.values[first + index] }))
    .filter(({ value }) => value !== null)
    .map(({ time, value }) => ({ time, value: value / UNITS }));
  if (!grew) line.series.setData(drawn);
  else if (drawn.length > 0) line.series.update(drawn[0]);
}
