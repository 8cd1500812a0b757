import assert from "node:assert/strict";
import { test } from "node:test";
import { Trader } from "../../web/page/trader.js";

test("whoever is not logged in any more is told so, whatever was begun before", async () => {
  const session = Object.assign(new EventTarget(), { account: null, login: null, role: null });
  const store = { state: { portfolio: null, symbols: [], cancelling: new Set() }, update: (patch) => Object.assign(store.state, patch) };
  const told = [];
  const trader = new Trader({ session, link: new EventTarget(), store, toast: (...words) => told.push(words) });
  for (const ended of [trader.command({ type: "submit" }), trader.ask("explain", {}), trader.rules({})]) {
    await assert.rejects(ended, { name: "RefusedError", detail: "Your session has ended. Log in again." });
  }
  await trader.cancel({ order_id: 7 });
  await trader.move({ order_id: 7 }, 205_000);
  assert.deepEqual(told, Array(2).fill(["Your session has ended. Log in again.", "bad"]));
  assert.deepEqual([...store.state.cancelling], []);
});
