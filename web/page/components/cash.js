// Cash and the worth of everything the account has, at last prices. Guests are told how to get some.

import { part, setText } from "../dom.js";
import { formatMoney } from "../money.js";
import { availableCash, sharesWorth, worthOf } from "../portfolio.js";
import { ACCOUNT_MENU, CASH, HOLDINGS } from "../texts.js";

const MARKUP = `
  <header class="panel-title"><h2 id="cash-title">${CASH.title}</h2></header>
  <dl class="amounts">
    <div><dt>${CASH.available}</dt><dd class="number available"></dd></div>
    <div><dt>${CASH.held}</dt><dd class="number held"></dd></div>
    <div><dt>${CASH.shares}</dt><dd class="number shares"></dd></div>
    <div class="sum"><dt>${CASH.total}</dt><dd class="number total"></dd></div>
  </dl>
  <p class="empty" hidden>${HOLDINGS.staff}</p>
  <div class="invitation">
    <p>${CASH.invitation}</p>
    <button type="button" class="primary wide" name="sign-up">${ACCOUNT_MENU.signUp}</button>
    <p class="switch">${CASH.question} <button type="button" class="link" name="log-in">${ACCOUNT_MENU.logIn}</button></p>
  </div>`;

/** @param {HTMLElement} root @param {{ open: (mode: "log-in" | "sign-up") => void }} actions */
export function mountCash(root, { open }) {
  root.innerHTML = MARKUP;
  root.addEventListener("click", ({ target }) => {
    if (target.name) open(target.name);
  });

  return ({ account, login, portfolio, symbols, market }) => {
    part(root, ".amounts").hidden = account === null;
    part(root, ".invitation").hidden = login !== null;
    part(root, ".empty").hidden = login === null || account !== null;
    part(root, "[name=sign-up]").hidden = !market.sign_up;
    setText(part(root, "h2"), login === null ? CASH.guestTitle : CASH.title);
    const known = portfolio !== null && symbols !== null;
    const show = (name, units) => setText(part(root, `.${name}`), known ? formatMoney(units()) : "–");
    show("available", () => availableCash(portfolio));
    show("held", () => portfolio.cash_held);
    show("shares", () => sharesWorth(portfolio, symbols));
    show("total", () => worthOf(portfolio, symbols));
  };
}
