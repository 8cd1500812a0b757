import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower } from "../../web/page/follower.js";

/** A link whose questions are answered, and whose messages are sent, by the test. */
class FakeLink extends EventTarget {
  status = "live";
  hear = () => {};

  subscribe(_, hear) {
    this.hear = hear;
    return () => (this.hear = () => {});
  }
}

/** Follows a list of numbers without gaps: the state is the last number. */
function follow(link) {
  const questions = [];
  const states = [];
  const follower = new Follower(link, {
    subjects: ["numbers"],
    load: () => new Promise((resolve, reject) => questions.push({ resolve, reject })),
    apply: (state, number) => (number <= state ? state : number === state + 1 ? number : null),
    publish: (state) => states.push(state),
  });
  return { follower, questions, states };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("what arrives while the snapshot is on its way comes after it", async () => {
  const link = new FakeLink();
  const { follower, questions, states } = follow(link);
  for (const number of [4, 5, 6]) link.hear(number);
  questions[0].resolve(5);
  await settled();
  link.hear(7);
  assert.deepEqual(states, [6, 7]);
  follower.stop();
});

test("a gap leads to one more snapshot, and changes meanwhile are kept", async () => {
  const link = new FakeLink();
  const { follower, questions, states } = follow(link);
  questions[0].resolve(1);
  await settled();
  link.hear(4);
  link.hear(5);
  assert.equal(questions.length, 2);
  questions[1].resolve(4);
  await settled();
  assert.deepEqual(states, [1, 5]);
  follower.stop();
});

test("a new connection leads to a snapshot, also when one is on its way", async () => {
  const link = new FakeLink();
  const { follower, questions, states } = follow(link);
  link.dispatchEvent(new Event("live"));
  questions[0].resolve(1);
  await settled();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(questions.length, 2);
  questions[1].resolve(9);
  await settled();
  assert.deepEqual(states, [1, 9]);
  follower.stop();
});

test("an unanswered question is no defect, and changes still arrive at what is known", async () => {
  const link = new FakeLink();
  const { follower, questions, states } = follow(link);
  questions[0].resolve(1);
  await settled();
  follower.reload();
  questions[1].reject(Object.assign(new Error("timeout"), { unanswered: true }));
  await settled();
  link.hear(2);
  assert.deepEqual(states, [1, 2]);
  follower.stop();
});

test("after stop nothing is heard", async () => {
  const link = new FakeLink();
  const { follower, questions, states } = follow(link);
  follower.stop();
  questions[0].resolve(1);
  link.hear(2);
  await settled();
  assert.deepEqual(states, []);
});
