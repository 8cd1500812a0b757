// Keys that work wherever one is, unless one is typing. They can be switched off, for those whose screen reader or speech input
// presses keys by itself.

const KEY = "exchange.shortcuts";

/** Whether they are on; they are until somebody chooses otherwise. */
export function shortcutsOn() {
  return localStorage.getItem(KEY) !== "off";
}

export function toggleShortcuts() {
  localStorage.setItem(KEY, shortcutsOn() ? "off" : "on");
}

/** Calls what belongs to a pressed key. @param {Record<string, () => void>} actions by the key, a letter in lower case */
export function listenForShortcuts(actions) {
  addEventListener("keydown", (event) => {
    const { target, ctrlKey, altKey, metaKey, repeat } = event;
    if (ctrlKey || altKey || metaKey || repeat || event.defaultPrevented || !shortcutsOn()) return;
    if (target.closest?.("input, select, textarea, [contenteditable], dialog")) return;
    const action = actions[event.key.toLowerCase()];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
