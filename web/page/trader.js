// Who trades here, if anybody does: the log-in's account is followed, and what is done with its orders is sent, with a word about
// what was refused, or was not answered.

import { Account } from "./account.js";
import { RefusedError } from "./answers.js";
import { replaceOf } from "./command.js";
import { newsOf } from "./news.js";
import { PAGE } from "./texts.js";
import { sentence } from "./ticket.js";

export class Trader {
  #session;
  #link;
  #store;
  #toast;
  #account = null;

  /** @param {{ session: object, link: object, store: object, toast: (text: string, kind?: string) => void }} parts */
  constructor({ session, link, store, toast }) {
    this.#session = session;
    this.#link = link;
    this.#store = store;
    this.#toast = toast;
    session.addEventListener("changed", () => this.#follow());
    session.addEventListener("ended", () => toast(PAGE.ended, "bad"));
    this.#follow();
  }

  /** Asks api.<account>.<question>. Throws as `Link.ask`, and RefusedError when nobody is logged in any more. */
  async ask(question, about) {
    return this.#known.ask(question, about);
  }

  /** Asks about the account's rules, or changes them. Throws as `ask`. */
  async rules(wanted) {
    return this.#known.rules(wanted);
  }

  /** Sends a command until it is answered; see delivery.js. Throws RefusedError when nobody is logged in any more. */
  async command(message, doubtful) {
    return this.#known.command(message, doubtful);
  }

  async cancel(order) {
    await this.#end({ type: "cancel", order_id: order.order_id }, [order.order_id]);
  }

  async cancelAll() {
    const ids = this.#store.state.portfolio?.orders.map(({ order_id }) => order_id) ?? [];
    if (ids.length > 0) await this.#end({ type: "cancelall" }, ids);
  }

  /** Moves an open order to another price; the report of it says what became of that. */
  async move(order, price) {
    await this.#send(replaceOf(order, price), PAGE.moveUnanswered);
  }

  /** The session may have ended since a button was shown, or a dialog opened. */
  get #known() {
    if (this.#account === null) throw new RefusedError({ reason: "log_in", detail: PAGE.ended });
    return this.#account;
  }

  #follow() {
    this.#account?.stop();
    const { account, login, role } = this.#session;
    this.#store.update({ account, login, role, portfolio: null, fills: [], cancelling: new Set() });
    this.#account = account === null ? null : new Account(this.#link, account, (news) => this.#hear(news));
  }

  #hear({ report, ...patch }) {
    if (report === undefined) return this.#store.update(patch);
    const { portfolio, symbols } = this.#store.state;
    const order = portfolio?.orders.find(({ order_id }) => order_id === report.order_id);
    const news = newsOf(report, symbols ?? [], order);
    if (news !== null) this.#toast(news.text, news.kind);
  }

  async #end(message, ids) {
    this.#cancelling((known) => [...known, ...ids]);
    await this.#send(message, PAGE.cancelUnanswered);
    this.#cancelling((known) => known.filter((id) => !ids.includes(id)));
  }

  #cancelling(change) {
    this.#store.update({ cancelling: new Set(change([...this.#store.state.cancelling])) });
  }

  async #send(message, unanswered) {
    try {
      const answer = await this.command(message);
      if (answer.type === "refused") this.#toast(sentence(answer), "bad");
    } catch (error) {
      if (error.name !== "OutcomeUnknown" && error.name !== "RefusedError") throw error;
      this.#toast(error.name === "RefusedError" ? sentence(error) : unanswered, "bad");
    }
  }
}
