// An account's cash, positions and open orders: the ledger's answer, and the numbered reports after it. Pure.
//
// Reports move everything at once; what a report does not tell to the last unit (the part of a hold that is for fees) comes
// right with the ledger's next answer, which is asked for after reports arrived.

export const FILLS_MAX = 1_000;

/**
 * The reports of a message that the portfolio does not contain yet, with their numbers; null where some before are missing.
 * @returns {{ number: number, report: object }[] | null}
 */
export function newReports(portfolio, message) {
  if (message.number > portfolio.report + 1) return null;
  return message.reports
    .map((report, index) => ({ number: message.number + index, report }))
    .filter(({ number }) => number > portfolio.report);
}

/** The portfolio after a message of reports: the same one if it contains them, null where some before are missing. */
export function withReports(portfolio, message) {
  const fresh = newReports(portfolio, message);
  if (fresh === null) return null;
  if (fresh.length === 0) return portfolio;
  const next = {
    ...portfolio,
    positions: portfolio.positions.map((position) => ({ ...position })),
    orders: portfolio.orders.map((order) => ({ ...order })),
    report: fresh.at(-1).number,
  };
  for (const { report } of fresh) APPLY[report.type]?.(next, report);
  return next;
}

const APPLY = {
  orderaccepted(portfolio, report) {
    const { type, ...order } = report;
    const opened = { kind: "limit", tif: "gtc", remaining: report.quantity, ...order };
    portfolio.orders.push(opened);
    hold(portfolio, opened, report.quantity);
  },

  orderfilled(portfolio, report) {
    const value = report.price * report.quantity;
    const buying = report.side === "buy";
    portfolio.cash += (buying ? -value : value) - report.fee;
    portfolio.fees += report.fee;
    move(portfolio, report.symbol, buying ? report.quantity : -report.quantity, buying ? value : -value);
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    hold(portfolio, order, -report.quantity);
    order.remaining = report.remaining;
    if (order.remaining === 0) remove(portfolio, order);
  },

  ordercancelled(portfolio, report) {
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    hold(portfolio, order, -order.remaining);
    remove(portfolio, order);
  },

  ordertriggered(portfolio, report) {
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    if (order.kind === "trailing_stop") order.price += report.price - order.stop_price; // Its limit moved with the stop price.
    order.stop_price = 0;
  },

  orderreplaced(portfolio, report) {
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    hold(portfolio, order, -order.remaining);
    order.quantity += report.quantity - order.remaining;
    order.remaining = report.quantity;
    order.price = report.price;
    order.stop_price = report.stop_price ?? 0;
    hold(portfolio, order, order.remaining);
  },

  orderactivated(portfolio, report) {
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    order.quantity += report.quantity - order.remaining;
    order.remaining = report.quantity;
    order.entry = 0;
  },

  orderdecremented(portfolio, report) {
    const order = orderOf(portfolio, report);
    if (order === undefined) return;
    hold(portfolio, order, -report.quantity);
    order.quantity -= report.quantity;
    order.remaining = report.remaining;
    if (order.remaining === 0) remove(portfolio, order);
  },

  transferred(portfolio, report) {
    if (report.asset === "CASH") portfolio.cash += report.amount;
    else move(portfolio, report.asset, report.amount, report.amount * positionOf(portfolio, report.asset).price);
  },
};

/** Shares come, or go, for a value: what they cost and what is gained by it, reckoned as in ledger/profit.py. */
function move(portfolio, symbol, quantity, value) {
  const position = positionOf(portfolio, symbol);
  const held = position.quantity;
  position.quantity += quantity;
  position.cost += value;
  if (held === 0 || held > 0 === quantity > 0) return;
  const closed = Math.min(Math.abs(held), Math.abs(quantity));
  const cost = shareOf(position.cost - value, closed, Math.abs(held));
  const paid = shareOf(value, closed, Math.abs(quantity));
  position.cost -= paid + cost;
  position.realized -= paid + cost;
  portfolio.realized -= paid + cost;
}

/** So much of an amount, rounded down; exact, however large. */
function shareOf(amount, part, whole) {
  const product = BigInt(amount) * BigInt(part);
  const quotient = product / BigInt(whole);
  return Number(product < 0n && quotient * BigInt(whole) !== product ? quotient - 1n : quotient);
}

/** More or less is set aside for an order; one hold covers a pair, and that is told by the ledger's next answer. */
function hold(portfolio, order, quantity) {
  if (order.pair) return;
  if (order.side === "buy") portfolio.cash_held += order.price * quantity;
  else positionOf(portfolio, order.symbol).held += quantity;
}

function orderOf(portfolio, report) {
  return portfolio.orders.find(({ order_id }) => order_id === report.order_id);
}

function remove(portfolio, order) {
  portfolio.orders = portfolio.orders.filter((other) => other !== order);
}

function positionOf(portfolio, symbol) {
  const found = portfolio.positions.find((position) => position.symbol === symbol);
  if (found !== undefined) return found;
  const opened = { symbol, quantity: 0, held: 0, price: 0, cost: 0, realized: 0 };
  portfolio.positions.push(opened);
  return opened;
}

/** What can be spent. */
export function availableCash(portfolio) {
  return portfolio.cash - portfolio.cash_held;
}

/** How many shares can be sold. */
export function availableShares(portfolio, symbol) {
  const position = portfolio.positions.find((found) => found.symbol === symbol);
  return position === undefined ? 0 : position.quantity - position.held;
}

/** Fills, newest first, with more of them; a fill that is there already (the two sources overlap) is not added again. */
export function withFills(fills, more) {
  const keyOf = (fill) => `${fill.symbol}/${fill.trade_id}/${fill.order_id}`;
  const known = new Set(fills.map(keyOf));
  const fresh = more.filter((fill) => !known.has(keyOf(fill)));
  if (fresh.length === 0) return fills;
  return [...fills, ...fresh].sort((a, b) => b.time - a.time || b.trade_id - a.trade_id).slice(0, FILLS_MAX);
}

/** What everything is worth at the last prices. */
export function worthOf(portfolio, symbols) {
  return portfolio.cash + sharesWorth(portfolio, symbols);
}

/** What the shares are worth at the last prices. */
export function sharesWorth(portfolio, symbols) {
  return portfolio.positions.reduce((sum, { symbol, quantity, price }) => sum + quantity * lastOf(symbols, symbol, price), 0);
}

/** What would be gained if all positions were closed at the last prices. */
export function unrealizedOf(portfolio, symbols) {
  return sharesWorth(portfolio, symbols) - portfolio.positions.reduce((sum, { cost }) => sum + cost, 0);
}

function lastOf(symbols, symbol, otherwise) {
  return symbols.find((info) => info.symbol === symbol)?.last || otherwise;
}

/**
 * Orders, newest group first, those of a pair or a bracket one after the other.
 * @returns {{ order: object, place: "first" | "middle" | "last" | null }[]} place: within its group; null for one without
 */
export function grouped(orders) {
  const keyOf = ({ order_id: id, pair, entry }) => entry || (pair ? Math.min(id, pair) : id);
  const groups = new Map();
  for (const order of orders) groups.set(keyOf(order), [...(groups.get(keyOf(order)) ?? []), order]);
  const places = (count, index) => (count === 1 ? null : index === 0 ? "first" : index === count - 1 ? "last" : "middle");
  return [...groups]
    .sort(([a], [b]) => b - a)
    .flatMap(([, group]) => group.sort((a, b) => a.order_id - b.order_id).map((order, index) => ({ order, place: places(group.length, index) })));
}
