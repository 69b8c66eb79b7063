// A list with a search field to choose one or several from, by pointer and by keyboard.

import { freshId, h, icon } from "./dom.js";
import { CHECK } from "./icons.js";

const SEARCH_FROM = 8;

/**
 * `options`: {value, label, detail, before}. `chosen` is a Set of values, changed as one chooses;
 * `onPick(value)` is told of each choice. `most` is how many may be chosen.
 */
export function listbox(options, { label, chosen, most = 1, onPick }) {
  const id = freshId("list");
  let shown = options;
  let active = Math.max(0, options.findIndex((o) => chosen.has(o.value)));

  const list = h("ul", { class: "options", id, role: "listbox", "aria-label": label, "aria-multiselectable": String(most > 1) });
  const search = h("input", {
    class: "search",
    type: "text",
    role: "combobox",
    "aria-label": `Search: ${label}`,
    "aria-controls": id,
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    autocomplete: "off",
    placeholder: "Search",
    on: {
      input: () => {
        const wanted = search.value.toLowerCase();
        shown = options.filter((o) => `${o.label} ${o.detail ?? ""}`.toLowerCase().includes(wanted));
        active = 0;
        draw();
      },
      keydown: move,
    },
  });
  search.readOnly = options.length < SEARCH_FROM;
  if (search.readOnly) search.classList.add("sr-only");

  function draw() {
    list.replaceChildren(
      ...shown.map((option, index) =>
        h(
          "li",
          {
            class: `option ${index === active ? "active" : ""}`,
            id: `${id}-${index}`,
            role: "option",
            "aria-selected": String(chosen.has(option.value)),
            on: {
              // A press must not take the focus from the search field.
              mousedown: (event) => event.preventDefault(),
              click: () => pick(index),
              pointermove: () => activate(index),
            },
          },
          option.before,
          h("span", { class: "option-text" }, h("span", {}, option.label), option.detail && h("small", {}, option.detail)),
          chosen.has(option.value) && icon(CHECK),
        ),
      ),
    );
    if (!shown.length) list.append(h("li", { class: "nothing" }, "Nothing found"));
    search.setAttribute("aria-activedescendant", shown.length ? `${id}-${active}` : "");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  function activate(index) {
    if (index === active) return;
    active = index;
    for (const [i, child] of [...list.children].entries()) child.classList.toggle("active", i === active);
  }

  function pick(index) {
    const { value } = shown[index];
    if (chosen.has(value)) {
      chosen.delete(value);
    } else {
      if (most === 1) chosen.clear();
      if (chosen.size < most) chosen.add(value);
    }
    active = index;
    draw();
    onPick(value);
  }

  function move(event) {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (to !== undefined && shown.length) {
      event.preventDefault();
      active = (to + shown.length) % shown.length;
      draw();
    } else if ((event.key === "Enter" || (event.key === " " && search.readOnly)) && shown.length) {
      event.preventDefault();
      event.stopPropagation();
      pick(active);
    }
  }

  draw();
  return { element: h("div", { class: "listbox" }, search, list), focus: search };
}
