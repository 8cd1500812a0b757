// What a first visit is offered: a short tour of the page. It takes nothing away meanwhile, and comes once.

import { part, setText } from "../dom.js";
import { CLOSE, TOUR } from "../texts.js";

const KEY = "exchange.tour";
const GAP = 12;
/** Where each stop is: an element, the view of a phone that has it, and what a phone points at instead. */
const STOPS = {
  headline: { at: "#headline", view: "chart" },
  chart: { at: "#chart", view: "chart" },
  ladder: { at: "#ladder", view: "book" },
  ticket: { at: "#ticket", view: "trade" },
  screens: { at: "#screens", view: "chart", small: "#views" },
};
const NAMES = Object.keys(STOPS);

const MARKUP = `
  <div class="tour-ring" hidden></div>
  <section class="tour-card" aria-labelledby="tour-title" tabindex="-1">
    <button type="button" class="icon-button close" name="skip" aria-label="${CLOSE}">
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
    </button>
    <h2 id="tour-title"></h2>
    <p></p>
    <div class="buttons"><span class="number"></span><button type="button" class="ghost" name="skip"></button><button type="button" class="primary" name="next"></button></div>
  </section>`;

export class Tour {
  #root;
  #actions;
  #stop = -1; // The invitation comes before the first.
  #over;

  /** @param {HTMLElement} root @param {{ show: (view: string) => void, signUp: () => void }} actions @param {Storage} storage */
  constructor(root, actions, storage = localStorage) {
    this.#root = root;
    this.#actions = { ...actions, remember: () => storage.setItem(KEY, "done") };
    this.#over = storage.getItem(KEY) !== null;
    addEventListener("resize", () => this.#place());
    addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.#root.contains(document.activeElement)) this.#end();
    });
  }

  /** Offers the tour to a guest who sees the trading screen for the first time, as soon as there is something to see. */
  update({ login, symbols, market }) {
    if (this.#over || symbols === null) return;
    if (login !== null) return this.#end();
    if (this.#root.childElementCount > 0) return;
    this.#root.innerHTML = MARKUP;
    this.#root.addEventListener("click", ({ target }) => {
      const name = target.closest("button")?.name;
      if (name === "skip") this.#end();
      if (name === "next") this.#next(market.sign_up);
    });
    this.#show(market.sign_up);
  }

  #next(canSignUp) {
    this.#stop += 1;
    if (this.#stop < NAMES.length) {
      this.#actions.show(STOPS[NAMES[this.#stop]].view);
      this.#show(canSignUp);
      part(this.#root, ".tour-card").focus();
      return;
    }
    this.#end();
    if (canSignUp) this.#actions.signUp();
  }

  #show(canSignUp) {
    const isInvitation = this.#stop < 0;
    const { title, text } = isInvitation ? { title: TOUR.title, text: TOUR.invitation } : TOUR.stops[NAMES[this.#stop]];
    const isLast = this.#stop === NAMES.length - 1;
    setText(part(this.#root, "h2"), title);
    setText(part(this.#root, "p"), text);
    setText(part(this.#root, ".number"), isInvitation ? "" : TOUR.stop(this.#stop + 1, NAMES.length));
    setText(part(this.#root, ".ghost"), isInvitation ? TOUR.skip : TOUR.end);
    setText(part(this.#root, "[name=next]"), isInvitation ? TOUR.begin : !isLast ? TOUR.next : canSignUp ? TOUR.last : TOUR.done);
    this.#place();
  }

  /** The card beside what it is about, wherever there is room; the invitation stays in its corner. */
  #place() {
    if (this.#over || this.#stop < 0) return;
    const { at, small } = STOPS[NAMES[this.#stop]];
    const visible = [at, small].filter(Boolean).map((selector) => document.querySelector(selector).getBoundingClientRect());
    const box = visible.find(({ width }) => width > 0) ?? visible[0];
    const ring = part(this.#root, ".tour-ring");
    ring.hidden = false;
    Object.assign(ring.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
    const card = part(this.#root, ".tour-card");
    const { width, height } = card.getBoundingClientRect();
    const beside = box.left > width + 2 * GAP ? box.left - width - GAP : box.right + width + 2 * GAP < innerWidth ? box.right + GAP : box.left + GAP;
    const under = box.bottom + height + 2 * GAP < innerHeight ? box.bottom + GAP : Math.max(GAP, box.top > height + 2 * GAP ? box.top - height - GAP : box.bottom - height - GAP);
    const isWide = box.width > innerWidth / 2;
    const left = Math.max(GAP, Math.min(isWide ? box.left + GAP : beside, innerWidth - width - GAP));
    const top = isWide ? under : Math.max(GAP, Math.min(box.top + GAP, innerHeight - height - GAP));
    Object.assign(card.style, { left: `${left}px`, top: `${top}px`, bottom: "auto" });
  }

  #end() {
    this.#over = true;
    this.#actions.remember();
    this.#root.replaceChildren();
  }
}
