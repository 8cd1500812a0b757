import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../web/page/store.js";

test("however much changes, it is shown once a frame, complete", () => {
  const frames = [];
  globalThis.requestAnimationFrame = (draw) => frames.push(draw);
  const shown = [];
  const store = new Store({ price: 1, account: null });
  store.update({ price: 2 }); // Before there is anything to show it with.
  frames.splice(0).forEach((draw) => draw());
  store.showWith((state) => shown.push({ ...state }));
  store.update({ price: 3 });
  store.update({ account: "alice" });
  assert.deepEqual(shown, []);
  frames.splice(0).forEach((draw) => draw());
  assert.deepEqual(shown, [{ price: 3, account: "alice" }]);
  store.update({ price: 4 });
  frames.splice(0).forEach((draw) => draw());
  assert.deepEqual(shown.at(-1), { price: 4, account: "alice" });
  assert.equal(shown.length, 2);
});
