// Keeps one thing of the market current: a snapshot, then every change after it; a snapshot again when a change is missing,
// when the connection is new, or when it was quiet for so long that one wants to be sure.

const WAITING_MAX = 2_000;
const RETRY_MS = 1_000;
const GAP_MS = 200;

/**
 * @template State
 * @typedef {object} Source
 * @property {string[]} subjects where changes arrive
 * @property {(state: State | null) => Promise<State>} load asks for a snapshot
 * @property {(state: State, change: object) => State | null} apply the state after a change; null where one is missing before
 * @property {(state: State) => void} publish told of every new state
 * @property {number} [quietMs] ask for a snapshot after so long without a change
 */

export class Follower {
  #link;
  #source;
  #state = null;
  #waiting = [];
  #loading = false;
  #again = false;
  #stopped = false;
  #timer = null;
  #soon = false;
  #closers;

  constructor(link, source) {
    this.#link = link;
    this.#source = source;
    const live = () => this.reload();
    link.addEventListener("live", live);
    this.#closers = [
      () => link.removeEventListener("live", live),
      ...source.subjects.map((subject) => link.subscribe(subject, (change) => this.#hear(change))),
    ];
    if (link.status === "live") this.reload();
  }

  /** Follows no more. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const close of this.#closers) close();
  }

  /** Asks for a snapshot now, or once more after the one that is on its way. */
  async reload() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#loading = true;
    this.#again = this.#soon = false;
    let pause = this.#source.quietMs;
    try {
      const snapshot = await this.#source.load(this.#state);
      if (this.#stopped) return;
      if (!this.#start(snapshot)) pause = GAP_MS;
    } catch (error) {
      if (this.#stopped) return;
      if (!error.unanswered && error.name !== "RefusedError") throw error;
      pause = RETRY_MS;
    } finally {
      this.#loading = false;
    }
    if (this.#again) pause = 0;
    this.#reloadIn(pause);
  }

  /** Asks for a snapshot in a moment; a later call does not postpone it. */
  reloadSoon(ms) {
    if (this.#loading) this.#again = true;
    else if (!this.#soon) {
      this.#soon = true;
      this.#reloadIn(ms);
    }
  }

  #reloadIn(ms) {
    clearTimeout(this.#timer);
    if (ms === undefined || this.#link.status !== "live") return;
    this.#timer = setTimeout(() => this.reload(), ms);
  }

  /** Starts from a snapshot and what arrived while it was on its way. False when a change between the two is missing. */
  #start(snapshot) {
    let state = snapshot;
    for (const change of this.#waiting.splice(0)) {
      const next = this.#source.apply(state, change);
      if (next === null) {
        if (this.#state === null) this.#become(state);
        return false;
      }
      state = next;
    }
    this.#become(state);
    return true;
  }

  #hear(change) {
    if (this.#loading || this.#state === null) {
      // Beyond the bound all of it is dropped: the next change then shows a gap, and a new snapshot is asked for.
      if (this.#waiting.length >= WAITING_MAX) this.#waiting.length = 0;
      this.#waiting.push(change);
    }
    if (this.#state === null) return;
    const next = this.#source.apply(this.#state, change);
    if (next === null) {
      if (!this.#loading) this.reload();
    } else if (next !== this.#state) {
      this.#become(next);
      if (!this.#loading && !this.#soon) this.#reloadIn(this.#source.quietMs);
    }
  }

  #become(state) {
    this.#state = state;
    this.#source.publish(state);
  }
}
