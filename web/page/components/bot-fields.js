// The form for a new bot: a rule in a few fields, or a strategy with its parameters. It writes the bot's file.

import { COMPARISONS, PRICES, RELATED, STRATEGIES, VALUES, fileOf } from "../bot-form.js";
import { part, setText } from "../dom.js";
import { BOT_EDITOR as TEXTS } from "../texts.js";

const options = (values, titleOf = (value) => value) =>
  values.map((value) => `<option value="${value.replaceAll(">", "&gt;").replaceAll("<", "&lt;")}">${titleOf(value).replaceAll("<", "&lt;")}</option>`).join("");
const input = (name, label, value = "", attributes = "") =>
  `<label class="small-field"><span>${label}</span><input name="${name}" value="${value}" autocomplete="off" spellcheck="false" ${attributes}></label>`;
const select = (name, label, choices) => `<label class="small-field"><span>${label}</span><select name="${name}">${choices}</select></label>`;

const MARKUP = `<form class="bot-fields" novalidate>
  <div class="field-row">${input("name", TEXTS.name, "my-bot", 'maxlength="32" autocapitalize="none"')}${select("symbol", TEXTS.symbol, "")}
    ${select("made", TEXTS.made, options(["rules", "strategy"], (made) => TEXTS.mades[made]))}</div>
  <div data-made="rules">
    <div class="field-row">${select("value", TEXTS.when, options(VALUES))}${select("comparison", TEXTS.comparison, options(COMPARISONS))}${input("number", TEXTS.number, "", 'inputmode="decimal"')}</div>
    <div class="field-row">${select("side", TEXTS.side, options(["buy", "sell"], (side) => TEXTS.sides[side]))}${input("quantity", TEXTS.quantity, "10", 'inputmode="numeric"')}${select("price", TEXTS.price, options(PRICES))}</div>
    <div class="field-row">${input("gain", TEXTS.gain, "", `inputmode="decimal" placeholder="${TEXTS.never}"`)}${input("loss", TEXTS.loss, "", `inputmode="decimal" placeholder="${TEXTS.never}"`)}${input("again", TEXTS.again, "", `placeholder="${TEXTS.never}"`)}</div>
  </div>
  <div data-made="strategy" hidden>
    <div class="field-row">${select("strategy", TEXTS.strategy, options(Object.keys(STRATEGIES)))}${select("related", TEXTS.related, "")}</div>
    <p class="hint">${TEXTS.strategyHint}</p>
    <fieldset><legend>${TEXTS.parameters}</legend><div class="field-row parameters"></div></fieldset>
  </div>
  <fieldset><legend>${TEXTS.limits}</legend>
    <div class="field-row">${input("positionMax", TEXTS.positionMax, "100", 'inputmode="numeric"')}${input("lossMax", TEXTS.lossMax, "500", 'inputmode="decimal"')}</div>
  </fieldset>
</form>`;

export class BotFields {
  #form;
  #edited;

  /** @param {HTMLElement} root @param {() => void} edited */
  constructor(root, edited) {
    root.innerHTML = MARKUP;
    this.#form = part(root, "form");
    this.#edited = edited;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", ({ target }) => {
      if (target.name === "strategy") this.#showParameters();
      if (target.name === "made" || target.name === "strategy") this.#showParts();
      edited();
    });
    this.#showParameters();
    this.#showParts();
  }

  /** The symbols that can be chosen, with their last prices; `symbol` is the one that the page shows. */
  begin(symbols, symbol) {
    for (const name of ["symbol", "related"]) {
      const choices = symbols.map((info) => new Option(info.symbol, info.symbol));
      this.#field(name).replaceChildren(...choices);
    }
    this.#field("symbol").value = symbol;
    this.#field("related").value = symbols.find((info) => info.symbol !== symbol)?.symbol ?? "";
    const last = symbols.find((info) => info.symbol === symbol)?.last ?? 0;
    if (this.#field("number").value === "") this.#field("number").value = (last / 10_000).toFixed(2);
    this.#edited();
  }

  /** The bot's file as the fields say. */
  get text() {
    const values = Object.fromEntries(new FormData(this.#form));
    const parameters = Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith("parameter-")).map(([name, value]) => [name.slice(10), value]));
    return fileOf({ ...values, parameters, related: values.strategy === RELATED ? values.related : "" });
  }

  focus() {
    this.#field("name").select();
  }

  #field(name) {
    return this.#form.elements.namedItem(name);
  }

  #showParts() {
    for (const one of this.#form.querySelectorAll("[data-made]")) one.hidden = one.dataset.made !== this.#field("made").value;
    this.#field("related").closest("label").hidden = this.#field("strategy").value !== RELATED;
  }

  #showParameters() {
    const fields = Object.entries(STRATEGIES[this.#field("strategy").value]).map(([name, usual]) => {
      const label = document.createElement("label");
      label.className = "small-field";
      const title = document.createElement("span");
      setText(title, name.replaceAll("_", " "));
      const field = document.createElement("input");
      Object.assign(field, { name: `parameter-${name}`, placeholder: String(usual), inputMode: "decimal", autocomplete: "off" });
      label.append(title, field);
      return label;
    });
    part(this.#form, ".parameters").replaceChildren(...fields);
  }
}
