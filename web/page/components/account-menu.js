// Who is here, and the way in and out.

import { part, setAttribute, setText } from "../dom.js";
import { ACCOUNT_MENU } from "../texts.js";

const MARKUP = `
  <button type="button" class="ghost" name="log-in">${ACCOUNT_MENU.logIn}</button>
  <button type="button" class="primary" name="sign-up">${ACCOUNT_MENU.signUp}</button>
  <button type="button" class="who" name="log-ins" title="${ACCOUNT_MENU.logIns}"><i aria-hidden="true"></i><b></b></button>
  <button type="button" class="ghost" name="log-out">${ACCOUNT_MENU.logOut}</button>`;

/** @param {HTMLElement} root @param {{ open: (mode: "log-in" | "sign-up") => void, logOut: () => void }} actions */
export function mountAccountMenu(root, { open, openLogIns, logOut }) {
  root.innerHTML = MARKUP;
  root.addEventListener("click", ({ target }) => {
    const name = target.closest("button")?.name;
    if (name === "log-out") logOut();
    else if (name === "log-ins") openLogIns();
    else if (name !== undefined) open(name);
  });

  return ({ account, login, market }) => {
    setAttribute(root, "data-account", account);
    part(root, "[name=log-in]").hidden = login !== null;
    part(root, "[name=sign-up]").hidden = login !== null || !market.sign_up;
    part(root, ".who").hidden = part(root, "[name=log-out]").hidden = login === null;
    setText(part(root, ".who b"), login ?? "");
    setText(part(root, ".who i"), login?.[0].toUpperCase() ?? "");
  };
}
