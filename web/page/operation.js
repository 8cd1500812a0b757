// What whoever operates the market does to an account: questions to the ledger in the right order. Pure, but for waiting.

const END_MS_MAX = 10_000;
const POLL_MS = 100;

/** Thrown when the engines did not cancel an account's orders in time. */
export class OrdersStay extends Error {
  name = "OrdersStay";
}

/**
 * Cancels all open orders of an account and gives it what it started with. It is active, or frozen, as before.
 * @param {(verb: string, question: object) => Promise<object>} ask admin.<verb>; throws RefusedError and Unanswered
 */
export async function reset(ask, account, pause = sleep) {
  const wasFrozen = await endOrders(ask, account, pause);
  try {
    await ask("reset", { account });
  } finally {
    if (!wasFrozen) await ask("unfreeze", { account });
  }
}

/** Cancels all open orders of an account, takes back all it has, and lets it never trade again. */
export async function close(ask, account, reason, pause = sleep) {
  await endOrders(ask, account, pause);
  await ask("close", { account, reason });
}

/** Freezes the account and waits until nothing is open; whether it was frozen already. */
async function endOrders(ask, account, pause) {
  const { standing } = await ask("portfolio", { account });
  await ask("freeze", { account });
  for (let waited = 0; (await ask("portfolio", { account })).orders.length > 0; waited += POLL_MS) {
    if (waited >= END_MS_MAX) throw new OrdersStay(account);
    await pause(POLL_MS);
  }
  return standing === "frozen";
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
