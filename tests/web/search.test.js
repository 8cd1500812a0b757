import assert from "node:assert/strict";
import { test } from "node:test";
import { found } from "../../web/page/search.js";

const SYMBOLS = [
  { symbol: "KRYP", name: "Kryptonite" },
  { symbol: "ADAM", name: "Adamantium" },
  { symbol: "PUPS", name: "Puppies" },
  { symbol: "A", name: "Grand Puppet Theatre" },
];

test("the best match comes first", () => {
  const names = (text) => found(SYMBOLS, text).map(({ symbol }) => symbol);
  assert.deepEqual(names(""), ["KRYP", "ADAM", "PUPS", "A"]);
  assert.deepEqual(names("a"), ["A", "ADAM"]); // The symbol itself, then one that begins so.
  assert.deepEqual(names(" pup "), ["PUPS", "A"]);
  assert.deepEqual(names("Theatre"), ["A"]);
  assert.deepEqual(names("grand p"), ["A"]);
  assert.deepEqual(names("ryp"), ["KRYP"]);
  assert.deepEqual(names("nothing"), []);
});
