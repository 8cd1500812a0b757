// What is sent to the market for a checked draft, and for an order that was moved. Pure.

import { effective } from "./ticket.js";
import { rests } from "./terms.js";

const ID_LENGTH_MAX = 36;

/** The command to send for a checked draft: an order, or the group that it is the first of. */
export function commandOf(draft, checked, symbol, clientOrderId) {
  const { takeProfit, stopLoss, stopLossLimit, orStop } = checked;
  const order = submitOf(draft, checked, symbol, clientOrderId);
  if (orStop === null && takeProfit === null) return order;
  const { expires, self_trade } = order;
  const other = (suffix, side, prices) => {
    const id = clientOrderId.slice(0, ID_LENGTH_MAX - suffix.length) + suffix;
    const leg = { type: "submit", client_order_id: id, symbol, side, quantity: order.quantity, ...prices };
    if (order.tif !== undefined && rests(order.tif)) leg.tif = order.tif;
    if (expires !== undefined) leg.expires = expires;
    if (self_trade !== undefined) leg.self_trade = self_trade;
    return leg;
  };
  if (orStop !== null) return { type: "oco", limit: order, stop: other("-st", order.side, { kind: "stop", stop_price: orStop }) };
  const side = order.side === "buy" ? "sell" : "buy";
  const stop = stopLossLimit === null ? { kind: "stop" } : { kind: "stop_limit", price: stopLossLimit };
  return {
    type: "bracket",
    entry: order,
    take_profit: other("-tp", side, { price: takeProfit }),
    stop_loss: other("-sl", side, { ...stop, stop_price: stopLoss }),
  };
}

/** The order of the ticket by itself: no more than is not usual. */
function submitOf(draft, checked, symbol, clientOrderId) {
  const { side, kind, tif, postOnly, selfTrade } = effective(draft);
  const command = { type: "submit", client_order_id: clientOrderId, symbol, side, quantity: checked.quantity };
  const price = checked.price ?? checked.protection;
  if (kind !== "limit") command.kind = kind;
  if (price !== null) command.price = price;
  if (tif !== "gtc") command.tif = tif;
  if (checked.expires !== null) command.expires = checked.expires;
  if (checked.stop !== null) command.stop_price = checked.stop;
  if (checked.trail !== null) command.trail = checked.trail;
  if (checked.trailBasisPoints !== null) command.trail_basis_points = checked.trailBasisPoints;
  if (postOnly) command.post_only = true;
  if (checked.display !== null) command.display = checked.display;
  if (selfTrade !== "") command.self_trade = selfTrade;
  return command;
}

/** The command that moves an open order to a price: where it triggers while it waits for that, or else its limit. */
export function replaceOf({ order_id, stop_price = 0 }, price) {
  return { type: "replace", order_id, ...(stop_price ? { stop_price: price } : { price }) };
}
