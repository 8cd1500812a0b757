// Changing an open order: what may be changed, what is wrong with what was typed, and the command. Pure.

import { formatPrice, formatQuantity, parsePrice, parseQuantity, plainPrice } from "./money.js";
import { hasLimit } from "./terms.js";
import { CHANGE, CHECKS } from "./texts.js";

/** The fields of an open order that can be changed, with what stands in them: { quantity?, price?, stop? }. */
export function fieldsOf(order, tick) {
  const fields = {};
  if (!order.pair && !order.entry) fields.quantity = String(order.remaining); // Those of a group stay equal.
  if (hasLimit(order.kind)) fields.price = plainPrice(order.price, tick);
  if (order.stop_price && order.kind !== "trailing_stop") fields.stop = plainPrice(order.stop_price, tick);
  return fields;
}

/**
 * What is wrong with the fields, by field ("form" for all together), and the command if nothing is.
 * @returns {{ errors: Record<string, string>, command: object | null }}
 */
export function changed(order, typed, { symbol, tick, lot }) {
  const errors = {};
  const command = { type: "replace", order_id: order.order_id };
  if (typed.quantity !== undefined) {
    const { quantity, problem } = parseQuantity(typed.quantity);
    if (problem !== undefined) errors.quantity = problem;
    else if (quantity % lot !== 0) errors.quantity = CHECKS.offLot(symbol, formatQuantity(lot));
    else if (quantity !== order.remaining) command.quantity = quantity;
  }
  const price = (field, name, before) => {
    if (typed[field] === undefined) return;
    const parsed = parsePrice(typed[field]);
    if (parsed.problem !== undefined) errors[field] = parsed.problem;
    else if (parsed.units % tick !== 0) errors[field] = CHECKS.offTick(symbol, formatPrice(tick, tick));
    else if (parsed.units !== before) command[name] = parsed.units;
  };
  price("price", "price", order.price);
  price("stop", "stop_price", order.stop_price);
  if (Object.keys(errors).length === 0 && Object.keys(command).length === 2) errors.form = CHANGE.nothing;
  return { errors, command: Object.keys(errors).length === 0 ? command : null };
}
