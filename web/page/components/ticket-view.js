// What the order ticket looks like.

import { best } from "../book.js";
import { part, setAttribute, setText } from "../dom.js";
import { formatMoney, formatPrice, formatQuantity, parseQuantity } from "../money.js";
import { availableCash, availableShares } from "../portfolio.js";
import { conditionWords, formatPercent, hasLimit, isForAuction, rests, waits } from "../terms.js";
import { canHave, canPair, effective, fieldOf, sentence } from "../ticket.js";

const TIF_HINTS = {
  gtc: "Good till cancelled.",
  day: "Ends with the day: when the market closes, or at midnight if it never does.",
  ioc: "Immediate or cancel: what cannot trade at once is cancelled.",
  fok: "Fill or kill: all of it at once, or none.",
  opg: "Only for the opening auction: what does not trade there is cancelled.",
  cls: "Only for the closing auction: waits for it, and what does not trade there is cancelled.",
};

const MARKUP = `
  <h2 class="unseen" id="ticket-title">Order ticket</h2>
  <form novalidate autocomplete="off">
    <div class="segments sides" role="group" aria-label="Side">
      <button type="button" name="side" value="buy">Buy</button><button type="button" name="side" value="sell">Sell</button>
    </div>
    <div class="ticket-row">
      <div class="segments kinds" role="group" aria-label="Kind of order">
        <button type="button" name="kind" value="limit">Limit</button><button type="button" name="kind" value="market">Market</button>
        <button type="button" name="kind" value="stop">Stop</button>
      </div>
      <span class="spendable">Available <b class="number"></b></span>
    </div>
    <div class="segments after" role="group" aria-label="What the stop becomes">
      <button type="button" name="kind" value="stop">Market</button><button type="button" name="kind" value="stop_limit">Limit</button>
      <button type="button" name="kind" value="trailing_stop">Trailing</button>
    </div>
    <div class="field" data-field="stop">
      <label for="ticket-stop">Stop price</label>
      <div class="stepper">
        <input id="ticket-stop" class="number" name="stop" inputmode="decimal" aria-describedby="ticket-stop-message">
        <button type="button" name="step" value="stop-" tabindex="-1" aria-label="Lower stop price">−</button>
        <button type="button" name="step" value="stop+" tabindex="-1" aria-label="Higher stop price">+</button>
      </div>
      <p class="message" id="ticket-stop-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="trail">
      <label for="ticket-trail">Trails the price by</label>
      <input id="ticket-trail" class="number" name="trail" placeholder="0.50 or 2%" aria-describedby="ticket-trail-message">
      <p class="message" id="ticket-trail-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="price">
      <label for="ticket-price">Price</label>
      <div class="quick-prices">
        <button type="button" class="link" name="bid"></button><button type="button" class="link" name="ask"></button>
      </div>
      <div class="stepper">
        <input id="ticket-price" class="number" name="price" inputmode="decimal" aria-describedby="ticket-price-message">
        <button type="button" name="step" value="price-" tabindex="-1" aria-label="Lower price">−</button>
        <button type="button" name="step" value="price+" tabindex="-1" aria-label="Higher price">+</button>
      </div>
      <p class="message" id="ticket-price-message" aria-live="polite"></p>
    </div>
    <div class="field" data-field="quantity">
      <label for="ticket-quantity">Shares</label>
      <div class="stepper">
        <input id="ticket-quantity" class="number" name="quantity" inputmode="numeric" value="100"
          aria-describedby="ticket-quantity-message">
        <button type="button" name="step" value="quantity-" tabindex="-1" aria-label="Fewer shares">−</button>
        <button type="button" name="step" value="quantity+" tabindex="-1" aria-label="More shares">+</button>
      </div>
      <div class="percents" role="group" aria-label="Part of what is available">
        <button type="button" name="percent" value="25">25%</button><button type="button" name="percent" value="50">50%</button>
        <button type="button" name="percent" value="75">75%</button><button type="button" name="percent" value="100">Max</button>
      </div>
      <p class="message" id="ticket-quantity-message" aria-live="polite"></p>
    </div>
    <details class="more">
      <summary>More <span class="more-chosen"></span></summary>
      <div class="segments tifs" role="group" aria-label="Time in force">
        <button type="button" name="tif" value="gtc" title="Until cancelled">GTC</button>
        <button type="button" name="tif" value="day" title="Until the end of the day">Day</button>
        <button type="button" name="tif" value="ioc" title="Immediate or cancel">IOC</button>
        <button type="button" name="tif" value="fok" title="Fill or kill">FOK</button>
        <button type="button" name="tif" value="opg" title="At the opening">OPG</button>
        <button type="button" name="tif" value="cls" title="At the close">CLS</button>
      </div>
      <p class="hint tif-hint"></p>
      <label class="check"><input type="checkbox" name="post-only"> Post-only <span class="hint">never trades at once</span></label>
      <div class="field" data-field="display">
        <label for="ticket-display">Show at a time</label>
        <input id="ticket-display" class="number" name="display" inputmode="numeric" placeholder="All"
          aria-describedby="ticket-display-message">
        <p class="message" id="ticket-display-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="takeProfit">
        <label for="ticket-take-profit">Then take profit at</label>
        <input id="ticket-take-profit" class="number" name="takeProfit" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-take-profit-message">
        <p class="message" id="ticket-take-profit-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="stopLoss">
        <label for="ticket-stop-loss">or stop the loss at</label>
        <input id="ticket-stop-loss" class="number" name="stopLoss" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-stop-loss-message">
        <p class="message" id="ticket-stop-loss-message" aria-live="polite"></p>
      </div>
      <div class="field" data-field="orStop">
        <label for="ticket-or-stop">Instead, from a stop price on</label>
        <input id="ticket-or-stop" class="number" name="orStop" inputmode="decimal" placeholder="–"
          aria-describedby="ticket-or-stop-message">
        <p class="message" id="ticket-or-stop-message" aria-live="polite"></p>
      </div>
    </details>
    <dl class="estimate">
      <div><dt class="value-label"></dt><dd class="number value"></dd></div>
      <div><dt>Average price</dt><dd class="number average"></dd></div>
      <div><dt>Trades at once</dt><dd class="number at-once"></dd></div>
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
  setText(part(root, ".tif-hint"), atOnce ? "A market order trades at once or not at all." : TIF_HINTS[tif]);
  part(root, "[name=post-only]").disabled = kind !== "limit" || !rests(tif);
  part(root, "[name=display]").disabled = !hasLimit(kind) || !rests(tif);
  const shown = display === null ? 0 : (parseQuantity(display).quantity ?? 0);
  part(root, "[name=orStop]").disabled = !canPair(kind, tif);
  const words = conditionWords({ tif, post_only: postOnly, display: shown });
  if (takeProfit !== null) words.push("bracket");
  else if (orStop !== null) words.push("pair");
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
  for (const [side, word] of [["bid", "Bid"], ["ask", "Ask"]]) {
    const button = part(root, `[name=${side}]`);
    setText(button, `${word} ${formatPrice(prices[side], info?.tick)}`);
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
  setText(part(root, ".value-label"), draft.side === "buy" ? "Estimated cost" : "Estimated proceeds");
  setText(part(root, ".value"), known ? formatMoney(estimate.value) : "–");
  setText(part(root, ".average"), known ? formatPrice(estimate.average, info.tick) : "–");
  const all = estimate === null ? 0 : estimate.now + estimate.rest;
  const atOnce = estimate === null || waits(draft.kind) ? "–" : `${formatQuantity(estimate.now)} of ${formatQuantity(all)}`;
  setText(part(root, ".at-once"), atOnce);
}

function showButton(root, { draft, state, checked, info, sending }) {
  const button = part(root, ".place");
  const isGuest = state.account === null;
  button.disabled = sending || (!isGuest && (info === undefined || state.link.status !== "live"));
  if (isGuest) {
    setText(part(button, "strong"), "Sign up to trade");
    setText(part(button, ".place-detail"), "It takes a name and a password");
    return;
  }
  setText(part(button, "strong"), sending ? "Placing…" : "Place order");
  const verb = draft.side === "buy" ? "Buy" : "Sell";
  const quantity = checked?.quantity ?? null;
  const what = quantity === null ? "" : `${verb} ${formatQuantity(quantity)} ${info.symbol}${priceWords(draft, checked, info)}`;
  setText(part(button, ".place-detail"), what);
}

function priceWords({ kind }, { price, stop, trail, trailBasisPoints }, { tick }) {
  if (kind === "trailing_stop" && trailBasisPoints !== null) return `, trailing ${formatPercent(trailBasisPoints)}`;
  if (kind === "trailing_stop") return trail === null ? "" : `, trailing ${formatMoney(trail)}`;
  const at = !hasLimit(kind) ? " at market" : price === null ? "" : ` at ${formatPrice(price, tick)}`;
  return stop === null ? at : `${at} from ${formatPrice(stop, tick)}`;
}
