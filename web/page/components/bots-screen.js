// One's bots: the list, one of them in detail, and the editor for a new one.

import { part, setAttribute, setText } from "../dom.js";
import { formatSigned } from "../money.js";
import { Poll } from "../poll.js";
import { BOTS, BOT_EDITOR, LOADING, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { formatTime } from "../times.js";
import { BotDetail } from "./bot-detail.js";
import { BotEditor } from "./bot-editor.js";
import { directionOf } from "./symbols.js";
import { Table } from "./table.js";

const LOOK_MS = 2_000;

const MARKUP = `
  <section class="panel bot-list" aria-labelledby="bots-title">
    <header class="panel-title"><h1 id="bots-title">${BOTS.title}</h1><button type="button" class="primary" name="make">${BOTS.make}</button></header>
    <div class="scrolls"></div>
  </section>
  <section class="panel bot-side" aria-label="${BOTS.side}">
    <p class="empty none"></p>
    <div class="bot-detail" hidden></div>
    <div class="bot-editor" hidden></div>
  </section>`;

export class BotsScreen {
  #root;
  #actions;
  #table;
  #detail;
  #editor = null; // Made when it is opened first.
  #list;
  #show;
  #bots = null;
  #chosen = null; // The name of the bot that is shown in detail.
  #shown = null; // The answer about it.
  #editing = false;
  #stopping = new Set();
  #state = null;
  #account = null;
  #login; // Not known before the first update.
  #isShown = false;

  /**
   * @param {HTMLElement} root
   * @param {{ ask: (verb: string, question?: object) => Promise<object>, toast: Function, open: Function }} actions
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#table = new Table(part(root, ".scrolls"), BOTS.columns);
    this.#detail = new BotDetail(part(root, ".bot-detail"), { stop: () => this.#stop(), edit: () => this.#edit() });
    part(root, "[name=make]").addEventListener("click", () => this.#make());
    part(root, ".scrolls").addEventListener("click", ({ target }) => {
      const row = target.closest("tr[data-key]");
      if (row !== null) this.#choose(row.dataset.key);
    });
    this.#list = new Poll(() => actions.ask("list"), LOOK_MS, (bots, error) => this.#told(bots, error));
    this.#show = new Poll(() => actions.ask("show", { name: this.#chosen }), LOOK_MS, (detail, error) => this.#toldOfOne(detail, error));
  }

  /** While the screen is shown; null when it is no more. What is being written stays. */
  update(state) {
    const isShown = state !== null;
    const isOther = isShown && state.login !== this.#login;
    if (isShown) this.#state = state;
    if (isOther) this.#begin(state);
    if (isShown === this.#isShown && !isOther) return;
    this.#isShown = isShown;
    this.#list.stop();
    this.#show.stop();
    if (!isShown || this.#account === null) return;
    this.#list.start();
    if (this.#chosen !== null && !this.#editing) this.#show.start();
  }

  #begin({ account, login }) {
    this.#login = login;
    this.#account = account;
    this.#bots = this.#chosen = this.#shown = null;
    this.#editing = false;
    this.#render();
  }

  #told(bots, error) {
    if (bots !== null) this.#bots = bots;
    this.#render(error);
    if (bots?.length > 0 && this.#chosen === null && !this.#editing) this.#choose(bots[0].name);
  }

  #toldOfOne(detail, error) {
    if (error?.name === "RefusedError") return this.#choose(null); // It was stopped elsewhere.
    if (detail !== null) this.#shown = detail;
    this.#render();
  }

  #choose(name) {
    this.#editing = false;
    if (name !== this.#chosen) this.#shown = null;
    this.#chosen = name;
    if (name === null) this.#show.stop();
    else this.#show.start();
    this.#render();
  }

  #make() {
    if (this.#account === null) return this.#actions.open("sign-up");
    this.#open({});
  }

  #edit() {
    if (this.#shown !== null) this.#open({ name: this.#shown.info.name, text: this.#shown.text });
  }

  #open(bot) {
    const { symbols, symbol } = this.#state;
    if (symbols === null) return;
    this.#editing = true;
    this.#show.stop();
    this.#render();
    this.#editor ??= new BotEditor(part(this.#root, ".bot-editor"), {
      ask: this.#actions.ask,
      started: (info) => this.#started(info),
      cancel: () => this.#choose(this.#chosen),
    });
    this.#editor.open({ symbols, symbol, ...bot });
  }

  #started(info) {
    this.#actions.toast(BOT_EDITOR.started(info.name));
    this.#choose(info.name);
    this.#list.start();
  }

  async #stop() {
    const name = this.#chosen;
    this.#stopping.add(name);
    this.#render();
    try {
      await this.#actions.ask("stop", { name });
      this.#actions.toast(BOTS.stopped(name));
      this.#bots = this.#bots.filter((bot) => bot.name !== name);
      if (this.#chosen === name) this.#choose(this.#bots[0]?.name ?? null);
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      this.#actions.toast(error.name === "Unanswered" ? UNANSWERED : sentence(error), "bad");
    } finally {
      this.#stopping.delete(name);
      this.#list.start();
      this.#render();
    }
  }

  #render(error = null) {
    const root = this.#root;
    const { account, role } = this.#state ?? {};
    const forNone = account !== null ? BOTS.empty : role ? BOTS.staff : BOTS.guest;
    const waiting = error === null ? LOADING : UNANSWERED;
    this.#table.show(account === null ? [] : (this.#bots?.map(rowOf) ?? null), account !== null && this.#bots === null ? waiting : forNone);
    for (const row of root.querySelectorAll(".bot-list tr[data-key]")) setAttribute(row, "data-chosen", row.dataset.key === this.#chosen && !this.#editing ? "" : null);
    const detailed = !this.#editing && this.#shown !== null;
    part(root, "[name=make]").hidden = account === null && Boolean(role);
    part(root, ".bot-editor").hidden = !this.#editing;
    part(root, ".bot-detail").hidden = !detailed;
    part(root, ".none").hidden = this.#editing || detailed;
    setText(part(root, ".none"), this.#chosen === null ? `${BOTS.lead} ${account ? BOTS.none : ""}` : LOADING);
    if (detailed) this.#detail.show(this.#shown, this.#stopping.has(this.#chosen));
  }
}

function rowOf({ name, symbol, strategy, status, orders, profit, started }) {
  return {
    key: name,
    cells: [name, symbol, strategy || BOTS.rules, BOTS.statuses[status], String(orders), formatSigned(profit), formatTime(started)],
    directions: { 5: directionOf(profit) },
  };
}
