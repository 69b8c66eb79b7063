// Pictures for those who have none: initials on a colour that stays with the id.

import { h } from "./dom.js";

// Dark enough for white text on each.
const COLOURS = ["#5560e6", "#b8386e", "#17795e", "#a3541b", "#7b3fc4", "#1d6fb8", "#8a5a00", "#b13a3a"];
const reserved = new Map();

export function avatar(id, name, { size = 40 } = {}) {
  return h(
    "span",
    { class: "avatar", "aria-hidden": "true", style: { "--avatar": colourOf(id), "--size": `${size}px` } },
    initials(name),
  );
}

export function initials(name) {
  const words = name.trim().split(/[\s_.-]+/u).filter(Boolean);
  const first = words.length > 1 ? [words[0], words[1]] : [words[0] ?? "?"];
  return first.map((word) => [...word][0].toUpperCase()).join("");
}

/** Give these accounts the first colours: a hash alone makes some of a few people look alike. */
export function reserveColours(ids) {
  ids.forEach((id, index) => reserved.set(id, index));
}

function colourOf(id) {
  const number = reserved.get(id) ?? Number(BigInt(id) % 9973n);
  return COLOURS[number % COLOURS.length];
}
