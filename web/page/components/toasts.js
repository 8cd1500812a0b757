// Short messages in a corner that go by themselves.

const SHOWN_MS = 6_000;
const TOASTS_MAX = 4;

/** @param {HTMLElement} root @returns {(text: string, kind?: "buy" | "sell" | "bad" | "plain") => void} */
export function mountToasts(root) {
  return (text, kind = "plain") => {
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.dataset.kind = kind;
    toast.textContent = text;
    root.append(toast);
    while (root.children.length > TOASTS_MAX) root.firstElementChild.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  };
}
