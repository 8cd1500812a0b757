// Who is here: a guest, or a log-in. A session outlives a reload of this tab (sessionStorage holds a token that ends soon
// and is renewed while the page is open); passwords are told to the market once and kept nowhere.

import { RefusedError, Unanswered } from "./answers.js";
import { guestLogin } from "./link.js";

const KEY = "exchange.session";
const PATIENCE_MS = 30_000; // The ledger may be restarting, and passwords may have to wait in line.
const LOOK_EVERY_MS = 60_000;
const RENEW_BEFORE_MS = 45 * 60_000;

/** The log-in to begin with: that of this tab's session, or a guest's. */
export function startingLogin(storage) {
  const session = stored(storage);
  return session === null ? guestLogin() : { user: session.login, pass: session.secret };
}

/** Events: "changed" when `login` did; "ended" when the session ran out or was taken back. */
export class Session extends EventTarget {
  /** Name of the log-in, `alice` or `bert@alice`; null for a guest. */
  login;

  #link;
  #storage;

  constructor(link, storage) {
    super();
    this.#link = link;
    this.#storage = storage;
    this.login = stored(storage)?.login ?? null;
    link.addEventListener("ended", () => {
      this.#become(null);
      this.dispatchEvent(new Event("ended"));
    });
    setInterval(() => this.#renew(), LOOK_EVERY_MS);
  }

  /** "trader", "operator" or "auditor"; null for a guest. */
  get role() {
    return this.login === null ? null : (stored(this.#storage)?.role ?? "trader");
  }

  /** Name of the account that it acts for; null for a guest, and for whoever operates the market. */
  get account() {
    return this.role === "trader" ? this.login.split("@").at(-1) : null;
  }

  /** Id of this tab's session; no secret. */
  get id() {
    return stored(this.#storage)?.id ?? "";
  }

  /** Opens an account and logs in to it. Throws RefusedError or Unanswered. */
  async signUp(account, password, invitation = "") {
    await this.#link.ask(`auth.${this.#link.user}.sign_up`, { account, password, invitation }, { patience: PATIENCE_MS });
    await this.logIn(account, password);
  }

  /** Throws RefusedError when name or password are wrong, Unanswered when nobody could say. */
  async logIn(login, password) {
    const question = { login, password, name: "page" };
    const session = await this.#link.ask(`auth.${this.#link.user}.log_in`, question, { patience: PATIENCE_MS });
    await this.#link.become({ user: login, pass: session.secret }); // It is good; a server too busy to say so is asked again.
    this.#storage.setItem(KEY, JSON.stringify(session));
    this.#become(login);
  }

  /** Becomes a guest again; the session ends. */
  async logOut() {
    const [login, session, guest] = [this.login, this.id, guestLogin()];
    this.#become(null);
    this.#link.connectNextAs(guest); // The market may end the connection before this does.
    try {
      await this.#link.ask(`auth.${login}.log_out`, { session });
    } catch (error) {
      if (!(error instanceof Unanswered || error instanceof RefusedError)) throw error; // Then it ends by itself, soon.
    }
    await this.#link.become(guest);
  }

  /** Asks about this log-in, or changes it: `show`, `key`, `revoke`, `password`, `log_out`. Throws as `Link.ask`. */
  ask(verb, question) {
    return this.#link.ask(`auth.${this.login}.${verb}`, question, { patience: PATIENCE_MS });
  }

  async #renew() {
    const session = stored(this.#storage);
    if (this.login === null || session === null) return;
    if (session.expires / 1e6 - Date.now() > RENEW_BEFORE_MS) return;
    try {
      const { expires } = await this.ask("renew", { session: session.id });
      this.#storage.setItem(KEY, JSON.stringify({ ...session, expires }));
    } catch (error) {
      if (!(error instanceof Unanswered || error instanceof RefusedError)) throw error; // Asked again in a minute.
    }
  }

  #become(login) {
    if (login === null) this.#storage.removeItem(KEY);
    if (login === this.login) return;
    this.login = login;
    this.dispatchEvent(new Event("changed"));
  }
}

function stored(storage) {
  const text = storage.getItem(KEY);
  if (text === null) return null;
  const session = JSON.parse(text);
  return session.login === undefined || session.expires / 1e6 < Date.now() ? null : session;
}
