// What the page must know before it can connect; asked for until there is an answer.

import { PAGE } from "./texts.js";

const PAUSE_MS = 1_000;

/** @param {HTMLElement} notice says that nobody answers @returns {Promise<{ title: string, sign_up: boolean, websocket: string }>} */
export async function configuration(notice) {
  for (;;) {
    try {
      const found = await fetch("config.json").then((response) => response.json());
      notice.hidden = true;
      return found;
    } catch {
      notice.textContent = PAGE.noServer;
      notice.hidden = false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
