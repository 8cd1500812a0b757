// One bot: what it waits for, what it has, what it did and why, and its file.

import { part, reconcile, setAttribute, setText } from "../dom.js";
import { formatMoney, formatQuantity, formatSigned } from "../money.js";
import { BOTS, SIDE } from "../texts.js";
import { formatTime } from "../times.js";

const MARKUP = `
  <header class="panel-title bot-title">
    <h2 id="bot-detail-title"></h2><span class="state"></span><span class="profit number"></span>
    <div class="buttons"><button type="button" class="small-button" name="edit">${BOTS.edit}</button><button type="button" class="small-button" name="stop">${BOTS.stop}</button></div>
  </header>
  <div class="bot-parts">
    <p class="message reason" data-kind="warning"></p>
    <section><h3>${BOTS.waitsFor}</h3><ul class="plain waits"></ul></section>
    <section><h3>${BOTS.has}</h3><ul class="plain has"></ul></section>
    <section class="log"><h3>${BOTS.log}</h3><ol class="decisions"></ol></section>
    <details><summary>${BOTS.file}</summary><pre tabindex="0"></pre></details>
  </div>`;

export class BotDetail {
  #root;

  /** @param {HTMLElement} root @param {{ stop: () => void, edit: () => void }} actions */
  constructor(root, actions) {
    this.#root = root;
    root.innerHTML = MARKUP;
    part(root, "[name=stop]").addEventListener("click", actions.stop);
    part(root, "[name=edit]").addEventListener("click", actions.edit);
  }

  /** @param {object} detail the answer to bots.show @param {boolean} stopping */
  show({ info, text, rules, orders, positions, decisions }, stopping) {
    const root = this.#root;
    setText(part(root, "h2"), info.name);
    setText(part(root, ".state"), BOTS.statuses[info.status]);
    setAttribute(part(root, ".state"), "data-status", info.status);
    setText(part(root, ".profit"), formatSigned(info.profit));
    setAttribute(part(root, ".profit"), "data-direction", info.profit === 0 ? "flat" : info.profit > 0 ? "up" : "down");
    setText(part(root, ".reason"), info.reason);
    part(root, ".reason").hidden = info.reason === "";
    const stop = part(root, "[name=stop]");
    setText(stop, stopping ? BOTS.stopping : BOTS.stop);
    stop.disabled = stopping;
    lines(part(root, ".waits"), rules.length === 0 && info.strategy === "" ? [BOTS.waitsForNothing] : rules.map(({ when }) => when));
    part(root, ".waits").parentElement.hidden = info.strategy !== "";
    lines(part(root, ".has"), hasWords(positions, orders));
    this.#log(decisions);
    setText(part(root, "pre"), text);
  }

  #log(decisions) {
    const list = part(this.#root, ".decisions");
    const newest = decisions.map((decision, index) => ({ ...decision, key: `${decision.time}/${index}` })).reverse();
    reconcile(list, newest, ({ key }) => key, entry, fill);
    if (newest.length === 0) lines(list, [BOTS.logEmpty]);
  }
}

function hasWords(positions, orders) {
  const words = positions
    .filter(({ quantity, realized }) => quantity !== 0 || realized !== 0)
    .map(({ quantity, symbol, realized, unrealized }) => BOTS.position(formatQuantity(quantity), symbol, formatSigned(realized), formatSigned(unrealized)));
  for (const { side, remaining, symbol, price, label } of orders) {
    words.push(BOTS.order(SIDE[side], formatQuantity(remaining), symbol, formatMoney(price), label));
  }
  return words.length === 0 ? [BOTS.hasNothing] : words;
}

function lines(list, texts) {
  reconcile(list, texts.map((text, index) => ({ text, index })), ({ index }) => index, () => document.createElement("li"), (item, { text }) => setText(item, text));
}

function entry() {
  const item = document.createElement("li");
  for (const [tag, name] of [["time", "number"], ["b", ""], ["span", ""]]) {
    const child = document.createElement(tag);
    child.className = name;
    item.append(child);
  }
  return item;
}

function fill(item, { time, rule, why, actions }) {
  const [when, who, what] = item.children;
  setText(when, formatTime(time));
  setText(who, rule ? BOTS.rule(rule) : BOTS.bot);
  setText(what, BOTS.decided(why, actions.join("; ")));
}
