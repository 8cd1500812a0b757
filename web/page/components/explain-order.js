// Why an order became what it became: its life line by line, each with the log entry that proves it.

import { part, setText } from "../dom.js";
import { explained } from "../explanation.js";
import { ACCOUNT, EXPLAIN, LOADING, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { formatTime } from "../times.js";

const MARKUP = `
  <p class="lead"></p>
  <ol class="life"></ol>
  <div class="notes"></div>`;

/** @param {import("./dialog.js").Dialog} dialog @param {number} id @param {() => Promise<object>} ask resolves with the explanation */
export async function explainOrder(dialog, id, ask) {
  const content = dialog.show(ACCOUNT.whyOf(id), MARKUP, { wide: true });
  const lead = part(content, ".lead");
  setText(lead, LOADING);
  try {
    const { title, lines, notes } = explained(await ask());
    setText(lead, title || EXPLAIN.empty);
    part(content, ".life").append(...lines.map(entry));
    part(content, ".notes").append(...notes.map((text) => textOf("p", text)));
  } catch (error) {
    if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
    setText(lead, error.name === "Unanswered" ? UNANSWERED : sentence(error));
  }
}

function entry({ time, text, proof }) {
  const item = document.createElement("li");
  item.append(textOf("time", formatTime(time), "number"), textOf("span", text), textOf("code", proof));
  return item;
}

function textOf(tag, text, className = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
