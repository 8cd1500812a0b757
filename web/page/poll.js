// Asks the same question again and again while somebody looks: one at a time, the next a while after the answer.

/** @template Answer */
export class Poll {
  #ask;
  #everyMs;
  #publish;
  #round = 0; // Answers to questions of an earlier round do not count.
  #timer;

  /**
   * @param {() => Promise<Answer>} ask @param {number} everyMs
   * @param {(answer: Answer | null, error: Error | null) => void} publish an answer, or why there is none
   */
  constructor(ask, everyMs, publish) {
    this.#ask = ask;
    this.#everyMs = everyMs;
    this.#publish = publish;
  }

  /** Begins, or asks at once: something has changed. */
  start() {
    this.stop();
    this.#run(this.#round);
  }

  stop() {
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  async #run(round) {
    let answer = null;
    let failure = null;
    try {
      answer = await this.#ask();
    } catch (error) {
      if (error.name !== "RefusedError" && error.name !== "Unanswered") throw error;
      failure = error;
    }
    if (round !== this.#round) return;
    this.#timer = setTimeout(() => this.#run(round), this.#everyMs);
    this.#publish(answer, failure);
  }
}
