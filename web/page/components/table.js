// A table of rows that come and go, with a sentence where there are none.

import { part, reconcile, setAttribute, setText } from "../dom.js";
import { HOLDINGS } from "../texts.js";

const TEXT_COLUMNS = ["symbol", "side", "kind", "role", ""];

/**
 * @typedef {object} Row
 * @property {string | number} key
 * @property {string[]} cells
 * @property {"buy" | "sell"} [side]
 * @property {Record<number, string>} [directions] index of a cell → "up", "down" or "flat"
 * @property {string} [button] text of the row's button; it works while it says HOLDINGS.cancel
 */

export class Table {
  #columns;
  #table = document.createElement("table");
  #body;
  #empty = document.createElement("p");

  /** @param {HTMLElement} root @param {string[]} columns names of HOLDINGS.columns; the last one may be "", for a button */
  constructor(root, columns) {
    this.#columns = columns;
    const head = this.#table.createTHead().insertRow();
    for (const column of columns) {
      const cell = document.createElement(column === "" ? "td" : "th");
      if (column !== "") cell.scope = "col";
      cell.textContent = HOLDINGS.columns[column] ?? "";
      head.append(labelled(cell, column));
    }
    this.#body = this.#table.createTBody();
    this.#empty.className = "empty";
    root.prepend(this.#table, this.#empty);
  }

  /** @param {Row[] | null} rows null while they are not known @param {string} text for none */
  show(rows, text) {
    reconcile(this.#body, rows ?? [], (row) => row.key, (row) => this.#create(row), fill);
    const none = rows === null || rows.length === 0;
    this.#empty.hidden = !none;
    this.#table.hidden = none;
    setText(this.#empty, text);
  }

  #create({ button }) {
    const row = document.createElement("tr");
    for (const column of this.#columns) {
      const cell = labelled(row.insertCell(), column);
      if (column === "symbol") cell.append(buttonOf("row-symbol"));
    }
    if (button !== undefined) row.lastElementChild.append(buttonOf("small-button cancel"));
    return row;
  }
}

function fill(row, { side, cells, directions = {}, button }) {
  setAttribute(row, "data-side", side ?? null);
  cells.forEach((text, index) => {
    setText(row.children[index].firstElementChild ?? row.children[index], text);
    setAttribute(row.children[index], "data-direction", directions[index] ?? null);
  });
  if (button === undefined) return;
  const control = part(row, ".cancel");
  setText(control, button);
  setAttribute(control, "aria-label", `${button} ${cells.slice(0, 3).join(" ")}`);
  control.disabled = button !== HOLDINGS.cancel;
}

function labelled(cell, column) {
  cell.dataset.label = column;
  if (!TEXT_COLUMNS.includes(column)) cell.className = "number";
  return cell;
}

function buttonOf(className) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  return button;
}
