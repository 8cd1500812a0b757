// How every worker is, how far it is in the logs, and what it complained about last.

import { part, reconcile, setAttribute, setText } from "../dom.js";
import { complaintsOf, rowsOf } from "../health.js";
import { formatQuantity } from "../money.js";
import { Poll } from "../poll.js";
import { HEALTH, LOADING, UNANSWERED } from "../texts.js";
import { formatTime } from "../times.js";
import { Table } from "./table.js";

const LOOK_MS = 2_000;

const MARKUP = `
  <header class="panel-title"><h2 id="health-title">${HEALTH.title}</h2><span class="health-word"></span></header>
  <div class="scrolls" tabindex="0">
    <div class="workers"></div>
    <h3 id="complaints-title">${HEALTH.errors}</h3>
    <ol class="complaints"></ol>
  </div>`;

export class Health {
  #root;
  #table;
  #poll;
  #shown = false;

  /** @param {HTMLElement} root @param {() => Promise<object[]>} ask everybody's answers */
  constructor(root, ask) {
    this.#root = root;
    root.innerHTML = MARKUP;
    this.#table = new Table(part(root, ".workers"), HEALTH.columns);
    this.#poll = new Poll(ask, LOOK_MS, (answers) => this.#show(answers));
    this.#table.show(null, LOADING);
  }

  /** While the screen is shown; null when it is no more. */
  update(state) {
    if ((state !== null) === this.#shown) return;
    this.#shown = state !== null;
    if (this.#shown) this.#poll.start();
    else this.#poll.stop();
  }

  #show(answers) {
    const word = part(this.#root, ".health-word");
    if (answers === null) {
      setText(word, UNANSWERED);
      return setAttribute(word, "data-direction", "down");
    }
    const ill = answers.filter(({ ready }) => !ready).length;
    setText(word, ill === 0 ? HEALTH.all(answers.length) : HEALTH.some(ill));
    setAttribute(word, "data-direction", ill === 0 ? "up" : "down");
    this.#table.show(rowsOf(answers).map(row), HEALTH.empty);
    const complaints = complaintsOf(answers).map((complaint) => ({ ...complaint, key: `${complaint.worker}/${complaint.time}/${complaint.text}` }));
    reconcile(part(this.#root, ".complaints"), complaints.length === 0 ? [{ key: "none" }] : complaints, ({ key }) => key, item, (one, { time, worker, text }) => {
      setText(one.firstElementChild, time === undefined ? "" : formatTime(time));
      setText(one.lastElementChild, time === undefined ? HEALTH.noErrors : HEALTH.from(worker, text));
    });
  }
}

function row({ worker, instance, standing, ready, why, log, applied, lag, started }) {
  const number = (value) => (value === null ? "" : formatQuantity(value));
  return {
    key: `${instance}/${worker}/${log}`,
    cells: [worker, HEALTH.standings[standing] ?? "", ready ? HEALTH.ready : HEALTH.notReady(why), log, number(applied), number(lag), formatTime(started)],
    directions: { 2: ready ? "up" : "down" },
  };
}

function item() {
  const one = document.createElement("li");
  one.append(document.createElement("time"), document.createElement("span"));
  return one;
}
