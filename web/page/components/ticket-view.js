// What the order ticket shows.

import { best } from "../book.js";
import { part, setAttribute, setText } from "../dom.js";
import { leftAfter } from "../estimate.js";
import { formatMoney, formatPrice, formatQuantity, parseQuantity } from "../money.js";
import { availableCash, availableShares } from "../portfolio.js";
import { conditionWords, formatPercent, hasLimit, isForAuction, rests, waits } from "../terms.js";
import { SIDE, TICKET } from "../texts.js";
import { canHave, canPair, effective, fieldOf, sentence } from "../ticket.js";
import { MARKUP, TYPED } from "./ticket-markup.js";

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
}

/** What stands under "More": all of it that this kind of order can have, and in a word what of it is chosen. */
function showMore(root, { draft, checked }) {
  const { kind, tif, postOnly, display, takeProfit, orStop } = effective(draft);
  const atOnce = kind === "market" && !isForAuction(tif);
  for (const button of root.querySelectorAll("[name=tif]")) {
    button.disabled = !canHave(kind, button.value) && !(kind === "market" && button.value === "ioc");
    setAttribute(button, "aria-pressed", String(button.value === (atOnce ? "ioc" : tif)));
    setAttribute(button, "title", TICKET.tifHints[button.value]);
  }
  part(root, "[data-field=expires]").hidden = tif !== "gtd";
  part(root, "[name=postOnly]").disabled = kind !== "limit" || !rests(tif);
  part(root, "[name=display]").disabled = !hasLimit(kind) || !rests(tif);
  part(root, "[data-field=stopLossLimit]").hidden = takeProfit === null;
  part(root, "[name=orStop]").disabled = !canPair(kind, tif);
  const shown = display === null ? 0 : (parseQuantity(display).quantity ?? 0);
  const words = conditionWords({ tif, expires: checked?.expires ?? 0, post_only: postOnly, display: shown });
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

function showQuickPrices(root, { state, info }) {
  const prices = state.book === null || info === undefined ? { bid: 0, ask: 0 } : best(state.book);
  for (const side of ["bid", "ask"]) {
    const button = part(root, `[name=${side}]`);
    setText(button, TICKET[side](formatPrice(prices[side], info?.tick)));
    button.disabled = !prices[side];
  }
}

function showMessages(root, { draft, checked, refusal, told, submitted, confirming }) {
  const about = refusal === null ? null : fieldOf(refusal);
  const { tif, kind } = effective(draft);
  for (const name of [...TYPED, "tif", "postOnly"]) {
    const error = submitted || String(draft[name]).trim() !== "" ? checked?.errors[name] : undefined;
    const wrong = error ?? (about === name ? sentence(refusal) : undefined);
    const plain = name !== "tif" ? "" : kind === "market" && !isForAuction(tif) ? TICKET.marketTif : TICKET.tifHints[tif];
    const warning = checked?.warnings[name];
    showMessage(part(root, `[data-field=${name}] .message`), wrong ?? warning ?? plain, wrong ? "error" : warning ? "warning" : "plain");
    setAttribute(part(root, `[data-field=${name}] [name=${name}]`), "aria-invalid", wrong === undefined ? null : "true");
  }
  const form = part(root, ".form-message");
  if (about === "form") showMessage(form, sentence(refusal), "error");
  else if (confirming > 0) showMessage(form, TICKET.large(confirming), "warning");
  else showMessage(form, told || (checked?.warnings.form ?? ""), told ? "plain" : "warning");
}

function showMessage(element, text, kind) {
  setText(element, text);
  setAttribute(element, "data-kind", kind);
}

function showEstimate(root, { draft, state, checked, info }) {
  const estimate = checked?.estimate ?? null;
  const known = estimate !== null && estimate.value > 0;
  setText(part(root, ".value-label"), draft.side === "buy" ? TICKET.cost : TICKET.proceeds);
  setText(part(root, ".value"), known ? formatMoney(estimate.value) : "–");
  setText(part(root, ".fee"), known ? formatMoney(estimate.fee) : "–");
  setText(part(root, ".average"), known ? formatPrice(estimate.average, info.tick) : "–");
  const all = estimate === null ? 0 : estimate.now + estimate.rest;
  const atOnce = estimate === null || waits(draft.kind) ? "–" : TICKET.partOf(formatQuantity(estimate.now), formatQuantity(all));
  setText(part(root, ".at-once"), atOnce);
  const left = info === undefined ? null : leftAfter(draft.side, estimate, state.portfolio, info.symbol);
  setText(part(root, ".left-label"), TICKET.left[draft.side]);
  setText(part(root, ".left"), left === null ? "–" : draft.side === "buy" ? formatMoney(left) : formatQuantity(left));
  setAttribute(part(root, ".left"), "data-short", left !== null && left < 0 ? "true" : null);
}

function showButton(root, { draft, state, checked, info, sending, confirming }) {
  const button = part(root, ".place");
  const isGuest = state.login === null;
  const isStaff = !isGuest && state.account === null;
  button.disabled = sending || isStaff || (!isGuest && (info === undefined || state.link.status !== "live"));
  setAttribute(button, "data-confirming", confirming > 0 ? "true" : null);
  if (isGuest || isStaff) {
    setText(part(button, "strong"), isGuest ? TICKET.signUp : TICKET.place);
    setText(part(button, ".place-detail"), isGuest ? TICKET.signUpDetail : TICKET.staffDetail);
    return;
  }
  setText(part(button, "strong"), sending ? TICKET.placing : confirming > 0 ? TICKET.confirm : TICKET.place);
  const quantity = checked?.quantity ?? null;
  const words = () => TICKET.summary(SIDE[draft.side], formatQuantity(quantity), info.symbol, priceWords(draft, checked, info));
  setText(part(button, ".place-detail"), quantity === null ? "" : words());
}

function priceWords({ kind }, { price, stop, trail, trailBasisPoints }, { tick }) {
  if (kind === "trailing_stop" && trailBasisPoints !== null) return TICKET.trailing(formatPercent(trailBasisPoints));
  if (kind === "trailing_stop") return trail === null ? "" : TICKET.trailing(formatMoney(trail));
  const at = !hasLimit(kind) ? TICKET.atMarket : price === null ? "" : TICKET.atPrice(formatPrice(price, tick));
  return stop === null ? at : at + TICKET.fromStop(formatPrice(stop, tick));
}
