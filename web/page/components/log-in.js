// The dialog to log in and to sign up.

import { part, setAttribute, setText } from "../dom.js";
import { CLOSE, LOG_IN, UNANSWERED } from "../texts.js";
import { sentence } from "../ticket.js";

const MARKUP = `
  <form novalidate>
    <button type="button" class="icon-button close" aria-label="${CLOSE}">
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
    </button>
    <h2 id="log-in-title"></h2>
    <p class="lead"></p>
    <div class="field" data-field="account">
      <label for="log-in-account">${LOG_IN.account}</label>
      <input id="log-in-account" name="account" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="65"
        aria-describedby="log-in-account-message">
      <p class="message" id="log-in-account-message" data-kind="error" aria-live="polite"></p>
    </div>
    <div class="field" data-field="password">
      <label for="log-in-password">${LOG_IN.password}</label>
      <input id="log-in-password" name="password" type="password" autocomplete="current-password"
        aria-describedby="log-in-password-message">
      <p class="message" id="log-in-password-message" data-kind="error" aria-live="polite"></p>
    </div>
    <div class="field" data-field="invitation">
      <label for="log-in-invitation">${LOG_IN.invitation}</label>
      <input id="log-in-invitation" name="invitation" autocomplete="off" autocapitalize="none" spellcheck="false"
        aria-describedby="log-in-invitation-message">
      <p class="message" id="log-in-invitation-message" data-kind="error" aria-live="polite"></p>
    </div>
    <button class="primary wide" type="submit"></button>
    <p class="switch"><span></span> <button type="button" class="link" name="switch"></button></p>
  </form>`;

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const LOGIN = /^([a-z0-9][a-z0-9_-]{0,31}@)?[a-z0-9][a-z0-9_-]{0,31}$/; // bert@alice is of alice's team.

export class LogIn {
  #dialog;
  #actions;
  #account;
  #password;
  #invitation;
  #mode = "log-in";
  #byInvitation = false;
  #busy = false;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {{ logIn: Function, signUp: Function }} actions both (account, password, invitation), rejecting with RefusedError
   * or Unanswered
   */
  constructor(dialog, actions) {
    this.#dialog = dialog;
    this.#actions = actions;
    dialog.innerHTML = MARKUP;
    this.#account = part(dialog, "[name=account]");
    this.#password = part(dialog, "[name=password]");
    this.#invitation = part(dialog, "[name=invitation]");
    part(dialog, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#busy) this.#submit();
    });
    this.#account.addEventListener("input", () => {
      this.#account.value = this.#account.value.toLowerCase();
      this.#say("account", "");
    });
    for (const name of ["password", "invitation"]) {
      part(dialog, `[name=${name}]`).addEventListener("input", () => this.#say(name, ""));
    }
    part(dialog, "[name=switch]").addEventListener("click", () => this.#choose(this.#mode === "log-in" ? "sign-up" : "log-in"));
    part(dialog, ".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // The backdrop.
    });
  }

  /** @param {"log-in" | "sign-up"} mode @param {{ sign_up: boolean, invitation: boolean }} market whether people may sign up */
  open(mode, { sign_up: allowed, invitation }) {
    this.#byInvitation = invitation;
    part(this.#dialog, ".switch").hidden = !allowed;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#choose(allowed ? mode : "log-in");
  }

  #choose(mode) {
    this.#mode = mode;
    for (const name of ["account", "password", "invitation"]) this.#say(name, "");
    this.#render();
    this.#account.focus();
  }

  async #submit() {
    const [account, password] = [this.#account.value, this.#password.value];
    const noPassword = password === "" ? LOG_IN.noPassword : "";
    const badName = nameProblem(account, this.#mode);
    this.#say("account", badName);
    this.#say("password", noPassword);
    if (badName || noPassword) return (badName ? this.#account : this.#password).focus();
    this.#busy = true;
    this.#render();
    const failure = await this.#attempt(account, password);
    this.#busy = false;
    this.#render();
    if (failure === null) {
      this.#password.value = "";
      this.#dialog.close();
    } else {
      this.#say(failure.field, failure.text);
      part(this.#dialog, `[name=${failure.field}]`).focus();
    }
  }

  async #attempt(account, password) {
    try {
      await (this.#mode === "log-in" ? this.#actions.logIn : this.#actions.signUp)(account, password, this.#invitation.value);
      return null;
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      return failureOf(error);
    }
  }

  #say(name, text) {
    setText(part(this.#dialog, `[data-field=${name}] .message`), text);
    setAttribute(part(this.#dialog, `[name=${name}]`), "aria-invalid", text === "" ? null : "true");
  }

  #render() {
    const texts = LOG_IN.modes[this.#mode];
    const button = part(this.#dialog, "[type=submit]");
    setText(part(this.#dialog, "h2"), texts.title);
    setText(part(this.#dialog, ".lead"), texts.lead);
    setText(part(this.#dialog, ".switch span"), texts.question);
    setText(part(this.#dialog, "[name=switch]"), texts.other);
    setText(button, this.#busy ? texts.busy : texts.button);
    setAttribute(this.#password, "autocomplete", this.#mode === "log-in" ? "current-password" : "new-password");
    part(this.#dialog, "[data-field=invitation]").hidden = this.#mode === "log-in" || !this.#byInvitation;
    button.disabled = this.#busy;
  }
}

function nameProblem(name, mode) {
  if (name === "") return LOG_IN.noName;
  return (mode === "log-in" ? LOGIN : NAME).test(name) ? "" : LOG_IN.badName;
}

function failureOf(error) {
  if (error.name === "Unanswered") return { field: "password", text: UNANSWERED };
  if (error.reason === "log_in") return { field: "password", text: LOG_IN.mismatch };
  if (error.reason === "slow_down") return { field: "password", text: sentence(error) };
  return { field: ["password", "invitation"].includes(error.reason) ? error.reason : "account", text: sentence(error) };
}
