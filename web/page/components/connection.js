// Whether what is shown is live: a word in the top bar, a strip over the page while it is not.

import { part, setAttribute, setText } from "../dom.js";

const MARKUP = `<i class="dot"></i><span class="connection-text"></span>`;

/** @param {HTMLElement} root @param {HTMLElement} notice @param {HTMLElement} foot */
export function mountConnection(root, notice, foot) {
  root.innerHTML = MARKUP;
  const text = part(root, ".connection-text");

  return (state) => {
    const { level, word, sentence } = connectionOf(state);
    setText(text, word);
    setAttribute(root, "data-level", level);
    setAttribute(document.body, "data-connection", level);
    setText(notice, sentence);
    notice.hidden = sentence === "";
    const { latency } = state.link;
    setText(foot, latency === null ? word : `${word} · ${latency < 1 ? "under 1" : Math.round(latency)} ms to the market`);
  };
}

/** What to say about the connection. */
export function connectionOf({ link, stale, onLine }) {
  if (link.status === "connecting") return { level: "connecting", word: "Connecting", sentence: "" };
  if (link.status === "lost") {
    return onLine
      ? { level: "lost", word: "Reconnecting", sentence: "Reconnecting to the market. Prices are not live." }
      : { level: "lost", word: "Offline", sentence: "You are offline. Prices are not live." };
  }
  if (stale) return { level: "stale", word: "Delayed", sentence: "Market data is delayed. Prices may be old." };
  return { level: "live", word: "Live", sentence: "" };
}
