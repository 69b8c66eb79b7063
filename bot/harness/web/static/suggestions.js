// A list of suggestions above a field, as one types: arrows choose, Enter or Tab takes, Escape ends.

import { freshId, h } from "./dom.js";

export class Suggestions {
  /**
   * `query(field)` answers {title, items} (or a promise of it), or null for nothing to suggest; an
   * item is {label, detail, before, ...}. `pick(item, field)` takes one. `panel` holds the list.
   */
  constructor(field, panel, { query, pick }) {
    this.field = field;
    this.panel = panel;
    this.query = query;
    this.pick = pick;
    this.items = [];
    this.active = 0;
    this.asked = 0;
    this.id = freshId("suggestions");
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "false");
    field.setAttribute("aria-controls", this.id);
    field.addEventListener("input", () => this.refresh());
    // Capturing, to come before what the field itself does on Enter or Escape.
    field.addEventListener("keydown", (event) => this.#keydown(event), true);
    field.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.panel.hidden && this.panel.dataset.owner === this.id;
  }

  async refresh() {
    const asked = ++this.asked;
    const query = Promise.resolve(this.query(this.field));
    this.pending = query;
    const found = await query;
    // An answer to what was typed before is of no use any more.
    if (asked !== this.asked) return;
    this.pending = null;
    if (!found || document.activeElement !== this.field) this.close();
    else this.#show(found);
  }

  close() {
    this.asked++;
    this.pending = null;
    if (!this.open) return;
    this.panel.hidden = true;
    this.panel.replaceChildren();
    this.items = [];
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  #show({ title, items, note }) {
    this.items = items;
    this.active = 0;
    const rows = items.map((item, index) =>
      h(
        "li",
        {
          class: "option",
          id: `${this.id}-${index}`,
          role: "option",
          on: {
            // A press must not take the focus from the field.
            pointerdown: (event) => event.preventDefault(),
            click: () => this.#take(index),
            pointermove: () => this.#activate(index),
          },
        },
        item.before,
        h("span", { class: "option-text" }, h("span", {}, item.label), item.detail && h("small", {}, item.detail)),
        item.after && h("span", { class: "option-after" }, item.after),
      ),
    );
    this.panel.dataset.owner = this.id;
    this.panel.replaceChildren(
      h("div", { class: "suggestions-title" }, title),
      h("ul", { class: "options", id: this.id, role: "listbox", "aria-label": title }, rows),
    );
    if (!rows.length) this.panel.append(h("p", { class: "nothing" }, note ?? "Nothing found"));
    this.panel.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    this.#activate(0);
  }

  #activate(index) {
    this.active = index;
    const rows = [...this.panel.querySelectorAll(".option")];
    for (const [i, row] of rows.entries()) {
      row.classList.toggle("active", i === index);
      row.setAttribute("aria-selected", String(i === index));
    }
    if (!rows[index]) return;
    rows[index].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", rows[index].id);
  }

  #take(index) {
    const item = this.items[index];
    this.close();
    this.pick(item, this.field);
  }

  #keydown(event) {
    if (event.isComposing) return;
    if (this.pending && event.key === "Enter" && !event.shiftKey) {
      this.#enterLater(event);
      return;
    }
    if (!this.open) return;
    if (event.key === "Escape") {
      this.close();
    } else if (!this.items.length) {
      return;
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const to = this.active + (event.key === "ArrowDown" ? 1 : -1);
      this.#activate((to + this.items.length) % this.items.length);
    } else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) {
      this.#take(this.active);
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** Enter that came before the suggestions did: it is meant for them, once they are there. */
  async #enterLater(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    await this.pending;
    await Promise.resolve();
    this.pending = null;
    const { key, code } = event;
    this.field.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }));
  }
}
