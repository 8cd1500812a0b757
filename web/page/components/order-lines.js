// Own open orders as lines over the candles. One that has a price of its own is dragged to another one; let go, it is replaced.

import { UNITS, formatCompact, formatPrice } from "../money.js";
import { CHART, SIDE } from "../texts.js";
import { colour } from "../theme.js";
import { LineStyle } from "../vendor/lightweight-charts.js";
import { sideColour } from "./chart-style.js";

const NEAR_PIXELS = 6;

export class OrderLines {
  #element;
  #chart;
  #series;
  #move;
  #tick = 1;
  #orders = [];
  #lines = new Map(); // By the order's id.
  #dragged = null; // { order, price }

  /** `move(order, price)` is called when an order was dragged to another price. */
  constructor(element, chart, series, move) {
    this.#element = element;
    this.#chart = chart;
    this.#series = series;
    this.#move = move;
    const listen = (name, hear) => element.addEventListener(name, hear, { capture: true });
    listen("pointerdown", (event) => this.#begin(event));
    listen("pointermove", (event) => this.#point(event));
    listen("pointerup", (event) => this.#end(event));
    listen("pointercancel", () => this.#stop());
    addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#stop();
    });
  }

  /** Shows these orders. One that is being dragged stays where the pointer is. */
  show(orders, tick) {
    this.#tick = tick;
    this.#orders = orders;
    if (this.#dragged !== null && !orders.some(({ order_id }) => order_id === this.#dragged.order.order_id)) this.#stop();
    for (const line of this.#lines.values()) this.#series.removePriceLine(line);
    this.#lines = new Map(orders.map((order) => [order.order_id, this.#series.createPriceLine(this.#look(order))]));
  }

  #look(order) {
    const { side, remaining } = order;
    const isDragged = this.#dragged?.order.order_id === order.order_id;
    const price = isDragged ? this.#dragged.price : priceOf(order);
    const words = CHART.order(SIDE[side], formatCompact(remaining));
    return {
      price: price / UNITS,
      color: sideColour(side),
      lineWidth: isDragged ? 2 : 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
      axisLabelTextColor: colour(side === "buy" ? "--on-up" : "--on-down"),
      title: isDragged ? CHART.moved(words, formatPrice(price, this.#tick)) : words,
    };
  }

  /** The order whose line is under the pointer and can be moved. */
  #near({ clientY }) {
    const y = clientY - this.#element.getBoundingClientRect().top;
    const distance = (order) => Math.abs((this.#series.priceToCoordinate(priceOf(order) / UNITS) ?? Infinity) - y);
    const [nearest] = this.#orders.filter(isMovable).sort((a, b) => distance(a) - distance(b));
    return nearest !== undefined && distance(nearest) <= NEAR_PIXELS ? nearest : null;
  }

  #begin(event) {
    const order = event.button === 0 ? this.#near(event) : null;
    if (order === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.#dragged = { order, price: priceOf(order) };
    this.#element.setPointerCapture(event.pointerId);
    this.#chart.applyOptions({ handleScroll: false, handleScale: false });
  }

  #point(event) {
    if (this.#dragged === null) {
      this.#element.toggleAttribute("data-movable", this.#near(event) !== null);
      return;
    }
    event.stopPropagation();
    const y = event.clientY - this.#element.getBoundingClientRect().top;
    const price = this.#series.coordinateToPrice(y);
    if (price === null) return;
    this.#dragged.price = Math.max(this.#tick, Math.round((price * UNITS) / this.#tick) * this.#tick);
    this.#redraw(this.#dragged.order);
  }

  #end(event) {
    if (this.#dragged === null) return;
    event.stopPropagation();
    const { order, price } = this.#dragged;
    this.#stop();
    if (price !== priceOf(order)) this.#move(order, price);
  }

  /** The line goes back to where the order is, until the market says that it moved. */
  #stop() {
    if (this.#dragged === null) return;
    const { order } = this.#dragged;
    this.#dragged = null;
    this.#chart.applyOptions({ handleScroll: true, handleScale: true });
    this.#redraw(order);
  }

  #redraw(order) {
    this.#lines.get(order.order_id)?.applyOptions(this.#look(order));
  }
}

/** Where an order's line is: at its stop price while it waits for that, or else at its limit. */
function priceOf({ stop_price = 0, price }) {
  return stop_price || price;
}

/** A trailing stop's price is the market's to move; a leg of a bracket can be moved before it works. */
function isMovable({ kind }) {
  return kind !== "trailing_stop" && kind !== "market";
}
