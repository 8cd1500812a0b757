// One account, for whoever operates the market: what it has, deposits, freezing, resetting, closing.

import { fromMarkup, part, setText } from "../dom.js";
import { formatMoney, formatQuantity, formatSigned, parsePrice, parseQuantity } from "../money.js";
import { close, reset } from "../operation.js";
import { availableCash } from "../portfolio.js";
import { ACCOUNTS as TEXTS, LOADING, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";
import { fieldMarkup, onSubmit, submitMarkup } from "./form.js";

const REASON = '<input maxlength="100" autocomplete="off">';
const MARKUP = `
  <p class="lead" hidden></p>
  <dl class="amounts facts">${Object.entries(TEXTS.facts).map(([name, title]) => `<div><dt>${title}</dt><dd class="number ${name}">–</dd></div>`).join("")}</dl>
  <div class="operations">
    <form class="deposit"><h3>${TEXTS.deposit}</h3>
      ${fieldMarkup("deposit", "asset", TEXTS.asset, "<select></select>")}
      ${fieldMarkup("deposit", "amount", TEXTS.amount, '<input inputmode="decimal" class="number" autocomplete="off">')}
      ${fieldMarkup("deposit", "reason", TEXTS.why, REASON)}
      ${submitMarkup(TEXTS.book, "primary")}
    </form>
    <form class="standing-form"><h3>${TEXTS.standingTitle}</h3>
      ${fieldMarkup("standing", "reason", TEXTS.why, REASON)}<p class="hint">${TEXTS.freezeHint}</p>
      ${submitMarkup(TEXTS.freeze, "primary")}
    </form>
    <form class="end-form"><h3>${TEXTS.endTitle}</h3><p class="hint"></p>
      ${fieldMarkup("end", "confirm", TEXTS.confirm, '<input autocapitalize="none" autocomplete="off" spellcheck="false">')}
      <p class="message form-message" data-kind="error" aria-live="polite"></p>
      <div class="buttons"><button class="primary" type="submit">${TEXTS.reset}</button><button type="button" class="ghost danger" name="close">${TEXTS.close}</button></div>
    </form>
  </div>`;

/**
 * @param {{ ask: Function, toast: Function, dialog: object }} actions
 * @param {string} account @param {{ role: string, symbols: object[] }} state
 * @param {() => void} changed something about the account is different now
 */
export async function manageAccount({ ask, toast, dialog }, account, { role, symbols }, changed) {
  const content = dialog.show(account, MARKUP, { wide: true });
  const lead = part(content, ".lead");
  let standing = "";
  part(content, ".operations").hidden = role !== "operator";
  setText(part(content, ".end-form .hint"), TEXTS.endHint(account));

  const refresh = async () => {
    try {
      const portfolio = await ask("portfolio", { account });
      standing = portfolio.standing;
      showFacts(content, portfolio);
      lead.hidden = true;
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      lead.hidden = false;
      setText(lead, error.name === "Unanswered" ? UNANSWERED : sentence(error));
    }
  };
  const done = async (detail) => {
    toast(detail);
    changed();
    await refresh();
  };

  part(content, "#deposit-asset").append(...["CASH", ...symbols.map(({ symbol }) => symbol)].map((asset) => new Option(asset, asset)));
  let key = crypto.randomUUID(); // Sent again with it, a deposit is booked once.
  const deposit = part(content, ".deposit");
  onSubmit(deposit, {
    busy: TEXTS.booking,
    async submit({ asset, amount, reason }) {
      const { units, problem } = amountOf(asset, amount);
      if (problem !== undefined) return { amount: problem };
      const { detail } = await ask("deposit", { account, asset, amount: units, key, ...(reason ? { reason } : {}) });
      key = crypto.randomUUID();
      deposit.reset();
      await done(detail);
      return null;
    },
  });
  onSubmit(part(content, ".standing-form"), {
    busy: TEXTS.changing,
    async submit({ reason }) {
      const { detail } = await ask(standing === "frozen" ? "unfreeze" : "freeze", { account, reason });
      await done(detail);
      return null;
    },
  });
  endForm(part(content, ".end-form"), { ask, account, done });
  setText(lead, LOADING);
  lead.hidden = false;
  await refresh();
}

/** Resetting is what the form sends; closing has a button of its own. Both want the account's name typed. */
function endForm(form, { ask, account, done }) {
  let verb = "reset";
  part(form, "[name=close]").addEventListener("click", () => {
    verb = "close";
    form.requestSubmit();
  });
  onSubmit(form, {
    busy: TEXTS.changing,
    async submit({ confirm }) {
      const wanted = verb;
      verb = "reset";
      if (confirm.trim() !== account) return { confirm: TEXTS.notConfirmed };
      try {
        await (wanted === "reset" ? reset(ask, account) : close(ask, account, ""));
      } catch (error) {
        if (error.name !== "OrdersStay") throw error;
        return { form: TEXTS.ordersStay(account) };
      }
      form.reset();
      await done(`${account}: ${TEXTS[wanted].toLowerCase()}`);
      return null;
    },
  });
}

function amountOf(asset, text) {
  const negative = /^\s*[-−]/.test(text);
  const size = text.trim().replace(/^[-−]\s*/, "");
  const { units, quantity, problem } = asset === "CASH" ? parsePrice(size) : parseQuantity(size);
  if (problem !== undefined) return { problem: asset === "CASH" ? TEXTS.notMoney : TEXTS.notShares };
  return { units: (units ?? quantity) * (negative ? -1 : 1) };
}

function showFacts(content, portfolio) {
  const facts = {
    standing: TEXTS.standings[portfolio.standing],
    cash: formatMoney(availableCash(portfolio) + portfolio.cash_held),
    held: formatMoney(portfolio.cash_held),
    equity: formatMoney(portfolio.equity),
    realized: formatSigned(portfolio.realized),
    fees: formatMoney(portfolio.fees),
    orders: formatQuantity(portfolio.orders.length + portfolio.orders_left_out),
  };
  for (const [name, text] of Object.entries(facts)) setText(part(content, `dd.${name}`), text);
  const list = part(content, ".facts");
  for (const old of list.querySelectorAll(".position")) old.remove();
  for (const { symbol, quantity } of portfolio.positions) {
    const row = fromMarkup('<div class="position"><dt></dt><dd class="number"></dd></div>');
    setText(row.firstElementChild, symbol);
    setText(row.lastElementChild, formatQuantity(quantity));
    list.append(row);
  }
  const closed = portfolio.standing === "closed";
  for (const form of content.querySelectorAll(".operations form")) form.hidden = closed;
  setText(part(content, ".standing-form [type=submit]"), portfolio.standing === "frozen" ? TEXTS.unfreeze : TEXTS.freeze);
}
