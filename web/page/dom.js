// The few things that components do with the document. Text goes in as text, never as HTML.

const FLASH = { duration: 700, easing: "steps(7)" }; // In steps, so that not every frame is painted for it.

/** The element below `root` that a component's own markup promises. */
export function part(root, selector) {
  const found = root.querySelector(selector);
  if (found === null) throw new Error(`no ${selector} in ${root.tagName}`);
  return found;
}

/** Sets text only where it differs, so that an update without a change costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute only where it differs; null removes it. */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A static piece of markup of a component as an element. */
export function fromMarkup(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content.firstElementChild;
}

/**
 * Makes the children of `parent` those of `items`, in their order; a child belongs to the item with its key.
 * `create(item)` makes one, `update(child, item)` fills it.
 */
export function reconcile(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    known.delete(key);
    if (child === undefined) {
      child = create(item);
      child.dataset.key = key;
    }
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
    update(child, item);
  }
  for (const child of known.values()) child.remove();
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const flashes = new WeakMap();

/** Lets an element's background fade from a colour, unless somebody wants less motion. */
export function flash(element, colour) {
  if (calm.matches) return;
  flashes.get(element)?.cancel();
  flashes.set(element, element.animate({ backgroundColor: [colour, "transparent"] }, FLASH));
}
