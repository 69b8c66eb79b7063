// Elements are made here and nowhere else. Text becomes text nodes: there is no way in for markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `props`: `class`, `on` ({event: listener}), `data`, `style` (custom properties too),
 * DOM properties where the element has them, else attributes; null and false are left out.
 * `children`: elements, texts, and lists of them; null and false are left out.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "on") listen(element, value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") style(element, value);
    else if (name in element && !name.startsWith("aria") && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "true" : value);
  }
  element.append(...present(children));
  return element;
}

/** An icon of 24 by 24, given by its path. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** A button that shows an icon and says `label`. */
export function iconButton(path, label, onClick, props = {}) {
  const { class: extra = "", ...rest } = props;
  return h(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`,
      "aria-label": label,
      title: label,
      on: { click: onClick },
      ...rest,
    },
    icon(path),
  );
}

export function $(id) {
  return document.getElementById(id);
}

/** An id for an element that another one points to. */
export function freshId(prefix) {
  freshId.last = (freshId.last ?? 0) + 1;
  return `${prefix}-${freshId.last}`;
}

function present(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
}

function listen(element, listeners) {
  for (const [event, listener] of Object.entries(listeners)) {
    if (listener) element.addEventListener(event, listener);
  }
}

function style(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value !== null && value !== undefined) element.style.setProperty(name, value);
  }
}
