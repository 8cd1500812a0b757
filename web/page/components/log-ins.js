// The dialog about one's own log-in: who is logged in, API keys, the password.

import { fromMarkup, part, reconcile, setText } from "../dom.js";
import { CLOSE, LOG_INS, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { formatTime } from "../times.js";

const MARKUP = `
  <div class="log-ins">
    <button type="button" class="icon-button close" aria-label="${CLOSE}">
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
    </button>
    <h2 id="log-ins-title"></h2>
    <section aria-labelledby="log-ins-sessions">
      <header><h3 id="log-ins-sessions">${LOG_INS.sessions}</h3><button type="button" class="link" name="everywhere">${LOG_INS.everywhere}</button></header>
      <ul class="log-in-list" data-list="sessions"></ul>
    </section>
    <section aria-labelledby="log-ins-keys">
      <header><h3 id="log-ins-keys">${LOG_INS.keys}</h3></header>
      <ul class="log-in-list" data-list="keys"></ul>
      <p class="new-key" hidden>${LOG_INS.shownOnce} <code></code></p>
      <form data-form="key" novalidate>
        <input name="name" aria-label="${LOG_INS.keyName}" placeholder="${LOG_INS.keyName}" maxlength="64" autocomplete="off">
        <select name="scopes" aria-label="${LOG_INS.scopes}">
          <option value="read trade">${LOG_INS.readsAndTrades}</option>
          <option value="read">${LOG_INS.reads}</option>
          <option value="trade">${LOG_INS.trades}</option>
        </select>
        <button class="small-button" type="submit">${LOG_INS.make}</button>
      </form>
    </section>
    <section aria-labelledby="log-ins-password">
      <header><h3 id="log-ins-password">${LOG_INS.password}</h3></header>
      <form data-form="password" novalidate>
        <input name="current" type="password" aria-label="${LOG_INS.current}" placeholder="${LOG_INS.currentHint}" autocomplete="current-password">
        <input name="password" type="password" aria-label="${LOG_INS.next}" placeholder="${LOG_INS.nextHint}" autocomplete="new-password">
        <button class="small-button" type="submit">${LOG_INS.change}</button>
      </form>
    </section>
    <p class="message" data-kind="error" aria-live="polite"></p>
  </div>`;
const ROW = '<li><b></b><span></span><button type="button" class="link"></button></li>';

export class LogIns {
  #dialog;
  #session;

  /** @param {HTMLDialogElement} dialog @param {import("../session.js").Session} session */
  constructor(dialog, session) {
    this.#dialog = dialog;
    this.#session = session;
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog) dialog.close(); // The backdrop.
      const { verb, id } = target.dataset;
      if (verb !== undefined) this.#do(verb, verb === "revoke" ? { key: id } : { session: id });
    });
    dialog.addEventListener("close", () => dialog.replaceChildren()); // Neither a key nor a password stays in the page.
  }

  async open() {
    const dialog = this.#dialog;
    dialog.innerHTML = MARKUP;
    part(dialog, ".close").addEventListener("click", () => dialog.close());
    part(dialog, "[name=everywhere]").addEventListener("click", () => this.#do("log_out", {}));
    this.#form("key", async (fields) => {
      const made = await this.#do("key", { name: fields.name.value, scopes: fields.scopes.value.split(" ") });
      if (made !== null && this.#dialog.open) this.#showKey(made.secret);
      return made !== null;
    });
    this.#form("password", async (fields) => {
      const question = { password: fields.password.value, current: fields.current.value, keep: this.#session.id };
      return (await this.#do("password", question)) !== null;
    });
    setText(part(dialog, "h2"), this.#session.login);
    dialog.showModal();
    await this.#refresh();
  }

  #form(name, submit) {
    const form = part(this.#dialog, `[data-form=${name}]`);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await submit(form.elements)) form.reset();
    });
  }

  /** The answer, or null when it is no; then it is said why. */
  async #do(verb, question) {
    this.#say("");
    try {
      const answer = await this.#session.ask(verb, question);
      if (verb !== "show" && this.#dialog.open) await this.#refresh();
      return answer;
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      this.#say(error.name === "Unanswered" ? UNANSWERED : sentence(error));
      return null;
    }
  }

  async #refresh() {
    const state = await this.#do("show");
    if (state === null || !this.#dialog.open) return;
    this.#list("sessions", state.sessions, (one) => ({
      name: one.id === this.#session.id ? LOG_INS.thisOne(one.name) : one.name,
      about: LOG_INS.since(formatTime(one.created), one.address),
      verb: "log_out",
      button: LOG_INS.logOut,
    }));
    this.#list("keys", state.keys, (one) => ({
      name: one.name || one.id,
      about: `${one.scopes.join(" + ")}, ${one.used ? LOG_INS.used(formatTime(one.used)) : LOG_INS.neverUsed}`,
      verb: "revoke",
      button: LOG_INS.revoke,
    }));
  }

  #list(name, items, describe) {
    const create = () => fromMarkup(ROW);
    const update = (row, item) => {
      const { name, about, verb, button } = describe(item);
      setText(part(row, "b"), name);
      setText(part(row, "span"), about);
      setText(part(row, "button"), button);
      Object.assign(part(row, "button").dataset, { verb, id: item.id });
    };
    reconcile(part(this.#dialog, `[data-list=${name}]`), items, ({ id }) => id, create, update);
  }

  #showKey(secret) {
    part(this.#dialog, ".new-key").hidden = false;
    setText(part(this.#dialog, ".new-key code"), secret);
  }

  #say(text) {
    if (this.#dialog.open) setText(part(this.#dialog, ".message"), text); // Logging out everywhere closes it.
  }
}
