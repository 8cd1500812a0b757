// The screens besides trading. Each is loaded and made when it is shown first; only the one that is shown is kept up to date, the
// others are told that they are not.

import { PAGE } from "../texts.js";

const PAUSE_MS = 1_000;
const LOAD = {
  account: () => import("./account-screen.js").then(({ AccountScreen }) => AccountScreen),
  bots: () => import("./bots-screen.js").then(({ BotsScreen }) => BotsScreen),
  market: () => import("./market-screen.js").then(({ MarketScreen }) => MarketScreen),
};

export class FurtherScreens {
  #rootOf;
  #actions;
  #screens = new Map(); // By name; null while it is loaded.
  #loaded;

  /**
   * @param {(name: string) => HTMLElement} rootOf
   * @param {{ of: Record<string, object>, toast: Function }} actions `of` each screen: its own
   * @param {() => void} loaded a screen can be shown now, or be asked for again
   */
  constructor(rootOf, actions, loaded) {
    this.#rootOf = rootOf;
    this.#actions = actions;
    this.#loaded = loaded;
  }

  /** @param {string} current name of the screen that is shown, of these or not */
  update(current, state) {
    if (current in LOAD && !this.#screens.has(current)) this.#make(current);
    for (const [name, screen] of this.#screens) screen?.update(name === current ? state : null);
  }

  async #make(name) {
    this.#screens.set(name, null);
    const Screen = await LOAD[name]().catch(() => null);
    if (Screen === null) {
      this.#actions.toast(PAGE.noServer, "bad");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      this.#screens.delete(name);
    } else this.#screens.set(name, new Screen(this.#rootOf(name), this.#actions.of[name]));
    this.#loaded();
  }
}
