// A small form of a dialog or a panel: labelled fields, what is wrong beside each, and one button that is busy meanwhile.

import { part, setAttribute, setText } from "../dom.js";
import { UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";

/**
 * Markup of a field. Names and texts are the page's own, never somebody's input.
 * @param {string} form a prefix that makes ids of it @param {string} name
 * @param {string} label @param {string} [control] its markup without id; a text input otherwise
 */
export function fieldMarkup(form, name, label, control = '<input autocomplete="off" spellcheck="false">') {
  const id = `${form}-${name}`;
  const filled = control.replace(/^<(\w+)/, `<$1 id="${id}" name="${name}" aria-describedby="${id}-message"`);
  return `<div class="field" data-field="${name}">
    <label for="${id}">${label}</label>
    ${filled}
    <p class="message" id="${id}-message" data-kind="error" aria-live="polite"></p>
  </div>`;
}

/** Markup of the end of a form: what is wrong with all of it, and the button. */
export function submitMarkup(text, kind = "primary wide") {
  return `<p class="message form-message" data-kind="error" aria-live="polite"></p><button class="${kind}" type="submit">${text}</button>`;
}

/** Says what is wrong, by field; "form" is about all of it. The first such field gets the focus. */
export function showErrors(form, errors) {
  for (const field of form.querySelectorAll("[data-field]")) {
    const text = errors[field.dataset.field] ?? "";
    setText(part(field, ".message"), text);
    setAttribute(form.elements.namedItem(field.dataset.field), "aria-invalid", text === "" ? null : "true");
  }
  setText(part(form, ".form-message"), errors.form ?? "");
  form.querySelector("[aria-invalid]")?.focus();
}

/**
 * Has a form send itself: `submit(values)` returns errors by field (or null to say that all is done), and may throw
 * RefusedError and Unanswered, which are said in words; `fieldOf(refusal)` names the field they are about.
 */
export function onSubmit(form, { busy, submit, fieldOf = () => "form" }) {
  const button = part(form, "[type=submit]");
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    const idle = button.textContent;
    setText(button, busy);
    button.disabled = true;
    try {
      showErrors(form, (await submit(Object.fromEntries(new FormData(form)))) ?? {});
    } catch (error) {
      if (error.name === "RefusedError") showErrors(form, { [fieldOf(error)]: sentence(error) });
      else if (error.name === "Unanswered" || error.name === "OutcomeUnknown") showErrors(form, { form: UNANSWERED });
      else throw error;
    } finally {
      if (button.textContent === busy) setText(button, idle); // It may be about something else now.
      button.disabled = false;
    }
  });
  form.addEventListener("input", ({ target }) => {
    const field = target.closest("[data-field]");
    if (field === null) return;
    setText(part(field, ".message"), "");
    setAttribute(target, "aria-invalid", null);
  });
}
