// Every symbol's phase, and the operator's hand on it: halt, resume, any phase.

import { part } from "../dom.js";
import { formatPrice } from "../money.js";
import { LOADING, MARKET } from "../texts.js";
import { fieldMarkup, onSubmit, submitMarkup } from "./form.js";
import { Table } from "./table.js";

const COMMANDED = ["pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed"];

const MARKUP = `
  <header class="panel-title"><h1 id="phases-title">${MARKET.phasesTitle}</h1>
    <div class="buttons"><button type="button" class="small-button" name="halt">${MARKET.halt}</button><button type="button" class="small-button" name="resume">${MARKET.resume}</button><button type="button" class="small-button" name="phase">${MARKET.phase}</button></div>
  </header>
  <div class="scrolls"></div>`;

export class Phases {
  #root;
  #table;
  #actions;

  /** @param {HTMLElement} root @param {{ ask: Function, toast: Function, dialog: object }} actions `ask(verb, question)` of admin.… */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#table = new Table(part(root, ".scrolls"), MARKET.phaseColumns, { buttons: true });
    root.addEventListener("click", ({ target }) => {
      const symbol = target.closest("tr[data-key]")?.dataset.key ?? "";
      if (target.name === "halt") this.#command(MARKET.haltTitle(symbol), MARKET.haltHint, symbol, "halted");
      else if (target.name === "phase") this.#command(MARKET.phaseTitle(symbol), MARKET.phaseHint, symbol);
      else if (target.name === "resume") this.#resume(symbol);
    });
  }

  /** @param {object} state @param {Map<string, object>} statuses by symbol */
  show({ symbols, role }, statuses) {
    part(this.#root, "header .buttons").hidden = role !== "operator";
    const rows = symbols?.map((info) => {
      const status = statuses.get(info.symbol);
      const halted = status?.phase === "halted";
      const buttons = halted ? ["resume", "phase"] : ["halt", "phase"];
      return {
        key: info.symbol,
        cells: [info.symbol, formatPrice(info.last, info.tick), status === undefined ? "–" : MARKET.phases[status.phase ?? "continuous"], status?.reason ?? ""],
        buttons: role === "operator" ? buttons.map((name) => ({ name, text: MARKET[name], label: `${MARKET[name]} ${info.symbol}` })) : [],
      };
    });
    this.#table.show(rows ?? null, LOADING);
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
