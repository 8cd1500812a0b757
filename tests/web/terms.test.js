import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionWords, formatPercent, hasLimit, isForAuction, kindWords, rests, waits } from "../../web/page/terms.js";

test("an open order's kind and conditions in words", () => {
  const rows = [
    [{ kind: "limit", tif: "gtc" }, "Limit"],
    [{ kind: "limit", tif: "day", post_only: true, display: 1_000 }, "Limit, day, post-only, shows 1,000"],
    [{ kind: "stop_limit", tif: "gtd", trail: 0, trail_basis_points: 0 }, "Stop limit, until a date"],
    [{ kind: "limit", tif: "gtd", expires: new Date(2999, 0, 1, 10, 0).getTime() * 1e6 }, "Limit, until 01 Jan 2999 10:00"],
    [{ kind: "trailing_stop", tif: "gtc", trail: 5_000 }, "Trailing stop 0.50"],
    [{ kind: "trailing_stop", tif: "gtc", trail: 0, trail_basis_points: 125 }, "Trailing stop 1.25%"],
    [{ kind: "market", tif: "opg" }, "Market, opening auction"],
    [{ kind: "limit", tif: "gtc", pair: 8 }, "Limit, paired with 8"],
    [{ kind: "stop", tif: "day", pair: 7, entry: 6 }, "Stop, day, paired with 7, waits for 6"],
  ];
  for (const [order, words] of rows) assert.equal(kindWords(order), words);
  assert.deepEqual(conditionWords({ tif: "fok" }), ["FOK"]);
});

test("what a kind has", () => {
  const kinds = ["limit", "market", "stop", "stop_limit", "trailing_stop"];
  assert.deepEqual(kinds.filter(waits), ["stop", "stop_limit", "trailing_stop"]);
  assert.deepEqual(kinds.filter(hasLimit), ["limit", "stop_limit"]);
  const tifs = ["gtc", "day", "gtd", "ioc", "fok", "opg", "cls"];
  assert.deepEqual(tifs.filter(rests), ["gtc", "day", "gtd"]);
  assert.deepEqual(tifs.filter(isForAuction), ["opg", "cls"]);
  assert.equal(formatPercent(200), "2%");
});
