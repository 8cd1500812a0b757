// Tabs as everybody knows them: one panel is shown, the arrow keys move.

import { part, setAttribute, setText } from "../dom.js";

export class Tabs {
  /** Name of the tab that is shown. */
  chosen = "";

  #root;
  #prefix;
  #names;
  #told;

  /**
   * @param {HTMLElement} root gets the bar, and a panel `#<prefix><name>` for each tab
   * @param {{ label: string, titles: Record<string, string>, prefix?: string, controls?: string }} options `controls`: markup at the bar's end
   * @param {(name: string) => void} told which one is shown now
   */
  constructor(root, { label, titles, prefix = "", controls = "" }, told) {
    this.#root = root;
    this.#prefix = prefix;
    this.#names = Object.keys(titles);
    this.#told = told;
    const tab = (name) => `<button type="button" role="tab" id="tab-${prefix}${name}" aria-controls="${prefix}${name}">${titles[name]} <span class="count"></span></button>`;
    const panel = (name) => `<div class="tabpanel" role="tabpanel" id="${prefix}${name}" data-tab="${name}" aria-labelledby="tab-${prefix}${name}" tabindex="0"></div>`;
    root.innerHTML = `<div class="tabs"><div class="tablist" role="tablist" aria-label="${label}">${this.#names.map(tab).join("")}</div>${controls}</div>${this.#names.map(panel).join("")}`;
    const list = part(root, "[role=tablist]");
    list.addEventListener("click", ({ target }) => {
      const chosen = target.closest("[role=tab]");
      if (chosen !== null) this.choose(chosen.id.slice(`tab-${prefix}`.length));
    });
    list.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step === undefined) return;
      this.choose(this.#names.at((this.#names.indexOf(this.chosen) + step) % this.#names.length));
      part(list, "[aria-selected=true]").focus();
    });
  }

  panel(name) {
    return part(this.#root, `#${this.#prefix}${name}`);
  }

  choose(name) {
    this.chosen = name;
    for (const each of this.#names) {
      const tab = part(this.#root, `#tab-${this.#prefix}${each}`);
      setAttribute(tab, "aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      this.panel(each).hidden = each !== name;
    }
    this.#told(name);
  }

  /** A small text behind a tab's title. */
  count(name, text) {
    setText(part(this.#root, `#tab-${this.#prefix}${name} .count`), text);
  }
}
