import assert from "node:assert/strict";
import { test } from "node:test";
import * as texts from "../../web/page/texts.js";

/** Every text with its place; functions are called with arguments that are recognised in what they make. */
function* all(value, place) {
  if (typeof value === "string") yield [place, value];
  else if (typeof value === "function") yield [place, value(...Array.from({ length: value.length }, () => "7"))];
  else for (const [name, inner] of Object.entries(value)) yield* all(inner, `${place}.${name}`);
}

test("every text may stand in markup and says something", () => {
  for (const [place, text] of all(texts, "texts")) {
    assert.ok(text.trim() !== "" && !/[<&"]|undefined|NaN|object/.test(text), `${place}: ${text}`);
  }
});
