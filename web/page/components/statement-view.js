// A month's statement of the account, to read here and to take away as a CSV file.

import { fromMarkup, part, setText } from "../dom.js";
import { amountOf, boundsOf, csvOf, months, proofOf, whatOf } from "../statement.js";
import { LOADING, STATEMENT, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { formatTime } from "../times.js";
import { Table } from "./table.js";

const SHOWN_MAX = 1_000;
const PAGES_MAX = 200;

const MARKUP = `<div class="statement-bar">
  <label>${STATEMENT.month} <select name="month"></select></label>
  <button type="button" class="small-button" name="download">${STATEMENT.download}</button>
  <span class="message" aria-live="polite"></span>
  <p class="hint">${STATEMENT.hint}</p>
</div>`;

export class StatementView {
  #root;
  #ask;
  #table;
  #account = "";
  #round = 0;

  /** @param {HTMLElement} root @param {(question: object) => Promise<object>} ask */
  constructor(root, ask) {
    this.#root = root;
    this.#ask = ask;
    this.#table = new Table(root, STATEMENT.columns);
    root.prepend(fromMarkup(MARKUP));
    part(root, "select").append(...months(Date.now()).map(({ value, title }) => new Option(title, value)));
    part(root, "select").addEventListener("change", () => this.load(this.#account));
    part(root, "[name=download]").addEventListener("click", () => this.#download());
  }

  /** Asks for the first page of the chosen month. */
  async load(account) {
    this.#account = account;
    const round = (this.#round += 1);
    this.#table.show(null, LOADING);
    this.#say("");
    let page;
    try {
      page = await this.#ask({ ...boundsOf(part(this.#root, "select").value), after: 0 });
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      if (round === this.#round) this.#table.show(null, error.name === "Unanswered" ? UNANSWERED : sentence(error));
      return;
    }
    if (round === this.#round) this.#show(page);
  }

  #show({ opening, closing, postings, complete }) {
    const total = (title, balances) =>
      Object.entries(balances).map(([asset, amount]) => ({ key: `${title}/${asset}`, cells: ["", title, asset, "", amountOf(asset, amount), ""] }));
    const rows = postings.slice(0, SHOWN_MAX).map((row, index) => ({
      key: index,
      cells: [formatTime(row.time), whatOf(row), row.asset, amountOf(row.asset, row.amount, true), amountOf(row.asset, row.balance), proofOf(row)],
      directions: { 3: row.amount > 0 ? "up" : "down" },
    }));
    const all = [...total(STATEMENT.opening, opening), ...rows, ...(complete ? total(STATEMENT.closing, closing) : [])];
    this.#table.show(all, STATEMENT.none);
    this.#say(complete ? STATEMENT.rows(rows.length) : STATEMENT.firstRows(rows.length));
  }

  async #download() {
    const button = part(this.#root, "[name=download]");
    const month = part(this.#root, "select").value;
    button.disabled = true;
    setText(button, STATEMENT.downloading);
    try {
      save(csvOf(await this.#all(boundsOf(month))), `${this.#account}-${month}.csv`);
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      this.#say(error.name === "Unanswered" ? UNANSWERED : sentence(error));
    } finally {
      button.disabled = false;
      setText(button, STATEMENT.download);
    }
  }

  async #all(bounds) {
    const postings = [];
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await this.#ask({ ...bounds, after: postings.length });
      postings.push(...page.postings);
      if (page.complete) break;
    }
    return postings;
  }

  #say(text) {
    setText(part(this.#root, ".statement-bar .message"), text);
  }
}

function save(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
