// Whether what is shown is live: a word in the top bar, a strip over the page while it is not.

import { part, setAttribute, setText } from "../dom.js";
import { CONNECTION } from "../texts.js";

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
    setText(foot, latency === null ? word : CONNECTION.latency(word, latency));
  };
}

/** What to say about the connection. */
export function connectionOf({ link, stale, onLine }) {
  if (link.status === "connecting") return { level: "connecting", word: CONNECTION.connecting, sentence: "" };
  if (link.status === "lost") {
    return onLine
      ? { level: "lost", word: CONNECTION.lost, sentence: CONNECTION.lostSentence }
      : { level: "lost", word: CONNECTION.offline, sentence: CONNECTION.offlineSentence };
  }
  if (stale) return { level: "stale", word: CONNECTION.stale, sentence: CONNECTION.staleSentence };
  return { level: "live", word: CONNECTION.live, sentence: "" };
}
