// Cash and the worth of everything the account has, at last prices. Guests are told how to get some.

import { part, setText } from "../dom.js";
import { formatMoney } from "../money.js";
import { availableCash } from "../portfolio.js";

const MARKUP = `
  <header class="panel-title"><h2 id="cash-title">Balance</h2></header>
  <dl class="amounts">
    <div><dt>Available</dt><dd class="number available"></dd></div>
    <div><dt>Held for orders</dt><dd class="number held"></dd></div>
    <div><dt>Shares at last price</dt><dd class="number shares"></dd></div>
    <div class="sum"><dt>Total</dt><dd class="number total"></dd></div>
  </dl>
  <div class="invitation">
    <p>Everything on this screen is live. Open an account and trade along: you start with play money and a few shares.</p>
    <button type="button" class="primary wide" name="sign-up">Sign up</button>
    <p class="switch">You have an account? <button type="button" class="link" name="log-in">Log in</button></p>
  </div>`;

/** @param {HTMLElement} root @param {{ open: (mode: "log-in" | "sign-up") => void }} actions */
export function mountCash(root, { open }) {
  root.innerHTML = MARKUP;
  root.addEventListener("click", ({ target }) => {
    if (target.name) open(target.name);
  });

  return ({ account, portfolio, symbols, market }) => {
    part(root, ".amounts").hidden = account === null;
    part(root, ".invitation").hidden = account !== null;
    part(root, "[name=sign-up]").hidden = !market.sign_up;
    setText(part(root, "h2"), account === null ? "Join in" : "Balance");
    const known = portfolio !== null && symbols !== null;
    const show = (name, units) => setText(part(root, `.${name}`), known ? formatMoney(units()) : "–");
    const worth = () =>
      portfolio.positions.reduce((sum, position) => {
        const last = symbols.find(({ symbol }) => symbol === position.symbol)?.last ?? position.price;
        return sum + last * position.quantity;
      }, 0);
    show("available", () => availableCash(portfolio));
    show("held", () => portfolio.cash_held);
    show("shares", worth);
    show("total", () => portfolio.cash + worth());
  };
}
