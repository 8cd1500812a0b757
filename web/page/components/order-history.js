// All orders of the account, newest first, a page at a time.

import { fromMarkup, part, setText } from "../dom.js";
import { ACCOUNT, LOADING, UNANSWERED } from "../texts.js";
import { finder, recordRow } from "./holding-rows.js";
import { Table } from "./table.js";

const PAGE = 100;
const SETTLE_MS = 400;

export class OrderHistory {
  #root;
  #ask;
  #table;
  #records = null;
  #complete = true;
  #round = 0; // Answers about another account, or to an older question, do not count.
  #symbols = [];
  #timer;

  /** @param {HTMLElement} root @param {(question: object) => Promise<object[]>} ask */
  constructor(root, ask) {
    this.#root = root;
    this.#ask = ask;
    this.#table = new Table(root, ACCOUNT.historyColumns, { buttons: true });
    root.append(fromMarkup(`<button type="button" class="small-button older" hidden>${ACCOUNT.older}</button>`));
    part(root, ".older").addEventListener("click", () => this.#load(this.#records.at(-1).order_id));
  }

  /** Another account, or none. */
  clear() {
    this.#round += 1;
    this.#records = null;
    this.#show();
  }

  /** The newest page anew: somebody looks, or something happened to an order. */
  refreshSoon(symbols) {
    this.#symbols = symbols ?? [];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(0), this.#records === null ? 0 : SETTLE_MS);
  }

  async #load(before) {
    const round = (this.#round += 1);
    try {
      const page = await this.#ask({ limit: PAGE, before });
      if (round !== this.#round) return;
      const oldest = page.at(-1)?.order_id ?? 0;
      const kept = before === 0 ? (this.#records ?? []).filter((record) => page.length === PAGE && record.order_id < oldest) : this.#records;
      if (before !== 0 || kept.length === 0) this.#complete = page.length < PAGE;
      this.#records = before === 0 ? [...page, ...kept] : [...kept, ...page];
      this.#show();
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      if (round === this.#round) this.#show(UNANSWERED);
    }
  }

  #show(problem = LOADING) {
    const infoOf = finder(this.#symbols);
    this.#table.show(this.#records?.map((record) => recordRow(record, infoOf(record.symbol))) ?? null, this.#records === null ? problem : ACCOUNT.historyEmpty);
    part(this.#root, ".older").hidden = this.#complete || this.#records === null;
    setText(part(this.#root, ".older"), ACCOUNT.older);
  }
}
