// A table of rows that come and go, with a sentence where there are none.

import { reconcile, setAttribute, setText } from "../dom.js";

/** Columns of words; all others hold numbers, to the right. "" is for buttons. */
const TEXT_COLUMNS = ["symbol", "side", "kind", "role", "status", "bot", "made", "phase", "why", "account", "standing", "when", "what", "asset", "proof", "worker", "log", ""];
/** Columns that are cut where there is little room: the pointer shows all of it. */
const CUT_COLUMNS = ["kind", "status"];
/** Columns whose words are a button that leads to what the row is about. */
const LINK_COLUMNS = ["symbol", "bot"];

/**
 * @typedef {object} Row
 * @property {string | number} key
 * @property {string[]} cells all but that of the buttons
 * @property {"buy" | "sell"} [side]
 * @property {Record<number, string>} [directions] index of a cell → "up", "down" or "flat"
 * @property {Record<string, string | null>} [marks] data attributes of the row, for its looks
 * @property {{ name: string, text: string, label: string, disabled?: boolean }[]} [buttons]
 */

export class Table {
  #columns;
  #table = document.createElement("table");
  #body;
  #empty = document.createElement("p");

  /** @param {HTMLElement} root @param {Record<string, string>} columns name → title @param {{ buttons?: boolean }} options a last column for buttons */
  constructor(root, columns, { buttons = false } = {}) {
    const titles = buttons ? { ...columns, "": "" } : columns;
    this.#columns = Object.keys(titles);
    const head = this.#table.createTHead().insertRow();
    for (const [column, title] of Object.entries(titles)) {
      const cell = document.createElement(column === "" ? "td" : "th");
      if (column !== "") cell.scope = "col";
      cell.textContent = title;
      head.append(labelled(cell, column));
    }
    this.#body = this.#table.createTBody();
    this.#empty.className = "empty";
    root.prepend(this.#table, this.#empty);
  }

  /** @param {Row[] | null} rows null while they are not known @param {string} text for none */
  show(rows, text) {
    reconcile(this.#body, rows ?? [], (row) => row.key, () => this.#create(), fill);
    const none = rows === null || rows.length === 0;
    this.#empty.hidden = !none;
    this.#table.hidden = none;
    setText(this.#empty, text);
  }

  #create() {
    const row = document.createElement("tr");
    for (const column of this.#columns) {
      const cell = labelled(row.insertCell(), column);
      if (CUT_COLUMNS.includes(column)) cell.className = "cut";
      if (LINK_COLUMNS.includes(column)) cell.append(buttonOf("row-link"));
    }
    return row;
  }
}

function fill(row, { side, cells, directions = {}, marks = {}, buttons = [] }) {
  setAttribute(row, "data-side", side ?? null);
  for (const [name, value] of Object.entries(marks)) setAttribute(row, `data-${name}`, value);
  cells.forEach((text, index) => {
    setText(row.children[index].firstElementChild ?? row.children[index], text);
    setAttribute(row.children[index], "data-direction", directions[index] ?? null);
    if (row.children[index].className === "cut") setAttribute(row.children[index], "title", text);
  });
  if (row.children.length === cells.length) return;
  reconcile(row.lastElementChild, buttons, ({ name }) => name, ({ name }) => Object.assign(buttonOf("small-button"), { name }), (button, { text, label, disabled = false }) => {
    setText(button, text);
    setAttribute(button, "aria-label", label);
    button.disabled = disabled;
  });
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
