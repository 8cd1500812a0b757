// Changes an open order, in the dialog.

import { RefusedError } from "../answers.js";
import { part } from "../dom.js";
import { changed, fieldsOf } from "../change.js";
import { CHANGE, ACCOUNT } from "../texts.js";
import { fieldOf } from "../ticket.js";
import { fieldMarkup, onSubmit, submitMarkup } from "./form.js";

/**
 * @param {import("./dialog.js").Dialog} dialog @param {object} order @param {object} info of its symbol
 * @param {(command: object) => Promise<object>} send resolves with the market's answer
 */
export function changeOrder(dialog, order, info, send) {
  const fields = fieldsOf(order, info.tick);
  const input = '<input inputmode="decimal" autocomplete="off" class="number">';
  const markup = Object.keys(fields).map((name) => fieldMarkup("change", name, CHANGE[name], input)).join("");
  const content = dialog.show(ACCOUNT.changeOf(order.order_id), `<form>${markup}<p class="hint">${CHANGE.hint}</p>${submitMarkup(CHANGE.send)}</form>`);
  const form = part(content, "form");
  for (const [name, value] of Object.entries(fields)) form.elements.namedItem(name).value = value;
  part(form, "input").select();
  onSubmit(form, {
    busy: CHANGE.sending,
    fieldOf: (refusal) => (fieldOf(refusal) in fields ? fieldOf(refusal) : "form"),
    async submit(typed) {
      const { errors, command } = changed(order, typed, info);
      if (command === null) return errors;
      const answer = await send(command);
      if (answer.type === "refused") throw new RefusedError(answer);
      dialog.close();
      return null;
    },
  });
}
