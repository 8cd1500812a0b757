import assert from "node:assert/strict";
import { test } from "node:test";
import { Poll } from "../../web/page/poll.js";

const refused = Object.assign(new Error("no"), { name: "RefusedError" });

test("asks until it is stopped; why there is no answer is told too", async () => {
  const told = [];
  let asked = 0;
  await new Promise((resolve) => {
    const poll = new Poll(
      async () => {
        asked += 1;
        if (asked === 2) throw refused;
        return asked;
      },
      0,
      (answer, error) => {
        told.push(answer ?? error.name);
        if (told.length === 3) resolve(poll.stop());
      },
    );
    poll.start();
  });
  assert.deepEqual(told, [1, "RefusedError", 3]);
});

test("an answer that comes after it was begun anew does not count", async () => {
  const answers = [];
  const told = [];
  const poll = new Poll(() => new Promise((resolve) => answers.push(resolve)), 1e6, (answer) => told.push(answer));
  poll.start();
  poll.start();
  answers[0]("old");
  answers[1]("new");
  await new Promise((resolve) => setTimeout(resolve));
  poll.stop();
  assert.deepEqual(told, ["new"]);
});
