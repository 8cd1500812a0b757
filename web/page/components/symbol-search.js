// The dialog that finds a symbol: type, choose with the arrows, Enter.

import { fromMarkup, part, reconcile, setAttribute, setText } from "../dom.js";
import { formatChange, formatPrice } from "../money.js";
import { LISTED_MAX, found } from "../search.js";
import { SEARCH } from "../texts.js";
import { directionOf } from "./symbols.js";

const MARKUP = `
  <input type="text" role="combobox" aria-label="${SEARCH.title}" aria-expanded="true" aria-controls="search-results"
    aria-autocomplete="list" placeholder="${SEARCH.hint}" autocomplete="off" autocapitalize="characters" spellcheck="false">
  <ul role="listbox" id="search-results" aria-label="${SEARCH.title}"></ul>
  <p class="empty" hidden>${SEARCH.none}</p>`;
const ROW = `<li role="option"><b></b><span class="name"></span><span class="price number"></span><span class="change number"></span></li>`;

export class SymbolSearch {
  #dialog;
  #select;
  #input;
  #symbols = [];
  #found = [];
  #chosen = 0;

  /** @param {HTMLDialogElement} dialog @param {{ select: (symbol: string) => void }} actions */
  constructor(dialog, { select }) {
    this.#dialog = dialog;
    this.#select = select;
    dialog.innerHTML = MARKUP;
    dialog.setAttribute("aria-label", SEARCH.title);
    this.#input = part(dialog, "input");
    this.#input.addEventListener("input", () => this.#choose(0));
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("click", ({ target }) => {
      const row = target.closest("li");
      if (row !== null) this.#take(row.dataset.key);
      else if (target === dialog) dialog.close(); // The backdrop.
    });
  }

  /** Prices go on while it is open. */
  update({ symbols }) {
    if (symbols === null || symbols === this.#symbols) return;
    this.#symbols = symbols;
    if (this.#dialog.open) this.#choose(this.#chosen);
  }

  open() {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    this.#input.value = "";
    this.#choose(0);
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      this.#choose(this.#chosen + step);
    } else if (event.key === "Enter" && this.#found.length > 0) {
      event.preventDefault();
      this.#take(this.#found[this.#chosen].symbol);
    }
  }

  #take(symbol) {
    this.#dialog.close();
    this.#select(symbol);
  }

  #choose(index) {
    this.#found = found(this.#symbols, this.#input.value).slice(0, LISTED_MAX);
    this.#chosen = Math.max(0, Math.min(index, this.#found.length - 1));
    const list = part(this.#dialog, "ul");
    reconcile(list, this.#found, ({ symbol }) => symbol, () => fromMarkup(ROW), fill);
    part(this.#dialog, ".empty").hidden = this.#found.length > 0;
    [...list.children].forEach((row, at) => {
      row.id = `search-${row.dataset.key}`;
      setAttribute(row, "aria-selected", String(at === this.#chosen));
      if (at === this.#chosen) row.scrollIntoView({ block: "nearest" });
    });
    setAttribute(this.#input, "aria-activedescendant", list.children[this.#chosen]?.id ?? null);
  }
}

function fill(row, info) {
  setText(part(row, "b"), info.symbol);
  setText(part(row, ".name"), info.name);
  setText(part(row, ".price"), formatPrice(info.last, info.tick));
  const before = info.day_ago || info.opening_price;
  setText(part(row, ".change"), formatChange(info.last, before));
  setAttribute(part(row, ".change"), "data-direction", directionOf(info.last - before));
}
