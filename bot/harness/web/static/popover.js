// Something small that opens beside what was pressed: menus, lists, pickers, profiles.

import { h } from "./dom.js";

const GAP = 6;
let current = null;

/**
 * Open `content` beside `anchor`. It closes on Escape, on a press elsewhere and by the `close` that
 * is returned; the focus then goes back to where it was. `focus` is what gets the focus.
 */
export function openPopover(anchor, content, { label, role = "dialog", focus = null, onClose, width } = {}) {
  current?.();
  const before = document.activeElement;
  const box = h("div", { class: "popover", popover: "manual", tabIndex: -1, role, "aria-label": label }, content);
  if (width) box.style.setProperty("width", `${width}px`);
  // Beside an open dialog everything is inert, so it has to be within.
  (anchor.closest("dialog") ?? document.body).append(box);
  box.showPopover();
  place(box, anchor);

  const close = () => {
    if (current !== close) return;
    current = null;
    for (const [target, event, listener] of listeners) target.removeEventListener(event, listener, true);
    const inside = box.contains(document.activeElement);
    box.remove();
    if (inside && before?.isConnected) before.focus();
    anchor.setAttribute("aria-expanded", "false");
    onClose?.();
  };
  const listeners = [
    [document, "pointerdown", (e) => !box.contains(e.target) && !anchor.contains(e.target) && close()],
    [document, "keydown", (e) => {
      if (e.key !== "Escape") return;
      e.preventDefault();
      e.stopPropagation();
      close();
    }],
    [window, "resize", close],
    [box, "focusout", (e) => e.relatedTarget && !box.contains(e.relatedTarget) && e.relatedTarget !== anchor && close()],
  ];
  for (const [target, event, listener] of listeners) target.addEventListener(event, listener, true);
  current = close;
  anchor.setAttribute("aria-expanded", "true");
  (focus ?? box.querySelector("input, button, [tabindex]"))?.focus();
  return close;
}

/** A menu of `entries`: {label, icon, danger, checked, onPick}. */
export function openMenu(anchor, label, entries) {
  let close = () => {};
  const items = entries.filter(Boolean).map((entry) => {
    const radio = entry.checked !== undefined;
    return h(
      "button",
      {
        type: "button",
        class: `menu-item ${entry.danger ? "danger" : ""}`,
        role: radio ? "menuitemradio" : "menuitem",
        "aria-checked": radio ? String(entry.checked) : null,
        tabIndex: -1,
        on: {
          click: () => {
            close();
            entry.onPick();
          },
        },
      },
      entry.before,
      h("span", { class: "menu-label" }, entry.label, entry.detail && h("small", {}, entry.detail)),
      entry.after,
    );
  });
  const menu = h("div", { class: "menu", on: { keydown: (event) => moveFocus(event, items) } }, items);
  const start = items.find((item) => item.getAttribute("aria-checked") === "true") ?? items[0];
  close = openPopover(anchor, menu, { label, role: "menu", focus: start });
  return close;
}

/** Arrow keys, Home and End move the focus among `items`. */
export function moveFocus(event, items, { step = 1 } = {}) {
  const at = items.indexOf(document.activeElement);
  const to = {
    ArrowDown: at + step,
    ArrowUp: at - step,
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length]?.focus();
}

function place(box, anchor) {
  const from = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = from.bottom + GAP + height <= innerHeight;
  const above = from.top - GAP - height >= 0;
  const top = below || !above ? Math.min(from.bottom + GAP, innerHeight - height - GAP) : from.top - GAP - height;
  const left = Math.min(Math.max(GAP, from.left), innerWidth - width - GAP);
  box.style.setProperty("top", `${Math.max(GAP, top)}px`);
  box.style.setProperty("left", `${Math.max(GAP, left)}px`);
}
