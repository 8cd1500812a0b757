import assert from "node:assert/strict";
import { test } from "node:test";
import { close, reset } from "../../web/page/operation.js";

/** A ledger whose account has orders for so many more looks; every question is written down. */
function ledger({ standing = "active", looks = 0, fails = "" } = {}) {
  const asked = [];
  const ask = async (verb) => {
    asked.push(verb);
    if (verb === fails) throw new Error(verb);
    if (verb !== "portfolio") return {};
    looks -= asked.includes("freeze") ? 1 : 0;
    return { standing, orders: looks >= 0 ? [{}] : [] };
  };
  return { asked, ask };
}
const atOnce = async () => {};

test("resetting waits until nothing is open, and leaves the account as it was", async () => {
  const one = ledger({ looks: 2 });
  await reset(one.ask, "alice", atOnce);
  assert.deepEqual(one.asked, ["portfolio", "freeze", "portfolio", "portfolio", "portfolio", "reset", "unfreeze"]);
  const frozen = ledger({ standing: "frozen" });
  await reset(frozen.ask, "alice", atOnce);
  assert.deepEqual(frozen.asked, ["portfolio", "freeze", "portfolio", "reset"]);
});

test("an account is unfrozen though resetting failed, and closed ones stay frozen", async () => {
  const one = ledger({ fails: "reset" });
  await assert.rejects(reset(one.ask, "alice", atOnce), /reset/);
  assert.equal(one.asked.at(-1), "unfreeze");
  const closed = ledger();
  await close(closed.ask, "alice", "", atOnce);
  assert.equal(closed.asked.at(-1), "close");
});

test("orders that do not end end the attempt", async () => {
  const one = ledger({ looks: 1e6 });
  await assert.rejects(close(one.ask, "alice", "", atOnce), { name: "OrdersStay" });
  assert.ok(!one.asked.includes("close"));
});
