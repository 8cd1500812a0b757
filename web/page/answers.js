// What asking the market can end with, besides an answer.

/** Nobody answered a question: the connection is down, nobody is there to answer, or it took too long. */
export class Unanswered extends Error {
  name = "Unanswered";
  unanswered = true;
}

/** The market answered a question, or a log-in, with no. `reason` is a word, `detail` is for people. */
export class RefusedError extends Error {
  name = "RefusedError";

  constructor({ reason, detail = "" }) {
    super(detail || reason);
    this.reason = reason;
    this.detail = detail;
  }
}
