import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseOf } from "../../web/page/phase.js";

test("a phase in words, with what an auction would give and why it is halted", () => {
  const words = (status) => {
    const { level, word, detail } = phaseOf(status, 100);
    return [level, word, detail];
  };
  assert.deepEqual(words(null), ["unknown", "", ""]);
  assert.deepEqual(words({}), ["open", "Trading", ""]); // The usual is left out of the message.
  assert.deepEqual(words({ phase: "halted", reason: "news are pending" }), ["stopped", "Halted", "news are pending"]);
  assert.deepEqual(words({ phase: "closed" }), ["stopped", "Closed", ""]);
  assert.deepEqual(words({ phase: "opening_auction" }), ["auction", "Opening auction", "nothing would trade now"]);
  const indicated = { indicative_price: 205_500, indicative_volume: 1_200, imbalance: 300, imbalance_side: "buy" };
  assert.deepEqual(words({ phase: "closing_auction", ...indicated }).at(-1), "now 1,200 at 20.55, 300 more bought");
  assert.deepEqual(words({ phase: "closing_auction", ...indicated, imbalance: 0 }).at(-1), "now 1,200 at 20.55");
});
