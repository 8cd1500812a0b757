// One account: its portfolio by the ledger's answers and reports, its fills by the historian's and reports, its commands.

import { deliver } from "./delivery.js";
import { Follower } from "./follower.js";
import { FILLS_MAX, withFills, withReports } from "./portfolio.js";

const SETTLE_MS = 300;
const QUIET_MS = 15_000;
const FILLS_PAGE = 500;

export class Account {
  #link;
  #name;
  #portfolioFollower;
  #fillsFollower;
  #known = [];
  #told = 0;
  #unsubscribe;

  /** `publish` is told of { portfolio }, { fills } or { report }, whichever changed. */
  constructor(link, name, publish) {
    this.#link = link;
    this.#name = name;
    const subjects = [`reports.${name}`];
    this.#portfolioFollower = new Follower(link, {
      subjects,
      load: () => link.ask(`api.${name}.portfolio`),
      apply: withReports,
      publish: (portfolio) => publish({ portfolio }),
      quietMs: QUIET_MS,
    });
    this.#fillsFollower = new Follower(link, {
      subjects,
      load: () => this.#loadFills(),
      apply: withFilledReports,
      publish: (fills) => {
        this.#known = fills;
        publish({ fills });
      },
    });
    this.#unsubscribe = link.subscribe(subjects[0], (message) => this.#tell(message, publish));
  }

  stop() {
    this.#portfolioFollower.stop();
    this.#fillsFollower.stop();
    this.#unsubscribe();
  }

  /** Asks api.<account>.<question>. Throws as `Link.ask`. */
  ask(question, payload) {
    return this.#link.ask(`api.${this.#name}.${question}`, payload);
  }

  /** Asks about the account's rules, or changes them. Throws as `Link.ask`. */
  rules(wanted) {
    return this.#link.ask(`orders.${this.#name}.rules`, wanted);
  }

  /** Sends a command until it is answered; see delivery.js. */
  command(command, doubtful) {
    return deliver(() => this.#link.ask(`orders.${this.#name}`, command, { refusals: true }), { doubtful });
  }

  #tell(message, publish) {
    message.reports.forEach((report, index) => {
      if (message.number + index > this.#told) publish({ report });
    });
    this.#told = Math.max(this.#told, message.number + message.reports.length - 1);
    this.#portfolioFollower.reloadSoon(SETTLE_MS);
  }

  async #loadFills() {
    let fills = [];
    let page;
    do {
      const before = fills.at(-1)?.fill_id ?? 0;
      page = await this.#link.ask(`api.${this.#name}.fills`, { limit: FILLS_PAGE, before });
      fills = [...fills, ...page];
    } while (page.length === FILLS_PAGE && fills.length < FILLS_MAX);
    // The historian may be a moment behind the reports that were heard already.
    return withFills(fills, this.#known);
  }
}

function withFilledReports(fills, { reports }) {
  return withFills(fills, reports.filter(({ type }) => type === "orderfilled"));
}
