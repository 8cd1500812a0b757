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
    <p class="step" aria-live="polite"></p>
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
    <button type="button" class="ghost" name="back">${LOG_IN.back}</button>
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
  #step = 1; // Of signing up: a name, then a password.
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
    part(dialog, "[name=back]").addEventListener("click", () => this.#choose("sign-up"));
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

  #choose(mode, step = 1) {
    this.#mode = mode;
    this.#step = step;
    for (const name of ["account", "password", "invitation"]) this.#say(name, "");
    this.#render();
    (step === 1 ? this.#account : this.#password).focus();
  }

  async #submit() {
    const [account, password] = [this.#account.value, this.#password.value];
    const isFirst = this.#mode === "sign-up" && this.#step === 1;
    const noPassword = password === "" ? LOG_IN.noPassword : "";
    const badName = nameProblem(account, this.#mode);
    if (isFirst && !badName) return this.#choose("sign-up", 2);
    this.#say("account", badName);
    this.#say("password", isFirst ? "" : noPassword);
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
      if (this.#mode === "sign-up" && failure.field === "account") this.#choose("sign-up");
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
    const signingUp = this.#mode === "sign-up";
    const isFirst = signingUp && this.#step === 1;
    setText(part(this.#dialog, ".lead"), signingUp && !isFirst ? LOG_IN.passwordLead(this.#account.value) : texts.lead);
    setText(part(this.#dialog, ".step"), signingUp ? LOG_IN.step(this.#step) : "");
    part(this.#dialog, ".step").hidden = !signingUp;
    part(this.#dialog, "[name=back]").hidden = !signingUp || isFirst;
    part(this.#dialog, "[data-field=account]").hidden = signingUp && !isFirst;
    part(this.#dialog, "[data-field=password]").hidden = isFirst;
    setText(part(this.#dialog, ".switch span"), texts.question);
    setText(part(this.#dialog, "[name=switch]"), texts.other);
    setText(button, this.#busy ? texts.busy : isFirst ? LOG_IN.next : texts.button);
    setAttribute(this.#password, "autocomplete", signingUp ? "new-password" : "current-password");
    part(this.#dialog, "[data-field=invitation]").hidden = !signingUp || isFirst || !this.#byInvitation;
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
