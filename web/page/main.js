// Starts the page: one state, the feeds that change it, and the components that show it, at most once a frame.

import { Account } from "./account.js";
import { CandlesFollower } from "./candle-feed.js";
import { INTERVALS } from "./candles.js";
import { replaceOf } from "./command.js";
import { mountAccountMenu } from "./components/account-menu.js";
import { AccountScreen } from "./components/account-screen.js";
import { BotsScreen } from "./components/bots-screen.js";
import { mountCash } from "./components/cash.js";
import { mountChart } from "./components/chart.js";
import { changeOrder } from "./components/change-order.js";
import { mountConnection } from "./components/connection.js";
import { Dialog } from "./components/dialog.js";
import { explainOrder } from "./components/explain-order.js";
import { mountHeadline } from "./components/headline.js";
import { Holdings } from "./components/holdings.js";
import { mountLadder } from "./components/ladder.js";
import { LogIn } from "./components/log-in.js";
import { LogIns } from "./components/log-ins.js";
import { MarketScreen } from "./components/market-screen.js";
import { OrderTicket } from "./components/order-ticket.js";
import { Screens } from "./components/screens.js";
import { SymbolSearch } from "./components/symbol-search.js";
import { mountSymbols } from "./components/symbols.js";
import { mountTape } from "./components/tape.js";
import { mountThemeButton } from "./components/theme-button.js";
import { mountToasts } from "./components/toasts.js";
import { Tour } from "./components/tour.js";
import { mountViews } from "./components/views.js";
import { Link } from "./link.js";
import { followBook, followStatistics, followStatus, followSymbols, followTape, watchClock } from "./market.js";
import { formatPrice } from "./money.js";
import { newsOf } from "./news.js";
import { Session, startingLogin } from "./session.js";
import { listenForShortcuts, shortcutsOn, toggleShortcuts } from "./shortcuts.js";
import { PAGE, REGIONS, SEARCH, SHORTCUTS } from "./texts.js";
import { restoreTheme } from "./theme.js";
import { sentence } from "./ticket.js";

const INTERVAL_KEY = "exchange.interval";
const INTERVAL_FIRST = "10s";
const CONFIGURATION_MS = 1_000;
const STAFF_MS = 14_000; // Opening an account hashes a password, and the ledger may be restarting.

const byId = (id) => document.getElementById(id);

restoreTheme();
for (const [id, name] of Object.entries(REGIONS)) byId(id).setAttribute("aria-label", name);
const market = await configuration();
await document.fonts.load("12px Inter").catch(() => {}); // The chart's canvas does not wait for a font by itself.

const link = new Link(market.websocket, startingLogin(sessionStorage));
const session = new Session(link, sessionStorage);

const state = {
  market,
  link,
  onLine: navigator.onLine,
  stale: false,
  account: session.account,
  login: session.login,
  role: session.role,
  symbols: null,
  symbol: null,
  interval: chosenInterval(),
  book: null,
  tape: null,
  status: null,
  statistics: null,
  candles: null,
  portfolio: null,
  fills: [],
  cancelling: new Set(),
  oneClick: false,
};

/** What the page must know before it can connect; asked for until there is an answer. */
async function configuration() {
  for (;;) {
    try {
      const found = await fetch("config.json").then((response) => response.json());
      byId("notice").hidden = true;
      return found;
    } catch {
      byId("notice").textContent = PAGE.noServer;
      byId("notice").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, CONFIGURATION_MS));
    }
  }
}

// ── Components ──

const toast = mountToasts(byId("toasts"));
const showView = mountViews(byId("views"), () => screens.show("trade"));
const screens = new Screens([byId("screens"), byId("views")], () => update({}));
const dialog = new Dialog(byId("dialog"));
const logIn = new LogIn(byId("log-in"), {
  logIn: (account, password) => session.logIn(account, password),
  signUp: (account, password, invitation) => session.signUp(account, password, invitation),
});
const logIns = new LogIns(byId("log-ins"), session);
const openDialog = (mode) => logIn.open(mode, market);
const ticket = new OrderTicket(byId("ticket"), {
  place: (command, doubtful) => account.command(command, doubtful),
  signUp: () => openDialog("sign-up"),
});
const orderActions = { cancel, cancelAll, select: trade, change, why };
const holdings = new Holdings(byId("holdings"), orderActions);
const search = new SymbolSearch(byId("search"), { select: trade });
mountThemeButton(byId("theme"));
const tour = new Tour(byId("tour"), { show: showView, signUp: () => openDialog("sign-up") });
const components = [
  mountConnection(byId("connection"), byId("notice"), byId("foot-state")),
  mountSymbols(byId("symbols"), { select }),
  (shown) => search.update(shown),
  mountAccountMenu(byId("account-menu"), {
    open: openDialog,
    openLogIns: () => logIns.open(),
    logOut: () => session.logOut(),
  }),
  mountHeadline(byId("headline")),
  mountChart(byId("chart"), { choose: chooseInterval, older: () => candles?.loadOlder(), move }),
  mountLadder(byId("ladder"), { pick: pickPrice, toggleOneClick: () => update({ oneClick: !state.oneClick }) }),
  mountTape(byId("tape")),
  (shown) => ticket.update(shown),
  mountCash(byId("cash"), { open: openDialog }),
  (shown) => holdings.update(shown),
  (shown) => screens.update(shown),
  (shown) => showScreens(shown),
  (shown) => tour.update(shown),
];
const staffActions = { ask: (verb, question) => link.ask(`admin.${verb}`, question, { patience: STAFF_MS }), askAll: (verb) => link.askAll(`admin.${verb}`), public: (question, about) => link.ask(`public.${question}`, about), link, toast, dialog };
const makeScreen = {
  account: (root) =>
    new AccountScreen(root, {
      ...orderActions,
      ask: (question, about) => account.ask(question, about),
      rules: (wanted) => link.ask(`orders.${session.account}.rules`, wanted),
      open: openDialog,
      openLogIns: () => logIns.open(),
    }),
  bots: (root) => new BotsScreen(root, { ask: (verb, about) => account.ask(`bots.${verb}`, about), toast, open: openDialog }),
  market: (root) => new MarketScreen(root, staffActions),
};
const madeScreens = new Map();
byId("title").textContent = market.title;
byId("find").setAttribute("aria-label", SEARCH.title);
byId("find").title = SEARCH.open;
byId("find").addEventListener("click", () => search.open());

/** Shows the ticket, ready for an order of a side. */
function begin(side) {
  screens.show("trade");
  showView("trade");
  ticket.begin(side);
}

listenForShortcuts({ "/": () => search.open(), b: () => begin("buy"), s: () => begin("sell") });
byId("shortcuts").title = SHORTCUTS.title;
byId("shortcuts").addEventListener("click", () => {
  toggleShortcuts();
  showShortcuts();
});
showShortcuts();

function showShortcuts() {
  byId("shortcuts").textContent = shortcutsOn() ? SHORTCUTS.on : SHORTCUTS.off;
}

let drawing = false;

/** Changes the state; everything is shown anew with the next frame. */
function update(patch) {
  Object.assign(state, patch);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    for (const show of components) show(state);
    showTitle();
  });
}

/** A screen is made when it is shown first. Only the one that is shown is kept up to date; the others are told that they are not. */
function showScreens(shown) {
  const { current } = screens;
  if (current in makeScreen && !madeScreens.has(current)) madeScreens.set(current, makeScreen[current](byId(`${current}-screen`)));
  for (const [name, screen] of madeScreens) screen.update(name === current ? shown : null);
}

function showTitle() {
  const info = state.symbols?.find(({ symbol }) => symbol === state.symbol);
  const title = info === undefined ? market.title : `${formatPrice(info.last, info.tick)} ${info.symbol} · ${market.title}`;
  if (document.title !== title) document.title = title;
}

// ── What is public ──

let feeds = [];
let candles = null;

function select(symbol) {
  if (symbol === state.symbol) return;
  for (const feed of feeds) feed.stop();
  update({ symbol, book: null, tape: null, status: null, statistics: null });
  if (screens.current === "trade") history.replaceState(null, "", `#${symbol}`);
  feeds = [
    followBook(link, symbol, (book) => update({ book })),
    followTape(link, symbol, (tape) => update({ tape })),
    followStatus(link, symbol, (status) => update({ status })),
    followStatistics(link, symbol, (statistics) => update({ statistics })),
  ];
  followCandles();
}

function followCandles() {
  candles?.stop();
  update({ candles: null });
  candles = new CandlesFollower(link, state.symbol, state.interval, (list) => update({ candles: list }));
}

function chooseInterval(interval) {
  if (interval === state.interval) return;
  localStorage.setItem(INTERVAL_KEY, interval);
  update({ interval });
  if (state.symbol !== null) followCandles();
}

function chosenInterval() {
  const chosen = localStorage.getItem(INTERVAL_KEY);
  return chosen in INTERVALS ? chosen : INTERVAL_FIRST;
}

/** Shows a symbol, to be traded: the address says which, and that it is the trading screen. */
function trade(symbol) {
  location.hash = symbol;
}

function pickPrice(price) {
  if (state.oneClick && state.account !== null) return ticket.placeAt(price);
  ticket.setPrice(price);
  showView("trade");
}

watchClock(link, (stale) => update({ stale }));
followSymbols(link, (symbols) => {
  update({ symbols });
  if (state.symbol === null && symbols.length > 0) select(wantedSymbol() ?? symbols[0].symbol);
});
addEventListener("hashchange", () => select(wantedSymbol() ?? state.symbol));

/** The symbol in the page's address, if there is such a symbol. */
function wantedSymbol() {
  const wanted = location.hash.slice(1);
  return state.symbols?.some(({ symbol }) => symbol === wanted) ? wanted : undefined;
}

// ── The account ──

let account = null;

function followAccount() {
  account?.stop();
  account = null;
  const { account: name, login, role } = session;
  update({ account: name, login, role, portfolio: null, fills: [], cancelling: new Set() });
  if (session.account === null) return;
  account = new Account(link, session.account, ({ report, ...patch }) => {
    if (report === undefined) return update(patch);
    const order = state.portfolio?.orders.find(({ order_id }) => order_id === report.order_id);
    const news = newsOf(report, state.symbols ?? [], order);
    if (news !== null) toast(news.text, news.kind);
  });
}

async function cancel(order) {
  await command({ type: "cancel", order_id: order.order_id }, [order.order_id]);
}

async function cancelAll() {
  const ids = state.portfolio?.orders.map(({ order_id }) => order_id) ?? [];
  if (ids.length > 0) await command({ type: "cancelall" }, ids);
}

function change(order) {
  const info = state.symbols.find(({ symbol }) => symbol === order.symbol);
  changeOrder(dialog, order, info, (message) => account.command(message));
}

function why(orderId) {
  explainOrder(dialog, orderId, () => account.ask("explain", { order_id: orderId }));
}

/** Moves an open order to another price; the report of it says what became of that. */
async function move(order, price) {
  await send(replaceOf(order, price), PAGE.moveUnanswered);
}

async function command(message, orderIds) {
  update({ cancelling: new Set([...state.cancelling, ...orderIds]) });
  await send(message, PAGE.cancelUnanswered);
  update({ cancelling: new Set([...state.cancelling].filter((id) => !orderIds.includes(id))) });
}

/** Sends a command about open orders, and says what was refused, or that nobody answered. */
async function send(message, unanswered) {
  try {
    const answer = await account.command(message);
    if (answer.type === "refused") toast(sentence(answer), "bad");
  } catch (error) {
    if (error.name !== "OutcomeUnknown" && error.name !== "RefusedError") throw error;
    toast(error.name === "RefusedError" ? sentence(error) : unanswered, "bad");
  }
}

session.addEventListener("changed", followAccount);
session.addEventListener("changed", () => byId("log-ins").close());
session.addEventListener("ended", () => toast(PAGE.ended, "bad"));

// ── The connection ──

link.addEventListener("status", () => update({}));
for (const name of ["online", "offline"]) addEventListener(name, () => update({ onLine: navigator.onLine }));

followAccount();
update({});
await link.run();
