// Every symbol's phase, and the operator's hand on it: halt, resume, any phase.

import { part, setText } from "../dom.js";
import { formatPrice, formatQuantity } from "../money.js";
import { LISTED_MAX, found } from "../search.js";
import { LOADING, MARKET, SEARCH } from "../texts.js";
import { fieldMarkup, onSubmit, submitMarkup } from "./form.js";
import { Table } from "./table.js";

const COMMANDED = ["pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed"];

const MARKUP = `
  <header class="panel-title"><h1 id="phases-title">${MARKET.phasesTitle}</h1>
    <input type="search" class="small-input" aria-label="${SEARCH.title}" placeholder="${SEARCH.title}" maxlength="32" autocapitalize="characters" spellcheck="false">
    <span class="range number"></span>
    <div class="buttons"><button type="button" class="small-button" name="halt">${MARKET.halt}</button><button type="button" class="small-button" name="resume">${MARKET.resume}</button><button type="button" class="small-button" name="phase">${MARKET.phase}</button></div>
  </header>
  <div class="scrolls"></div>`;

export class Phases {
  #root;
  #table;
  #actions;
  #state = null;

  /** @param {HTMLElement} root @param {{ ask: Function, toast: Function, dialog: object }} actions `ask(verb, question)` of admin.… */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#table = new Table(part(root, ".scrolls"), MARKET.phaseColumns, { buttons: true });
    part(root, "input").addEventListener("input", () => this.show(this.#state));
    root.addEventListener("click", ({ target }) => {
      const symbol = target.closest("tr[data-key]")?.dataset.key ?? "";
      if (target.name === "halt") this.#command(MARKET.haltTitle(symbol), MARKET.haltHint, symbol, "halted");
      else if (target.name === "phase") this.#command(MARKET.phaseTitle(symbol), MARKET.phaseHint, symbol);
      else if (target.name === "resume") this.#resume(symbol);
    });
  }

  /** Those that are looked for, of many some. */
  show(state) {
    this.#state = state;
    const { symbols, role } = state;
    part(this.#root, "header .buttons").hidden = role !== "operator";
    if (symbols === null) return this.#table.show(null, LOADING);
    const all = found(symbols, part(this.#root, "input").value);
    const shown = all.length > LISTED_MAX ? stoppedFirst(all).slice(0, LISTED_MAX) : all;
    this.#table.show(shown.map((info) => rowOf(info, role)), SEARCH.none);
    setText(part(this.#root, ".range"), all.length > shown.length ? MARKET.someOf(formatQuantity(shown.length), formatQuantity(all.length)) : "");
  }

  #command(title, hint, symbol, phase = "") {
    const { dialog, ask, toast } = this.#actions;
    const choices = ["", ...COMMANDED].map((name) => `<option value="${name}">${MARKET.phases[name] ?? MARKET.scheduled}</option>`).join("");
    const select = phase === "" ? fieldMarkup("phase", "phase", MARKET.newPhase, `<select>${choices}</select>`) : "";
    const reason = fieldMarkup("phase", "reason", MARKET.reason, '<input maxlength="100" autocomplete="off">');
    const content = dialog.show(title, `<form>${select}${reason}<p class="hint">${hint}</p>${submitMarkup(MARKET.carryOut)}</form>`);
    onSubmit(part(content, "form"), {
      busy: MARKET.carryingOut,
      async submit(typed) {
        const wanted = phase || typed.phase;
        const done = await ask("phase", { symbol, reason: typed.reason, ...(wanted ? { phase: wanted } : {}) });
        dialog.close();
        toast(done.detail);
        return null;
      },
    });
  }

  async #resume(symbol) {
    await this.#actions.attempt(() => this.#actions.ask("phase", { symbol }));
  }
}

function rowOf({ symbol, last, tick, phase, reason }, role) {
  const names = role === "operator" ? [phase === "halted" ? "resume" : "halt", "phase"] : [];
  return {
    key: symbol,
    cells: [symbol, formatPrice(last, tick), MARKET.phases[phase], reason],
    buttons: names.map((name) => ({ name, text: MARKET[name], label: `${MARKET[name]} ${symbol}` })),
  };
}

/** Those in which trading does not go on as usual, then the others, each in their order. */
function stoppedFirst(symbols) {
  const isUsual = ({ phase }) => phase === "continuous";
  return [...symbols.filter((info) => !isUsual(info)), ...symbols.filter(isUsual)];
}
