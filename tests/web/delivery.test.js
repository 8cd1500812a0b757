import assert from "node:assert/strict";
import { test } from "node:test";
import { OutcomeUnknown, deliver } from "../../web/page/delivery.js";

const unanswered = () => Object.assign(new Error("timeout"), { unanswered: true });
const pause = () => Promise.resolve();

test("asks again until somebody answers, and tells of each doubt", async () => {
  let attempts = 0;
  let doubts = 0;
  const send = async () => {
    attempts += 1;
    if (attempts < 4) throw unanswered();
    return { type: "accepted", order_id: 5, duplicate: true };
  };
  const answer = await deliver(send, { pause, doubtful: () => (doubts += 1) });
  assert.deepEqual([answer.order_id, attempts, doubts], [5, 4, 3]);
});

test("a refusal is an answer", async () => {
  let attempts = 0;
  const answer = await deliver(async () => ({ type: "refused", reason: "rate", attempts: (attempts += 1) }), { pause });
  assert.deepEqual([answer.reason, attempts], ["rate", 1]);
});

test("in the end the outcome is unknown", async () => {
  await assert.rejects(deliver(() => Promise.reject(unanswered()), { pause }), OutcomeUnknown);
});

test("anything else is a defect and is not tried again", async () => {
  let attempts = 0;
  const send = async () => {
    attempts += 1;
    throw new TypeError("defect");
  };
  await assert.rejects(deliver(send, { pause }), TypeError);
  assert.equal(attempts, 1);
});
