// The order ticket: holds the draft, places it, and says what became of it. What it looks like: ticket-view.js.
// What is typed stands in the form's fields, what is chosen by a button in #draft.

import { best } from "../book.js";
import { commandOf } from "../command.js";
import { part } from "../dom.js";
import { largePercent, leftAfter } from "../estimate.js";
import { parsePrice, parseQuantity, plainPrice } from "../money.js";
import { hasLimit } from "../terms.js";
import { TICKET } from "../texts.js";
import { check, fieldOf, sentence, shareOf } from "../ticket.js";
import { TYPED } from "./ticket-markup.js";
import { buildTicket, showTicket } from "./ticket-view.js";

const STEPPED = ["price", "stop", "protection", "quantity"];
const STEPS_AT_ONCE = 10; // With Shift.
const ABOUT_A_SYMBOL = ["stop", "protection", "takeProfit", "stopLoss", "stopLossLimit", "orStop"];
const EXPIRES_FIRST_MS = 7 * 24 * 3_600_000;

export class OrderTicket {
  #root;
  #form;
  #actions;
  #state = null;
  #seen = [null]; // What of it the ticket was last shown with.
  #draft = { side: "buy", kind: "limit", tif: "gtc" };
  #priced = null; // The symbol that the price in the form stands for.
  #submitted = false; // Whether what is missing is said too, and not only what is wrong.
  #confirming = 0; // Percent of the account's worth that a large order is about, which waits to be confirmed.
  #sending = false;
  #refusal = null; // Of the last order, until the draft changes.
  #told = "";
  #clientOrderId = null; // Of an order whose outcome is unknown: sent again with it, the order is not placed twice.

  /**
   * @param {HTMLElement} root
   * @param {{ place: Function, signUp: () => void }} actions `place(command, doubtful)` resolves with the market's answer
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    this.#form = buildTicket(root);
    this.#form.addEventListener("click", (event) => this.#click(event.target.closest("button")));
    this.#form.addEventListener("keydown", (event) => this.#key(event));
    this.#form.addEventListener("input", () => {
      this.#edited();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#state.login === null) this.#actions.signUp();
      else if (this.#state.account !== null && !this.#sending && this.#info !== undefined) this.#submit();
    });
  }

  update(state) {
    this.#state = state;
    const info = this.#info;
    const seen = [info, state.symbol, state.book, state.portfolio, state.status, state.account, state.login, state.link.status];
    if (seen.every((part, index) => part === this.#seen[index])) return;
    this.#seen = seen;
    if (info !== undefined && this.#priced !== info.symbol) {
      this.#priced = info.symbol;
      this.#field("price").value = plainPrice(info.last, info.tick);
      for (const name of ABOUT_A_SYMBOL) this.#field(name).value = "";
      this.#forget();
    }
    this.#render();
  }

  /** Puts this price where the kind of order has one; a market order becomes a limit order. */
  setPrice(price) {
    if (!hasLimit(this.#draft.kind) && this.#draft.kind !== "stop") this.#draft.kind = "limit";
    this.#field(this.#draft.kind === "stop" ? "stop" : "price").value = plainPrice(price, this.#info.tick);
    this.#edited();
  }

  /** Places a limit order at this price at once, with what else stands in the ticket; a large one has to be confirmed. */
  placeAt(price) {
    if (this.#sending || this.#info === undefined) return;
    this.#draft.kind = "limit";
    this.setPrice(price);
    this.#form.requestSubmit();
  }

  /** Ready to type an order of this side. */
  begin(side) {
    this.#draft.side = side;
    this.#edited();
    this.#field("quantity").select();
  }

  get #info() {
    return this.#state?.symbols?.find((info) => info.symbol === this.#state.symbol);
  }

  get #current() {
    const typed = Object.fromEntries(TYPED.map((name) => [name, this.#field(name).value]));
    return { ...this.#draft, ...typed, postOnly: this.#field("postOnly").checked };
  }

  get #context() {
    const { book, portfolio, status } = this.#state;
    return { info: this.#info, book, portfolio, status };
  }

  #field(name) {
    return this.#form.elements.namedItem(name);
  }

  #click(button) {
    if (button === null || button.type === "submit" || this.#info === undefined) return;
    const { name, value } = button;
    if (name === "step") this.#step(value.slice(0, -1), value.endsWith("+") ? 1 : -1);
    else if (name === "bid" || name === "ask") this.setPrice(best(this.#state.book)[name]);
    else if (name === "percent") {
      this.#field("quantity").value = String(shareOf(Number(value), this.#current, this.#context) || "");
      this.#edited();
    } else {
      this.#draft[name] = value; // The side, the kind of order, or its time in force.
      if (value === "gtd" && this.#field("expires").value === "") this.#field("expires").value = inSomeDays();
      this.#edited();
    }
  }

  #key(event) {
    if (event.key === "Enter" && event.repeat) return event.preventDefault(); // Held down, it would confirm as well.
    if (event.key === "Escape" && this.#confirming > 0) return this.#edited();
    const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (sign === undefined || !STEPPED.includes(event.target.name) || this.#info === undefined) return;
    event.preventDefault();
    this.#step(event.target.name, sign * (event.shiftKey ? STEPS_AT_ONCE : 1));
  }

  /** So many ticks, or lots, up or down; a stop price begins at the last price. */
  #step(name, steps) {
    const { tick, lot, last } = this.#info;
    const size = name === "quantity" ? lot : tick;
    const typed = this.#field(name).value;
    const value = (name === "quantity" ? parseQuantity(typed).quantity : parsePrice(typed).units) ?? (name === "quantity" ? 0 : last);
    const next = Math.max(size, value - (value % size) + steps * size);
    this.#field(name).value = name === "quantity" ? String(next) : plainPrice(next, tick);
    this.#edited();
  }

  #edited() {
    this.#forget();
    this.#render();
  }

  #forget() {
    this.#refusal = this.#clientOrderId = null;
    this.#told = "";
    this.#submitted = false;
    this.#confirming = 0;
  }

  async #submit() {
    const checked = check(this.#current, this.#context);
    const wrong = Object.keys(checked.errors)[0];
    this.#submitted = true;
    this.#refusal = null;
    this.#told = "";
    const confirmed = this.#confirming > 0;
    this.#confirming = wrong !== undefined || confirmed ? 0 : this.#toConfirm(checked);
    this.#sending = wrong === undefined && this.#confirming === 0;
    this.#render();
    if (wrong !== undefined) return this.#show(wrong);
    if (!this.#sending) return part(this.#form, ".place").focus();
    this.#clientOrderId ??= crypto.randomUUID();
    const command = commandOf(this.#current, checked, this.#state.symbol, this.#clientOrderId);
    await this.#send(command, this.#clientOrderId);
    this.#sending = false;
    this.#render();
    const field = this.#refusal === null ? "form" : fieldOf(this.#refusal);
    if (field !== "form") this.#show(field);
  }

  /** An order that the market would refuse for lack of means is not worth a question. */
  #toConfirm({ estimate }) {
    const { portfolio, symbols, symbol } = this.#state;
    const left = leftAfter(this.#draft.side, estimate, portfolio, symbol);
    return left === null || left < 0 ? 0 : largePercent(estimate, portfolio, symbols);
  }

  #show(name) {
    const field = part(this.#form, `[data-field=${name}] [name=${name}]`);
    const details = field.closest("details");
    if (details !== null) details.open = true;
    field.focus();
  }

  async #send(command, clientOrderId) {
    try {
      const answer = await this.#actions.place(command, () => {
        this.#told = TICKET.again;
        this.#render();
      });
      const edited = this.#clientOrderId !== clientOrderId; // Then the form is about another order already.
      if (!edited) this.#forget();
      if (answer.type !== "refused") this.#told = TICKET.accepted(answer.order_id, answer.orders ?? 1);
      else if (edited) this.#told = TICKET.refusedBefore(sentence(answer));
      else this.#refusal = answer;
    } catch (error) {
      if (error.name === "RefusedError") this.#refusal = error;
      else if (error.name !== "OutcomeUnknown") throw error;
      else this.#told = TICKET.unknown;
    }
  }

  #render() {
    const info = this.#info;
    showTicket(this.#root, {
      state: this.#state,
      info,
      draft: this.#current,
      checked: info === undefined ? null : check(this.#current, this.#context),
      refusal: this.#refusal,
      told: this.#told,
      submitted: this.#submitted,
      sending: this.#sending,
      confirming: this.#confirming,
    });
  }
}

/** A moment in some days as a form's field has it. */
function inSomeDays() {
  const date = new Date(Date.now() + EXPIRES_FIRST_MS);
  date.setMinutes(date.getMinutes() - date.getTimezoneOffset(), 0, 0); // What toISOString then says is the time here.
  return date.toISOString().slice(0, 16);
}
