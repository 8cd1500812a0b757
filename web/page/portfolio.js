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
    positionOf(portfolio, report.symbol).quantity += buying ? report.quantity : -report.quantity;
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
    else positionOf(portfolio, report.asset).quantity += report.amount;
  },
};

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
  const opened = { symbol, quantity: 0, held: 0, price: 0 };
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

/**
 * What a position cost per share on average, in units. Shares that no fill explains (they were given) count at the opening
 * price. null when the fills do not reach back to the first one, or nothing is left.
 */
export function averageCost(position, fills, openingPrice, complete) {
  if (!complete || position.quantity <= 0) return null;
  const own = fills.filter((fill) => fill.symbol === position.symbol).reverse();
  const traded = own.reduce((sum, fill) => sum + (fill.side === "buy" ? fill.quantity : -fill.quantity), 0);
  let shares = position.quantity - traded;
  let cost = shares * openingPrice;
  for (const fill of own) {
    if (fill.side === "buy") cost += fill.price * fill.quantity + fill.fee;
    else if (shares > 0) cost -= (cost / shares) * fill.quantity;
    shares += fill.side === "buy" ? fill.quantity : -fill.quantity;
  }
  return shares > 0 ? Math.round(cost / shares) : null;
}
