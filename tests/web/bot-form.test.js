import assert from "node:assert/strict";
import { test } from "node:test";
import { fileOf, scalar } from "../../web/page/bot-form.js";

const FIELDS = {
  made: "rules", name: "riser", symbol: "KRYP", value: "rsi(14, 1m)", comparison: "<=", number: "30", side: "buy", quantity: "10", price: "market",
  gain: "", loss: "", again: "", positionMax: "", lossMax: "", strategy: "twap", parameters: {}, related: "",
};

test("a rule", () => {
  assert.equal(fileOf(FIELDS), "bot: riser\nsymbol: KRYP\nrules:\n  - when: rsi(14, 1m) <= 30\n    do: buy 10 at market\n");
  assert.equal(
    fileOf({ ...FIELDS, gain: "5", loss: "3", again: "5m", positionMax: "100", lossMax: "500" }),
    "bot: riser\nsymbol: KRYP\nlimits: {position: 100, loss: 500}\nrules:\n  - when: rsi(14, 1m) <= 30\n    do: buy 10 at market\n" +
      "    then:\n      - when: unrealized >= 5 or unrealized <= -3\n        do: flatten\n    again: after 5m\n",
  );
});

test("a strategy with what is not as usual", () => {
  const fields = { ...FIELDS, made: "strategy", parameters: { quantity: "50", duration: "" }, related: "ADAM" };
  assert.equal(fileOf(fields), "bot: riser\nsymbol: KRYP\nstrategy: twap\nrelated: ADAM\nparameters: {quantity: 50}\n");
});

test("whatever is typed stays one scalar", () => {
  assert.equal(scalar("last >= 20.55"), "last >= 20.55");
  for (const text of ["", "a: b", "x # y", "[1", "a\nb", '"', "- x", "> 3", "a "]) assert.equal(scalar(text), JSON.stringify(text));
});
