// Makes a bot, or changes one: by a form or as a file, checked by the market while one types.

import { deliver } from "../delivery.js";
import { part, setAttribute, setText } from "../dom.js";
import { BOT_EDITOR as TEXTS, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { BotFields } from "./bot-fields.js";
import { BotFile } from "./bot-file.js";

const CHECK_MS = 250;

const MARKUP = `
  <header class="panel-title">
    <h2 id="bot-editor-title"></h2>
    <div class="segments" role="group" aria-label="${TEXTS.mode}">
      <button type="button" value="form">${TEXTS.asForm}</button><button type="button" value="file">${TEXTS.asFile}</button>
    </div>
  </header>
  <div class="bot-editor-parts">
    <div class="fields"></div>
    <div class="file"></div>
    <p class="hint">${TEXTS.fileHint}</p>
    <p class="message" data-kind="error" aria-live="polite"></p>
    <div class="buttons"><button type="button" class="primary" name="start">${TEXTS.start}</button><button type="button" class="ghost" name="cancel">${TEXTS.cancel}</button></div>
  </div>`;

export class BotEditor {
  #root;
  #actions;
  #fields;
  #file;
  #mode = "form";
  #name = "";
  #timer;
  #checking = 0; // Only the answer about the newest text counts.
  #mistaken = true;
  #starting = false;

  /**
   * @param {HTMLElement} root
   * @param {{ ask: (verb: string, question: object) => Promise<object>, started: (info: object) => void, cancel: () => void }} actions
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.innerHTML = MARKUP;
    this.#fields = new BotFields(part(root, ".fields"), () => {
      if (this.#mode === "form") this.#file.text = this.#fields.text;
      this.#checkSoon();
    });
    this.#file = new BotFile(part(root, ".file"), () => this.#checkSoon());
    part(root, ".segments").addEventListener("click", ({ target }) => {
      if (target.value) this.#choose(target.value);
    });
    part(root, "[name=start]").addEventListener("click", () => this.#start());
    part(root, "[name=cancel]").addEventListener("click", () => actions.cancel());
  }

  /** A new bot, or with `text` the file of one that is changed. */
  open({ symbols, symbol, name = "", text = null }) {
    this.#name = name;
    setText(part(this.#root, "#bot-editor-title"), name === "" ? TEXTS.title : TEXTS.editing(name));
    part(this.#root, ".segments").hidden = text !== null;
    this.#choose(text === null ? "form" : "file");
    if (text === null) this.#fields.begin(symbols, symbol);
    else this.#file.text = text;
    this.#say("");
    this.#check();
    if (text === null) this.#fields.focus();
    else this.#file.focus();
  }

  #choose(mode) {
    this.#mode = mode;
    part(this.#root, ".fields").hidden = mode !== "form";
    part(this.#root, ".hint").hidden = mode !== "form";
    this.#file.readOnly = mode === "form";
    for (const button of part(this.#root, ".segments").children) setAttribute(button, "aria-pressed", String(button.value === mode));
  }

  #checkSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), CHECK_MS);
  }

  async #check() {
    const checking = (this.#checking += 1);
    let shown;
    try {
      const { name, mistakes } = await this.#actions.ask("check", this.#question);
      this.#mistaken = mistakes.length > 0;
      shown = this.#mistaken ? [mistakes, TEXTS.mistakes(mistakes.length), "error"] : [[], TEXTS.right(name), "good"];
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      shown = [[], error.name === "Unanswered" ? TEXTS.unchecked : sentence(error), "error"];
    }
    if (checking === this.#checking) this.#file.show(...shown);
  }

  get #question() {
    return this.#name === "" ? { text: this.#file.text } : { text: this.#file.text, name: this.#name };
  }

  async #start() {
    if (this.#starting) return;
    const button = part(this.#root, "[name=start]");
    this.#starting = button.disabled = true;
    setText(button, TEXTS.starting);
    this.#say("");
    try {
      clearTimeout(this.#timer);
      await this.#check();
      if (this.#mistaken) return this.#say(part(this.#root, "#bot-file-state").textContent);
      const question = this.#question;
      this.#actions.started(await deliver(() => this.#actions.ask("start", question))); // The same bot is started once.
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "OutcomeUnknown") throw error;
      this.#say(error.name === "OutcomeUnknown" ? UNANSWERED : sentence(error));
    } finally {
      this.#starting = button.disabled = false;
      setText(button, TEXTS.start);
    }
  }

  #say(text) {
    setText(part(this.#root, ".bot-editor-parts > .message"), text);
  }
}
