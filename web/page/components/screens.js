// Which screen is shown: trading, one's account, bots, or the market's operation. It stands in the page's address, so that
// it can be linked to and the browser's "back" works; a symbol there means trading.

import { setAttribute } from "../dom.js";
import { SCREENS as TEXTS } from "../texts.js";

const STAFF = ["market"];

export class Screens {
  /** "trade", "account", "bots" or "market" */
  current = "trade";

  #navs;
  #changed;
  #forStaff = false;
  #symbol = null;
  #shown = false;

  /** @param {HTMLElement[]} navs where the links go @param {() => void} changed another one is shown */
  constructor(navs, changed) {
    this.#navs = navs;
    this.#changed = changed;
    for (const nav of navs) nav.append(...Object.keys(TEXTS).map(linkTo));
    addEventListener("hashchange", () => this.#follow());
  }

  /** The address of trading is that of the symbol; whoever operates the market has a screen more, and no account. */
  update({ symbol, role }) {
    const forStaff = role === "operator" || role === "auditor";
    if (this.#shown && symbol === this.#symbol && forStaff === this.#forStaff) return;
    this.#symbol = symbol;
    this.#forStaff = forStaff;
    this.#follow();
  }

  show(name) {
    location.hash = name === "trade" ? (this.#symbol ?? "") : name;
  }

  #follow() {
    const wanted = location.hash.slice(1);
    const next = wanted in TEXTS && (this.#forStaff || !STAFF.includes(wanted)) ? wanted : "trade";
    this.#shown = true;
    const isOther = next !== this.current;
    this.current = next;
    document.body.dataset.screen = next;
    for (const screen of document.querySelectorAll("[data-screen-name]")) screen.hidden = screen.dataset.screenName !== next;
    for (const nav of this.#navs) this.#mark(nav);
    if (isOther) this.#changed();
  }

  #mark(nav) {
    for (const link of nav.querySelectorAll("[data-screen]")) {
      const { screen } = link.dataset;
      setAttribute(link, "href", `#${screen === "trade" ? (this.#symbol ?? "") : screen}`);
      setAttribute(link, "aria-current", screen === this.current ? "page" : null);
      link.hidden = STAFF.includes(screen) && !this.#forStaff;
    }
  }
}

function linkTo(screen) {
  const link = document.createElement("a");
  link.dataset.screen = screen;
  link.textContent = TEXTS[screen];
  return link;
}
