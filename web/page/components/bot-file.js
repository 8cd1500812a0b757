// A text area for a bot's file: line numbers, marks at the lines with mistakes, and the mistakes in words, each a way to its place.

import { part, reconcile, setText } from "../dom.js";
import { BOT_EDITOR } from "../texts.js";

const MARKUP = `
  <div class="bot-file">
    <div class="gutter number" aria-hidden="true"></div>
    <textarea id="bot-file" aria-label="${BOT_EDITOR.file}" aria-describedby="bot-file-state" spellcheck="false" autocapitalize="none"
      autocomplete="off" wrap="off" rows="14" maxlength="65536"></textarea>
  </div>
  <p class="message" id="bot-file-state" role="status"></p>
  <ol class="mistakes"></ol>`;

export class BotFile {
  #root;
  #area;
  #mistakes = [];

  /** @param {HTMLElement} root @param {() => void} edited somebody typed */
  constructor(root, edited) {
    this.#root = root;
    root.innerHTML = MARKUP;
    this.#area = part(root, "textarea");
    this.#area.addEventListener("input", () => {
      this.#number();
      edited();
    });
    this.#area.addEventListener("scroll", () => (part(root, ".gutter").scrollTop = this.#area.scrollTop));
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Tab" || event.shiftKey || event.altKey || event.ctrlKey || this.#area.readOnly) return;
      if (this.#area.selectionStart !== this.#area.selectionEnd || !/(^|\n) *$/.test(this.text.slice(0, this.#area.selectionStart))) return;
      event.preventDefault(); // Only before a line's first character: elsewhere Tab leaves the field, as everywhere.
      this.#area.setRangeText("  ", this.#area.selectionStart, this.#area.selectionEnd, "end");
      this.#area.dispatchEvent(new Event("input", { bubbles: true }));
    });
    part(root, ".mistakes").addEventListener("click", ({ target }) => {
      if (target.dataset.place !== undefined) this.#goTo(this.#mistakes[target.dataset.place]);
    });
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    if (text === this.#area.value) return;
    this.#area.value = text;
    this.#number();
  }

  set readOnly(readOnly) {
    this.#area.readOnly = readOnly;
  }

  /** @param {{ line: number, column: number, text: string }[]} mistakes @param {string} state in a sentence @param {"error" | "good" | ""} kind */
  show(mistakes, state, kind) {
    this.#mistakes = mistakes;
    const line = part(this.#root, "#bot-file-state");
    setText(line, state);
    line.dataset.kind = kind;
    const create = () => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      item.append(button);
      return item;
    };
    reconcile(part(this.#root, ".mistakes"), mistakes.map((mistake, index) => ({ ...mistake, index })), ({ index }) => index, create, (item, mistake) => {
      setText(item.firstElementChild, BOT_EDITOR.mistake(mistake.line, mistake.column, mistake.text));
      item.firstElementChild.dataset.place = mistake.index;
    });
    this.#number();
  }

  focus() {
    this.#area.focus();
  }

  #number() {
    const wrong = new Set(this.#mistakes.map(({ line }) => line));
    const lines = this.text.split("\n").map((_, index) => index + 1);
    reconcile(part(this.#root, ".gutter"), lines, (line) => line, () => document.createElement("span"), (span, line) => {
      setText(span, String(line));
      span.className = wrong.has(line) ? "wrong" : "";
    });
  }

  #goTo({ line, column }) {
    const before = this.text.split("\n").slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const end = before + (this.text.split("\n")[line - 1]?.length ?? 0);
    this.#area.focus();
    this.#area.setSelectionRange(Math.min(before + column - 1, end), end);
  }
}
