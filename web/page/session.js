// Who is here: a guest, or an account. A session outlives a reload of this tab (sessionStorage holds a token that ends);
// passwords are kept nowhere.

import { RefusedError, Unanswered, guestLogin } from "./link.js";

const KEY = "exchange.session";
const SIGN_UP_MS_MAX = 15_000; // The ledger may be restarting.
const RENEW_EVERY_MS = 60_000;
const RENEW_BEFORE_MS = 600_000;

/** The log-in to begin with: that of this tab's session, or a guest's. */
export function startingLogin(storage) {
  const session = stored(storage);
  return session === null ? guestLogin() : { user: session.account, pass: session.secret };
}

/** Events: "changed" when `account` did; "ended" when the session ran out or was taken back. */
export class Session extends EventTarget {
  /** Name of the account, null for a guest. */
  account;

  #link;
  #storage;

  constructor(link, storage) {
    super();
    this.#link = link;
    this.#storage = storage;
    this.account = stored(storage)?.account ?? null;
    link.addEventListener("ended", () => {
      this.#become(null);
      this.dispatchEvent(new Event("ended"));
    });
    setInterval(() => this.#renew(), RENEW_EVERY_MS);
  }

  /** Opens an account and logs in to it. Throws RefusedError or Unanswered. */
  async signUp(account, password) {
    await this.#link.ask("auth.sign_up", { account, password }, { patience: SIGN_UP_MS_MAX });
    await this.logIn(account, password);
  }

  /** Throws RefusedError when name or password are wrong, Unanswered when nobody could say. */
  async logIn(account, password) {
    await this.#link.logIn({ user: account, pass: password });
    try {
      await this.#token(account);
    } catch (error) {
      // Without a token the tab would need the password again after a reload; that is no reason to stay out.
      if (!(error instanceof Unanswered || error instanceof RefusedError)) throw error;
    }
    this.#become(account);
  }

  /** Becomes a guest again. */
  async logOut() {
    this.#become(null);
    await this.#link.become(guestLogin());
  }

  async #token(account) {
    const session = await this.#link.ask(`api.${account}.session`);
    this.#link.renew(session.secret);
    this.#storage.setItem(KEY, JSON.stringify(session));
  }

  async #renew() {
    const session = stored(this.#storage);
    if (this.account === null || session === null || !session.expires) return;
    if (session.expires / 1e6 - Date.now() > RENEW_BEFORE_MS) return;
    await this.#token(this.account).catch(() => {}); // Asked again in a minute.
  }

  #become(account) {
    if (account === null) this.#storage.removeItem(KEY);
    if (account === this.account) return;
    this.account = account;
    this.dispatchEvent(new Event("changed"));
  }
}

function stored(storage) {
  const text = storage.getItem(KEY);
  if (text === null) return null;
  const session = JSON.parse(text);
  return session.expires && session.expires / 1e6 < Date.now() ? null : session;
}
