// Getting a command to the market exactly once over a connection that may fail at any moment.

const PAUSE_MS = 500;
const ATTEMPTS_MAX = 30;

/** Thrown by deliver when nobody answered: the command may have been carried out or not. */
export class OutcomeUnknown extends Error {
  name = "OutcomeUnknown";
}

/**
 * Sends a command until it is answered. Every attempt is the same message with the same client_order_id, which the ledger
 * never places twice, so that asking again is safe and is the only way to learn the outcome.
 * @param {() => Promise<object>} send resolves with the answer; rejects with `unanswered: true` when nothing is known
 * @param {{ doubtful?: () => void, pause?: (ms: number) => Promise<void> }} options `doubtful` is told of each failed attempt
 * @returns {Promise<object>} accepted or refused. Throws OutcomeUnknown after ATTEMPTS_MAX attempts.
 */
export async function deliver(send, { doubtful = () => {}, pause = sleep } = {}) {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (!error.unanswered) throw error;
      doubtful();
      await pause(PAUSE_MS);
    }
  }
  throw new OutcomeUnknown("nobody answered");
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
