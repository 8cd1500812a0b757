// The connection to the market: kept for ever, and made anew in the same way whether it is the first one, broke, or changes
// its log-in. Whoever listens to "live" takes fresh snapshots then, so that starting and recovering are one path.

import { RefusedError, Unanswered } from "./answers.js";
import { wsconnect } from "./vendor/nats.js";

const DIAL_MS_MAX = 5_000;
const UNCHECKED_MS = 1_500; // A log-in that is refused only after so long was not looked at: whoever does that is away.
const ANSWER_MS_MAX = 3_000;
const STALL_MS = 600; // Those who answer ask the logs first where they end.
const PROBE_EVERY_MS = 5_000;
const PROBE_MS_MAX = 5_000;
const PAUSES_MS = [100, 200, 400, 800, 1_200, 2_000];

/** A log-in for people without one: may read what is public. */
export function guestLogin() {
  const name = `guest-${crypto.randomUUID().replaceAll("-", "")}`;
  return { user: name, pass: undefined, guest: true };
}

/** Events: "status" when `status` changed, "live" when a connection is there, "ended" when the log-in is no longer valid. */
export class Link extends EventTarget {
  /** @type {"connecting" | "live" | "lost"} */
  status = "connecting";
  /** Milliseconds to the market and back, of the last probe; null while there is none. */
  latency = null;

  #server;
  #login;
  #connection = null;
  #dropped = () => {};
  #subscriptions = new Set();
  #hurry = () => {};

  constructor(server, login) {
    super();
    this.#server = server;
    this.#login = login;
    globalThis.addEventListener?.("online", () => this.#hurry());
    globalThis.document?.addEventListener("visibilitychange", () => this.#probe());
  }

  /** Who is connected, or connects: the name of a log-in or of a guest. */
  get user() {
    return this.#login.user;
  }

  /** Connects, and stays connected until the page is closed. */
  async run() {
    setInterval(() => this.#probe(), PROBE_EVERY_MS);
    for (let failures = 0; ; ) {
      try {
        if (this.#connection === null) await this.#dial();
        failures = 0;
      } catch {
        await this.#pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
        failures += 1;
      }
      if (this.#connection !== null) await this.#lost(this.#connection);
    }
  }

  /**
   * Changes the log-in whatever happens: without a moment offline if the market can be reached (the old connection goes when the
   * new one is there), or else with the next connection.
   */
  async become(login) {
    try {
      const connection = await dial(this.#server, login);
      this.#login = login;
      this.#adopt(connection);
    } catch {
      this.#login = login;
      if (this.#connection !== null) close(this.#connection);
      this.#dropped();
    }
  }

  /** Makes the next connection with another log-in, whenever that is. */
  connectNextAs(login) {
    this.#login = login;
  }

  /** Hears every message on a subject, over all connections to come, until the returned function is called. */
  subscribe(subject, hear) {
    const subscription = { subject, hear, handle: null };
    this.#subscriptions.add(subscription);
    if (this.#connection !== null) open(this.#connection, subscription);
    return () => {
      this.#subscriptions.delete(subscription);
      subscription.handle?.unsubscribe();
    };
  }

  /** Asks one question. Throws Unanswered, or RefusedError where `refusals` are not taken as answers. */
  async ask(subject, question, { refusals = false, patience = ANSWER_MS_MAX } = {}) {
    if (this.#connection === null) throw new Unanswered("not connected");
    let answer;
    try {
      const payload = question === undefined ? "" : JSON.stringify(question);
      answer = (await this.#connection.request(subject, payload, { timeout: patience })).json();
    } catch (error) {
      if (error.cause?.name === "PermissionViolationError") throw new RefusedError({ reason: "not_permitted" });
      throw new Unanswered(error.message);
    }
    if (answer.type === "refused" && !refusals) throw new RefusedError(answer);
    return answer;
  }

  /** Asks everybody who answers this, and waits until nobody has said anything for a while. Throws Unanswered. */
  async askAll(subject, { maxWait = ANSWER_MS_MAX, stall = STALL_MS } = {}) {
    if (this.#connection === null) throw new Unanswered("not connected");
    const answers = [];
    try {
      for await (const message of await this.#connection.requestMany(subject, "", { strategy: "stall", maxWait, stall })) {
        answers.push(message.json());
      }
    } catch (error) {
      if (answers.length === 0) throw new Unanswered(error.message);
    }
    return answers;
  }

  async #dial() {
    const login = this.#login;
    let next = login;
    let connection;
    try {
      connection = await dial(this.#server, login);
    } catch (error) {
      if (login.guest || !(error instanceof RefusedError)) throw error;
      next = guestLogin(); // The session is over: everything public is live all the same.
      connection = await dial(this.#server, next);
    }
    if (this.#login !== login || this.#connection !== null) return close(connection); // Somebody logged in meanwhile.
    this.#login = next;
    this.#adopt(connection);
    if (next !== login) this.dispatchEvent(new Event("ended"));
  }

  #adopt(connection) {
    const old = this.#connection;
    this.#connection = connection;
    for (const subscription of this.#subscriptions) open(connection, subscription);
    if (old !== null) {
      this.#dropped();
      close(old);
    }
    this.#become("live");
    this.dispatchEvent(new Event("live"));
    this.#probe();
  }

  /** Resolves when this connection is no longer used: it closed, it does not answer, or another took its place. */
  async #lost(connection) {
    await Promise.race([connection.closed(), new Promise((resolve) => (this.#dropped = resolve))]);
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.latency = null;
    this.#become("lost");
  }

  async #probe() {
    const connection = this.#connection;
    if (connection === null) return this.#hurry();
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), PROBE_MS_MAX));
    try {
      const latency = await Promise.race([connection.rtt(), late]);
      if (connection !== this.#connection) return;
      this.latency = latency;
      this.dispatchEvent(new Event("status"));
    } catch {
      if (connection !== this.#connection) return;
      close(connection);
      this.#dropped();
    }
  }

  #become(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new Event("status"));
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms * (0.75 + Math.random() / 2));
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * The socket that nats.js speaks through. A browser knows that a socket is closing before it says so, and complains about
 * whatever is sent in between; nobody could answer it, so it is not sent.
 */
export class Socket extends WebSocket {
  send(data) {
    if (this.readyState === WebSocket.OPEN) super.send(data);
  }
}

/** A new connection. Throws RefusedError when the log-in was looked at and does not fit, Unanswered for anything else. */
async function dial(server, { user, pass }) {
  const begun = performance.now();
  try {
    return await wsconnect({
      servers: server.split(","), // Of a cluster any one will do.
      user,
      pass,
      name: "page",
      inboxPrefix: `_INBOX_${user}`,
      timeout: DIAL_MS_MAX,
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      wsFactory: async (address) => ({ socket: new Socket(address), encrypted: address.startsWith("wss:") }),
    });
  } catch (error) {
    const refused = [error.name, error.cause?.name].includes("AuthorizationError");
    if (refused && performance.now() - begun < UNCHECKED_MS) throw new RefusedError({ reason: "log_in" });
    throw new Unanswered(error.message);
  }
}

/** One that has closed meanwhile, which is not known here yet, will be followed by another, and the subscription opened there. */
function open(connection, subscription) {
  if (connection.isClosed()) return;
  subscription.handle = connection.subscribe(subscription.subject, {
    callback(error, message) {
      if (error === null) subscription.hear(message.json());
    },
  });
}

function close(connection) {
  connection.close().catch(() => {}); // It is not used any more; how it ends does not matter.
}
