// What the order ticket looks like.

import { best } from "../book.js";
import { part, setAttribute, setText } from "../dom.js";
import { formatMoney, formatPrice, formatQuantity, parseQuantity } from "../money.js";
import { availableCash, availableShares } from "../portfolio.js";
import { conditionWords, formatPercent, hasLimit, isForAuction, rests, waits } from "../terms.js";
import { SIDE, TICKET } from "../texts.js";
import { canHave, canPair, effective, fieldOf, sentence } from "../ticket.js";

const MARKUP = `
  <h2 class="unseen" id="ticket-title">${TICKET.title}</h2>
  <form novalidate autocomplete="off">
    <div class="segments sides" role="group" aria-label="${TICKET.side}">
      <button type="button" name="side" value="buy">${SIDE.buy}</button><button type="button" name="side" value="sell">${SIDE.sell}</button>
    </div>
    <div class="ticket-row">
      <div class="segments kinds" role="group" aria-label="${TICKET.kind}">
        <button type="button" name="kind" value="limit">${TICKET.kinds.limit}</button><button type="button" name="kind" value="market">${TICKET.kinds.market}</button>
        <button type="button" name="kind" value="stop">${TICKET.kinds.stop}</button>
      </div>
      <span class="spendable">${TICKET.available} <b class="number"></b></span>
    </div>
    <div class="segments after" role="group" aria-label="${TICKET.after}">
      <button type="button" name="kind" value="stop">${TICKET.afters.stop}</button><button type="button" name="kind" value="stop_limit">${TICKET.afters.stop_limit}</button>
      <button type="button" name="kind" value="trailing_stop">${TICKET.afters.trailing_stop}</button>
    </div>
    <div class="field" data-field="stop">
      <label for="ticket-stop">${TICKET.stop}</label>
      <div class="stepper">
        <input id="ticket-stop" class="number" name="stop" inputmode="decimal" aria-describedby="ticket-stop-message">
        <button type="button" name="step" value="stop-" tabindex="-1" aria-label="${TICKET.lower.stop}">−</button>
        <button type="button" name="step" value="stop+" tabindex="-1" aria-label="${TICKET.higher.stop}">+</button>
      </div>
      <p class="message" id="ticket-stop-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="trail">
      <label for="ticket-trail">${TICKET.trail}</label>
      <input id="ticket-trail" class="number" name="trail" placeholder="${TICKET.trailHint}" aria-describedby="ticket-trail-message">
      <p class="message" id="ticket-trail-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="price">
      <label for="ticket-price">${TICKET.price}</label>
      <div class="quick-prices">
        <button type="button" class="link" name="bid"></button><button type="button" class="link" name="ask"></button>
      </div>
      <div class="stepper">
        <input id="ticket-price" class="number" name="price" inputmode="decimal" aria-describedby="ticket-price-message">
        <button type="button" name="step" value="price-" tabindex="-1" aria-label="${TICKET.lower.price}">−</button>
        <button type="button" name="step" value="price+" tabindex="-1" aria-label="${TICKET.higher.price}">+</button>
      </div>
      <p class="message" id="ticket-price-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="quantity">
      <label for="ticket-quantity">${TICKET.quantity}</label>
      <div class="stepper">
        <input id="ticket-quantity" class="number" name="quantity" inputmode="numeric" value="100"
          aria-describedby="ticket-quantity-message">
        <button type="button" name="step" value="quantity-" tabindex="-1" aria-label="${TICKET.lower.quantity}">−</button>
        <button type="button" name="step" value="quantity+" tabindex="-1" aria-label="${TICKET.higher.quantity}">+</button>
      </div>
      <div class="percents" role="group" aria-label="${TICKET.percents}">
        <button type="button" name="percent" value="25">25%</button><button type="button" name="percent" value="50">50%</button>
        <button type="button" name="percent" value="75">75%</button><button type="button" name="percent" value="100">${TICKET.most}</button>
      </div>
      <p class="message" id="ticket-quantity-message" aria-live="polite"></p>
    </div>
    <details class="more">
      <summary>${TICKET.more} <span class="more-chosen"></span></summary>
      <div class="segments tifs" role="group" aria-label="${TICKET.tif}">
        <button type="button" name="tif" value="gtc" title="${TICKET.tifTitles.gtc}">${TICKET.tifs.gtc}</button>
        <button type="button" name="tif" value="day" title="${TICKET.tifTitles.day}">${TICKET.tifs.day}</button>
        <button type="button" name="tif" value="ioc" title="${TICKET.tifTitles.ioc}">${TICKET.tifs.ioc}</button>
        <button type="button" name="tif" value="fok" title="${TICKET.tifTitles.fok}">${TICKET.tifs.fok}</button>
        <button type="button" name="tif" value="opg" title="${TICKET.tifTitles.opg}">${TICKET.tifs.opg}</button>
        <button type="button" name="tif" value="cls" title="${TICKET.tifTitles.cls}">${TICKET.tifs.cls}</button>
      </div>
      <p class="hint tif-hint"></p>
      <label class="check"><input type="checkbox" name="post-only"> ${TICKET.postOnly} <span class="hint">${TICKET.postOnlyHint}</span></label>
      <div class="field" data-field="display">
        <label for="ticket-display">${TICKET.display}</label>
        <input id="ticket-display" class="number" name="display" inputmode="numeric" placeholder="${TICKET.all}"
          aria-describedby="ticket-display-message">
        <p class="message" id="ticket-display-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="takeProfit">
        <label for="ticket-take-profit">${TICKET.takeProfit}</label>
        <input id="ticket-take-profit" class="number" name="takeProfit" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-take-profit-message">
        <p class="message" id="ticket-take-profit-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="stopLoss">
        <label for="ticket-stop-loss">${TICKET.stopLoss}</label>
        <input id="ticket-stop-loss" class="number" name="stopLoss" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-stop-loss-message">
        <p class="message" id="ticket-stop-loss-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="orStop">
        <label for="ticket-or-stop">${TICKET.orStop}</label>
        <input id="ticket-or-stop" class="number" name="orStop" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-or-stop-message">
        <p class="message" id="ticket-or-stop-message" aria-live="polite"></p>
      </div>
    </details>
    <dl class="estimate">
      <div><dt class="value-label"></dt><dd class="number value"></dd></div>
      <div><dt>${TICKET.average}</dt><dd class="number average"></dd></div>
      <div><dt>${TICKET.atOnce}</dt><dd class="number at-once"></dd></div>
    </dl>
    <div class="ticket-end">
      <button class="place" type="submit"><strong></strong><span class="place-detail"></span></button>
      <p class="message form-message" role="status"></p>
    </div>
  </form>`;

/** Fills `root`, once. @returns {HTMLFormElement} */
export function buildTicket(root) {
  root.innerHTML = MARKUP;
  return part(root, "form");
}

/** Shows the ticket: complete, and any number of times. */
export function showTicket(root, ticket) {
  showChoices(root, ticket);
  showSpendable(root, ticket);
  showQuickPrices(root, ticket);
  showMore(root, ticket);
  showMessages(root, ticket);
  showEstimate(root, ticket);
  showButton(root, ticket);
}

function showChoices(root, { draft }) {
  setAttribute(root, "data-side", draft.side);
  setAttribute(root, "data-kind", draft.kind);
  for (const name of ["side", "kind"]) {
    for (const button of root.querySelectorAll(`[name=${name}]`)) {
      setAttribute(button, "aria-pressed", String(button.value === draft[name]));
    }
  }
  setAttribute(part(root, ".kinds [value=stop]"), "aria-pressed", String(waits(draft.kind)));
  part(root, "[name=price]").disabled = draft.kind === "market";
}

/** What stands under "More": all of it that this kind of order can have, and in a word what of it is chosen. */
function showMore(root, { draft }) {
  const { kind, tif, postOnly, display, takeProfit, orStop } = effective(draft);
  const atOnce = kind === "market" && !isForAuction(tif);
  for (const button of root.querySelectorAll("[name=tif]")) {
    button.disabled = !canHave(kind, button.value) && !(kind === "market" && button.value === "ioc");
    setAttribute(button, "aria-pressed", String(button.value === (atOnce ? "ioc" : tif)));
  }
  setText(part(root, ".tif-hint"), atOnce ? TICKET.marketTif : TICKET.tifHints[tif]);
  part(root, "[name=post-only]").disabled = kind !== "limit" || !rests(tif);
  part(root, "[name=display]").disabled = !hasLimit(kind) || !rests(tif);
  const shown = display === null ? 0 : (parseQuantity(display).quantity ?? 0);
  part(root, "[name=orStop]").disabled = !canPair(kind, tif);
  const words = conditionWords({ tif, post_only: postOnly, display: shown });
  if (takeProfit !== null) words.push(TICKET.bracket);
  else if (orStop !== null) words.push(TICKET.pair);
  setText(part(root, ".more-chosen"), words.join(", "));
}

function showSpendable(root, { draft, state, info }) {
  const { portfolio } = state;
  let text = "–";
  if (portfolio !== null && info !== undefined) {
    const shares = () => `${formatQuantity(availableShares(portfolio, info.symbol))} ${info.symbol}`;
    text = draft.side === "buy" ? formatMoney(availableCash(portfolio)) : shares();
  }
  setText(part(root, ".spendable b"), text);
  for (const button of root.querySelectorAll("[name=percent]")) button.disabled = portfolio === null;
}

function showQuickPrices(root, { draft, state, info }) {
  const prices = state.book === null || info === undefined ? { bid: 0, ask: 0 } : best(state.book);
  for (const side of ["bid", "ask"]) {
    const button = part(root, `[name=${side}]`);
    setText(button, TICKET[side](formatPrice(prices[side], info?.tick)));
    button.disabled = !prices[side] || draft.kind === "market";
  }
}

function showMessages(root, { draft, checked, refusal, told, submitted }) {
  const about = refusal === null ? null : fieldOf(refusal);
  for (const name of ["price", "stop", "trail", "quantity", "display", "takeProfit", "stopLoss", "orStop"]) {
    const error = submitted || draft[name].trim() !== "" ? checked?.errors[name] : undefined;
    const wrong = error ?? (about === name ? sentence(refusal) : undefined);
    showMessage(part(root, `[data-field=${name}] .message`), wrong ?? checked?.warnings[name] ?? "", wrong ? "error" : "warning");
    setAttribute(part(root, `[name=${name}]`), "aria-invalid", wrong === undefined ? null : "true");
  }
  const isRefused = about === "form";
  showMessage(part(root, ".form-message"), isRefused ? sentence(refusal) : told, isRefused ? "error" : "plain");
}

function showMessage(element, text, kind) {
  setText(element, text);
  setAttribute(element, "data-kind", kind);
}

function showEstimate(root, { draft, checked, info }) {
  const estimate = checked?.estimate ?? null;
  const known = estimate !== null && estimate.value > 0;
  setText(part(root, ".value-label"), draft.side === "buy" ? TICKET.cost : TICKET.proceeds);
  setText(part(root, ".value"), known ? formatMoney(estimate.value) : "–");
  setText(part(root, ".average"), known ? formatPrice(estimate.average, info.tick) : "–");
  const all = estimate === null ? 0 : estimate.now + estimate.rest;
  const atOnce = estimate === null || waits(draft.kind) ? "–" : TICKET.partOf(formatQuantity(estimate.now), formatQuantity(all));
  setText(part(root, ".at-once"), atOnce);
}

function showButton(root, { draft, state, checked, info, sending }) {
  const button = part(root, ".place");
  const isGuest = state.account === null;
  button.disabled = sending || (!isGuest && (info === undefined || state.link.status !== "live"));
  if (isGuest) {
    setText(part(button, "strong"), TICKET.signUp);
    setText(part(button, ".place-detail"), TICKET.signUpDetail);
    return;
  }
  setText(part(button, "strong"), sending ? TICKET.placing : TICKET.place);
  const quantity = checked?.quantity ?? null;
  const what = quantity === null ? "" : TICKET.summary(SIDE[draft.side], formatQuantity(quantity), info.symbol, priceWords(draft, checked, info));
  setText(part(button, ".place-detail"), what);
}

function priceWords({ kind }, { price, stop, trail, trailBasisPoints }, { tick }) {
  if (kind === "trailing_stop" && trailBasisPoints !== null) return TICKET.trailing(formatPercent(trailBasisPoints));
  if (kind === "trailing_stop") return trail === null ? "" : TICKET.trailing(formatMoney(trail));
  const at = !hasLimit(kind) ? TICKET.atMarket : price === null ? "" : TICKET.atPrice(formatPrice(price, tick));
  return stop === null ? at : at + TICKET.fromStop(formatPrice(stop, tick));
}
