// The order ticket's markup: every field has its label, and a place for what is to be said about it.

import { SIDE, TICKET } from "../texts.js";

/** Fields that somebody types into, by name; a checkbox and lists of choices come besides. */
export const TYPED = [
  ...["quantity", "price", "stop", "trail", "protection", "expires"],
  ...["display", "takeProfit", "stopLoss", "stopLossLimit", "orStop", "selfTrade"],
];

export const MARKUP = `
  <h2 class="unseen" id="ticket-title">${TICKET.title}</h2>
  <form novalidate autocomplete="off">
    ${choices("sides", TICKET.side, "side", SIDE)}
    <div class="ticket-row">
      ${choices("kinds", TICKET.kind, "kind", TICKET.kinds)}
      <span class="spendable">${TICKET.available} <b class="number"></b></span>
    </div>
    ${choices("after", TICKET.after, "kind", TICKET.afters)}
    ${field("stop", stepper("stop", 'inputmode="decimal"'))}
    ${field("trail", input("trail"))}
    ${field("price", quickPrices() + stepper("price", 'inputmode="decimal"'))}
    ${field("protection", stepper("protection", 'inputmode="decimal"'))}
    ${field("quantity", stepper("quantity", 'inputmode="numeric" value="100"') + percents())}
    <details class="more">
      <summary>${TICKET.more} <span class="more-chosen"></span></summary>
      <div data-field="tif">
        ${choices("tifs", TICKET.tif, "tif", TICKET.tifs)}
        <p class="message" aria-live="polite"></p>
      </div>
      ${field("expires", input("expires", 'type="datetime-local"'))}
      <div data-field="postOnly">
        <label class="check"><input type="checkbox" name="postOnly"> ${TICKET.postOnly} <span class="hint">${TICKET.postOnlyHint}</span></label>
        <p class="message" aria-live="polite"></p>
      </div>
      ${field("display", input("display", 'inputmode="numeric"'))}
      ${field("selfTrade", selfTrades())}
      ${["takeProfit", "stopLoss", "stopLossLimit", "orStop"].map((name) => field(name, input(name, 'inputmode="decimal"'))).join("")}
    </details>
    <dl class="estimate">
      <div><dt class="value-label"></dt><dd class="number value"></dd></div>
      <div><dt>${TICKET.fee}</dt><dd class="number fee"></dd></div>
      <div class="of-average"><dt>${TICKET.average}</dt><dd class="number average"></dd></div>
      <div class="of-at-once"><dt>${TICKET.atOnce}</dt><dd class="number at-once"></dd></div>
      <div><dt class="left-label"></dt><dd class="number left"></dd></div>
    </dl>
    <div class="ticket-end">
      <button class="place" type="submit"><strong></strong><span class="place-detail"></span></button>
      <p class="message form-message" role="status"></p>
    </div>
  </form>`;

function choices(className, label, name, texts) {
  const buttons = Object.entries(texts).map(([value, text]) => `<button type="button" name="${name}" value="${value}">${text}</button>`);
  return `<div class="segments ${className}" role="group" aria-label="${label}">${buttons.join("")}</div>`;
}

function field(name, controls) {
  return `
    <div class="field" data-field="${name}">
      <label for="ticket-${name}">${TICKET.fields[name]}</label>${controls}
      <p class="message" id="ticket-${name}-message" aria-live="polite"></p>
    </div>`;
}

function input(name, attributes = "") {
  const hint = TICKET.hints[name] === undefined ? "" : `placeholder="${TICKET.hints[name]}"`;
  return `<input id="ticket-${name}" class="number" name="${name}" ${attributes} ${hint} aria-describedby="ticket-${name}-message">`;
}

function stepper(name, attributes) {
  return `
    <div class="stepper">${input(name, attributes)}
      <button type="button" name="step" value="${name}-" tabindex="-1" aria-label="${TICKET.lower[name]}">−</button>
      <button type="button" name="step" value="${name}+" tabindex="-1" aria-label="${TICKET.higher[name]}">+</button>
    </div>`;
}

function quickPrices() {
  const buttons = ["bid", "ask"].map((name) => `<button type="button" class="link" name="${name}"></button>`);
  return `<div class="quick-prices">${buttons.join("")}</div>`;
}

function percents() {
  const texts = { 25: "25%", 50: "50%", 75: "75%", 100: TICKET.most };
  return choices("percents", TICKET.percents, "percent", texts).replace("segments ", "");
}

function selfTrades() {
  const options = Object.entries(TICKET.selfTrades).map(([value, text]) => `<option value="${value}">${text}</option>`);
  return `<select id="ticket-selfTrade" name="selfTrade" aria-describedby="ticket-selfTrade-message">${options.join("")}</select>`;
}
