// Starts the page: what is known (store.js), what is watched, who trades, and the components that show it.

import { configuration } from "./configuration.js";
import { mountAccountMenu } from "./components/account-menu.js";
import { mountCash } from "./components/cash.js";
import { changeOrder } from "./components/change-order.js";
import { mountChart } from "./components/chart.js";
import { mountConnection } from "./components/connection.js";
import { Dialog } from "./components/dialog.js";
import { explainOrder } from "./components/explain-order.js";
import { FurtherScreens } from "./components/further-screens.js";
import { mountHeadline } from "./components/headline.js";
import { Holdings } from "./components/holdings.js";
import { mountLadder } from "./components/ladder.js";
import { LogIn } from "./components/log-in.js";
import { LogIns } from "./components/log-ins.js";
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
import { formatPrice } from "./money.js";
import { Session, startingLogin } from "./session.js";
import { listenForShortcuts, shortcutsOn, toggleShortcuts } from "./shortcuts.js";
import { Store } from "./store.js";
import { REGIONS, SEARCH, SHORTCUTS } from "./texts.js";
import { restoreTheme } from "./theme.js";
import { Trader } from "./trader.js";
import { Watching, storedInterval } from "./watching.js";

const STAFF_MS = 14_000; // Opening an account hashes a password, and the ledger may be restarting.
const TITLE_MS = 500; // Every change of it goes through the whole browser.

const byId = (id) => document.getElementById(id);

restoreTheme();
for (const [id, name] of Object.entries(REGIONS)) byId(id).setAttribute("aria-label", name);
const font = document.fonts.load("12px Inter").catch(() => {}); // The chart's canvas does not wait for a font by itself.
const market = await configuration(byId("notice"));
const link = new Link(market.websocket, startingLogin(sessionStorage));
link.run(); // Connects while the rest is made.
const session = new Session(link, sessionStorage);
await font;

const store = new Store({
  market,
  link,
  onLine: navigator.onLine,
  stale: false,
  account: session.account,
  login: session.login,
  role: session.role,
  symbols: null,
  symbol: null,
  interval: storedInterval(),
  book: null,
  tape: null,
  status: null,
  statistics: null,
  candles: null,
  portfolio: null,
  fills: [],
  cancelling: new Set(),
  oneClick: false,
});
const { state } = store;
const toast = mountToasts(byId("toasts"));
const watching = new Watching(link, store);
const trader = new Trader({ session, link, store, toast });

// ── Dialogs ──

const dialog = new Dialog(byId("dialog"));
const logIn = new LogIn(byId("log-in"), {
  logIn: (account, password) => session.logIn(account, password),
  signUp: (account, password, invitation) => session.signUp(account, password, invitation),
});
const logIns = new LogIns(byId("log-ins"), session);
const search = new SymbolSearch(byId("search"), { select: trade });
const openDialog = (mode) => logIn.open(mode, market);
const orderActions = {
  select: trade,
  cancel: (order) => trader.cancel(order),
  cancelAll: () => trader.cancelAll(),
  change: (order) => changeOrder(dialog, order, infoOf(order.symbol), (message) => trader.command(message)),
  why: (orderId) => explainOrder(dialog, orderId, () => trader.ask("explain", { order_id: orderId })),
};

// ── Screens ──

const showView = mountViews(byId("views"), () => screens.show("trade"));
const screens = new Screens([byId("screens"), byId("views")], () => store.update({}));
const ticket = new OrderTicket(byId("ticket"), {
  place: (command, doubtful) => trader.command(command, doubtful),
  signUp: () => openDialog("sign-up"),
});
const holdings = new Holdings(byId("holdings"), orderActions);
const tour = new Tour(byId("tour"), { show: showView, signUp: () => openDialog("sign-up") });
const furtherScreens = new FurtherScreens((name) => byId(`${name}-screen`), { of: screenActions(), toast }, () => store.update({}));
const components = [
  mountConnection(byId("connection"), byId("notice"), byId("foot-state")),
  mountSymbols(byId("symbols"), { select: trade }),
  (shown) => search.update(shown),
  mountAccountMenu(byId("account-menu"), { open: openDialog, openLogIns: () => logIns.open(), logOut: () => session.logOut() }),
  mountHeadline(byId("headline")),
  mountChart(byId("chart"), {
    choose: (interval) => watching.chooseInterval(interval),
    older: () => watching.loadOlder(),
    move: (order, price) => trader.move(order, price),
  }),
  mountLadder(byId("ladder"), { pick: pickPrice, toggleOneClick: () => store.update({ oneClick: !state.oneClick }) }),
  mountTape(byId("tape")),
  (shown) => ticket.update(shown),
  mountCash(byId("cash"), { open: openDialog }),
  (shown) => holdings.update(shown),
  (shown) => screens.update(shown),
  (shown) => furtherScreens.update(screens.current, shown),
  (shown) => tour.update(shown),
];

/** What the further screens may do, each its own. */
function screenActions() {
  return {
    account: {
      ...orderActions,
      ask: (question, about) => trader.ask(question, about),
      rules: (wanted) => trader.rules(wanted),
      open: openDialog,
      openLogIns: () => logIns.open(),
    },
    bots: { ask: (verb, about) => trader.ask(`bots.${verb}`, about), toast, open: openDialog },
    market: {
      ask: (verb, question) => link.ask(`admin.${verb}`, question, { patience: STAFF_MS }),
      askAll: (verb) => link.askAll(`admin.${verb}`),
      toast,
      dialog,
    },
  };
}

function infoOf(wanted) {
  return state.symbols?.find(({ symbol }) => symbol === wanted);
}

function showTitle() {
  const info = infoOf(state.symbol);
  const title = info === undefined ? market.title : `${formatPrice(info.last, info.tick)} ${info.symbol} · ${market.title}`;
  if (document.title !== title) document.title = title;
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

/** Shows the ticket, ready for an order of a side. */
function begin(side) {
  screens.show("trade");
  showView("trade");
  ticket.begin(side);
}

function showShortcuts() {
  byId("shortcuts").textContent = shortcutsOn() ? SHORTCUTS.on : SHORTCUTS.off;
}

// ── What is there from the start ──

byId("title").textContent = market.title;
byId("find").setAttribute("aria-label", SEARCH.title);
byId("find").title = SEARCH.open;
byId("find").addEventListener("click", () => search.open());
byId("shortcuts").title = SHORTCUTS.title;
byId("shortcuts").addEventListener("click", () => {
  toggleShortcuts();
  showShortcuts();
});
showShortcuts();
mountThemeButton(byId("theme"));
listenForShortcuts({ "/": () => search.open(), b: () => begin("buy"), s: () => begin("sell") });
link.addEventListener("status", () => store.update({}));
session.addEventListener("changed", () => byId("log-ins").close());
setInterval(showTitle, TITLE_MS);
for (const name of ["online", "offline"]) addEventListener(name, () => store.update({ onLine: navigator.onLine }));
store.showWith((shown) => {
  for (const show of components) show(shown);
});
