// Every text of the page that people read, in English, by where it stands: a translation is another module like this one.
// Some stand in markup, so none holds <, & or a straight double quote. What the market itself answers comes in its own words.

/** How times are written. */
export const LOCALE = "en-GB";

export const SIDE = { buy: "Buy", sell: "Sell" };
export const CLOSE = "Close";
export const LOADING = "Loading…";
export const UNANSWERED = "The market does not answer. Try again in a moment.";

/** Names of the parts of the page, for those who do not see it. */
export const REGIONS = {
  symbols: "Symbols",
  headline: "Symbol",
  chart: "Price chart",
  holdings: "Your account",
  views: "Views",
};

export const PAGE = {
  noServer: "The market's web server does not answer. Trying again.",
  ended: "Your session has ended. Log in again.",
  cancelUnanswered: "Nobody answered the cancel. Look at your open orders, and try again.",
};

export const CONNECTION = {
  connecting: "Connecting",
  live: "Live",
  lost: "Reconnecting",
  lostSentence: "Reconnecting to the market. Prices are not live.",
  offline: "Offline",
  offlineSentence: "You are offline. Prices are not live.",
  stale: "Delayed",
  staleSentence: "Market data is delayed. Prices may be old.",
  latency: (word, milliseconds) => `${word} · ${milliseconds < 1 ? "under 1" : Math.round(milliseconds)} ms to the market`,
};

export const VIEWS = { chart: "Chart", book: "Book", trade: "Trade", account: "Account" };

export const THEME = { toDark: "Switch to the dark theme", toLight: "Switch to the light theme" };

export const ACCOUNT_MENU = {
  logIn: "Log in",
  signUp: "Sign up",
  logOut: "Log out",
  logIns: "Sessions, API keys, password",
};

export const HEADLINE = {
  bid: "Bid",
  ask: "Ask",
  spread: "Spread",
  volume: "Volume",
  trades: "Trades",
  since: (price) => `since the opening price of ${price}`,
};

export const CHART = {
  interval: "Interval",
  empty: "No trades yet. The first one draws the first candle.",
  bar: (open, high, low, close, volume) => `O ${open}  H ${high}  L ${low}  C ${close}  V ${volume}`,
};

export const LADDER = {
  title: "Order book",
  price: "Price",
  shares: "Shares",
  total: "Total",
  sellers: "Sellers",
  buyers: "Buyers",
  auction: "An auction is collecting orders",
  spread: (text) => `Spread ${text}`,
  oneSided: "One side is empty",
  empty: "The book is empty",
};

export const TAPE = {
  title: "Trades",
  price: "Price",
  shares: "Shares",
  time: "Time",
  empty: "No trades yet.",
  sides: { buy: "A buyer took this price", sell: "A seller took this price" },
};

export const CASH = {
  title: "Balance",
  guestTitle: "Join in",
  available: "Available",
  held: "Held for orders",
  shares: "Shares at last price",
  total: "Total",
  invitation: "Everything on this screen is live. Open an account and trade along: you start with play money and a few shares.",
  question: "You have an account?",
};

export const HOLDINGS = {
  positions: "Positions",
  orders: "Open orders",
  fills: "Fills",
  cancelAll: "Cancel all",
  cancel: "Cancel",
  cancelling: "Cancelling…",
  market: "Market",
  columns: {
    symbol: "Symbol",
    side: "Side",
    price: "Price",
    stop: "Stop",
    kind: "Kind",
    shares: "Shares",
    open: "Open",
    held: "Held",
    last: "Last",
    value: "Value",
    cost: "Avg. cost",
    gain: "Unrealised",
    fee: "Fee",
    role: "Role",
    time: "Time",
  },
  roles: { maker: "Maker", taker: "Taker", auction: "Auction" },
  emptyForGuests: {
    positions: "Sign up to trade, and what you own is here.",
    orders: "Sign up to trade, and your open orders are here.",
    fills: "Sign up to trade, and your fills are here.",
  },
  empty: {
    positions: "You own no shares yet.",
    orders: "No open orders. A limit order that does not trade at once rests here.",
    fills: "No fills yet.",
  },
  leftOut: (count) => `${count} older orders are open too; “Cancel all” cancels them as well.`,
};

export const LOG_IN = {
  account: "Name",
  password: "Password",
  invitation: "Invitation code",
  modes: {
    "log-in": {
      title: "Log in",
      lead: "Welcome back.",
      button: "Log in",
      busy: "Logging in…",
      question: "New here?",
      other: "Sign up",
    },
    "sign-up": {
      title: "Sign up",
      lead: "Pick a name and a password. You start with play money and a few shares, and can trade at once.",
      button: "Open account",
      busy: "Opening your account…",
      question: "You have an account?",
      other: "Log in",
    },
  },
  noName: "Enter a name.",
  noPassword: "Enter a password.",
  badName: "A name has 1 to 32 characters: a-z, 0-9, - and _, a letter or digit first.",
  mismatch: "Name and password do not belong together.",
};

export const LOG_INS = {
  sessions: "Logged in",
  everywhere: "Log out everywhere",
  logOut: "Log out",
  thisOne: (name) => `${name} (this one)`,
  since: (time, address) => `since ${time}${address ? ` from ${address}` : ""}`,
  keys: "API keys",
  shownOnce: "Shown only now:",
  keyName: "Name of a new key",
  scopes: "What it may do",
  readsAndTrades: "reads and trades",
  reads: "reads",
  trades: "trades",
  make: "Make",
  revoke: "Revoke",
  used: (time) => `last used ${time}`,
  neverUsed: "never used",
  password: "Password",
  current: "Password so far",
  currentHint: "So far",
  next: "New password",
  nextHint: "New",
  change: "Change",
};

/** Kinds of orders, how long they stay, what else is special about one. */
export const TERMS = {
  kinds: { limit: "Limit", market: "Market", stop: "Stop", stop_limit: "Stop limit", trailing_stop: "Trailing stop" },
  tifs: { day: "day", gtd: "until a date", ioc: "IOC", fok: "FOK", opg: "opening auction", cls: "closing auction" },
  postOnly: "post-only",
  shows: (quantity) => `shows ${quantity}`,
  paired: (id) => `paired with ${id}`,
  waitsFor: (id) => `waits for ${id}`,
};

/** What people type that is no number. */
export const NUMBERS = {
  noPrice: "Enter a price.",
  notPrice: "Write the price like 20.55.",
  priceDecimals: "A price has at most four decimals.",
  priceTooLarge: "This price is too large.",
  priceZero: "The price must be more than zero.",
  noQuantity: "Enter how many shares.",
  notQuantity: "Shares are whole numbers, like 100.",
  quantityTooLarge: "This is too many shares.",
  quantityZero: "At least one share.",
  notPercent: "Write a percentage like 2.5%.",
  percentRange: "More than 0% and less than 100%.",
};

export const TICKET = {
  title: "Order ticket",
  side: "Side",
  kind: "Kind of order",
  kinds: { limit: "Limit", market: "Market", stop: "Stop" },
  after: "What the stop becomes",
  afters: { stop: "Market", stop_limit: "Limit", trailing_stop: "Trailing" },
  available: "Available",
  stop: "Stop price",
  trail: "Trails the price by",
  trailHint: "0.50 or 2%",
  price: "Price",
  bid: (price) => `Bid ${price}`,
  ask: (price) => `Ask ${price}`,
  quantity: "Shares",
  lower: { stop: "Lower stop price", price: "Lower price", quantity: "Fewer shares" },
  higher: { stop: "Higher stop price", price: "Higher price", quantity: "More shares" },
  percents: "Part of what is available",
  most: "Max",
  more: "More",
  tif: "Time in force",
  tifs: { gtc: "GTC", day: "Day", ioc: "IOC", fok: "FOK", opg: "OPG", cls: "CLS" },
  tifTitles: {
    gtc: "Until cancelled",
    day: "Until the end of the day",
    ioc: "Immediate or cancel",
    fok: "Fill or kill",
    opg: "At the opening",
    cls: "At the close",
  },
  tifHints: {
    gtc: "Good till cancelled.",
    day: "Ends with the day: when the market closes, or at midnight if it never does.",
    ioc: "Immediate or cancel: what cannot trade at once is cancelled.",
    fok: "Fill or kill: all of it at once, or none.",
    opg: "Only for the opening auction: what does not trade there is cancelled.",
    cls: "Only for the closing auction: waits for it, and what does not trade there is cancelled.",
  },
  marketTif: "A market order trades at once or not at all.",
  postOnly: "Post-only",
  postOnlyHint: "never trades at once",
  display: "Show at a time",
  all: "All",
  takeProfit: "Then take profit at",
  stopLoss: "or stop the loss at",
  orStop: "Instead, from a stop price on",
  bracket: "bracket",
  pair: "pair",
  cost: "Estimated cost",
  proceeds: "Estimated proceeds",
  average: "Average price",
  atOnce: "Trades at once",
  partOf: (now, all) => `${now} of ${all}`,
  signUp: "Sign up to trade",
  signUpDetail: "It takes a name and a password",
  place: "Place order",
  placing: "Placing…",
  summary: (verb, quantity, symbol, terms) => `${verb} ${quantity} ${symbol}${terms}`,
  trailing: (distance) => `, trailing ${distance}`,
  atMarket: " at market",
  atPrice: (price) => ` at ${price}`,
  fromStop: (price) => ` from ${price}`,
  again: "No answer yet. Asking again; the order cannot be placed twice.",
  unknown: "Nobody answered, so it is not known whether this order was placed. Place it again: it counts once.",
  refusedBefore: (sentence) => `The order before was refused. ${sentence}`,
  accepted: (first, orders) =>
    orders === 1
      ? `Order ${first} is accepted.`
      : `Orders ${first} ${orders === 2 ? "and" : "to"} ${first + orders - 1} are accepted.`,
};

/** What is wrong with an order, or will probably become of it. */
export const CHECKS = {
  tooLarge: "This order is too large.",
  offLot: (symbol, lot) => `${symbol} trades in lots of ${lot}.`,
  offTick: (symbol, tick) => `Prices of ${symbol} are multiples of ${tick}.`,
  displayTooLarge: "Show less than the whole order, or leave it empty.",
  pairAndBracket: "An order is in a pair or in a bracket, not in both.",
  noTrail: "Enter a distance, like 0.50 or 2%.",
  notTrail: "Write a distance like 0.50 or 2%.",
  trailTooLarge: (last) => `Less than the last price, ${last}.`,
  needs: (needed, spendable) => `Needs ${needed}; ${spendable} is available.`,
  canSell: (quantity, symbol) => `You can sell ${quantity} ${symbol}.`,
  nothingOffered: { buy: "Nothing is offered for sale right now.", sell: "Nothing is offered for purchase right now." },
  onlyNow: {
    all: (quantity) => `Only ${quantity} can trade now; all of it would be cancelled.`,
    rest: (quantity) => `Only ${quantity} can trade now; the rest would be cancelled.`,
  },
  triggersNow: (last) => `Triggers at once: the last price is ${last}.`,
  limitBeyondStop: {
    buy: "Below the stop price: it may not trade when it triggers.",
    sell: "Above the stop price: it may not trade when it triggers.",
  },
  postOnlyTrades: "Would trade at once, so post-only would cancel it.",
  far: {
    buy: (percent, price) => `${percent}% above the best ask, ${price}.`,
    sell: (percent, price) => `${percent}% below the best bid, ${price}.`,
  },
};

const WHY = {
  fok: "not all of it could be filled at once",
  expired: "its time was over",
  post_only: "it would have traded at once",
  self_trade: "it would have traded with an order of yours",
  ioc: "no more could be filled at once",
  protection: "the price moved beyond the market's protection",
  no_liquidity: "nothing was offered",
  pair: "the other order of its pair ended, or its entry traded nothing",
  halted: "trading is halted",
  closed: "the market is closed",
  auction: "an auction is collecting orders, and it would have to trade at once",
  auction_over: "the auction that it was for is over",
  volatility: "it would have traded outside the price band",
  disconnected: "your connection was lost",
};

/** What became of an order. */
export const NEWS = {
  why: WHY,
  whyNotReplaced: { halted: WHY.halted, closed: WHY.closed },
  filled: { buy: "Bought", sell: "Sold" },
  fill: (verb, quantity, symbol, price) => `${verb} ${quantity} ${symbol} at ${price}`,
  cancelled: (id, quantity, symbol, why) => `Order ${id}: ${quantity} ${symbol} cancelled${why === undefined ? "" : `, ${why}`}`,
  cancelRefused: (id) => `Order ${id} could not be cancelled: it had ended already`,
  triggered: (id, symbol, price) => `Order ${id}: ${symbol} reached its stop price, ${price}`,
  replaced: (id, quantity, symbol, price) => `Order ${id} changed: ${quantity} ${symbol} open at ${price}`,
  replaceRefused: (id, why = "it had ended, or more was filled") => `Order ${id} could not be changed: ${why}`,
  activated: (id, quantity, symbol) => `Order ${id}: ${quantity} ${symbol}, works now that its entry has ended`,
  decremented: (id, quantity, symbol) => `Order ${id}: ${quantity} ${symbol} taken off, ${WHY.self_trade}`,
  transferred: (what, amount) => `${what} ${amount < 0 ? "left" : "came into"} your account`,
};
