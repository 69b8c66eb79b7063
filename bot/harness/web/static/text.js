// Parsed markdown as elements. All text of others goes through here, as text nodes.

import { $, h, icon } from "./dom.js";
import { COPY, HASH, THREAD } from "./icons.js";
import { parse } from "./markdown.js";
import { isThread } from "./store.js";
import { relative, styled } from "./timestamps.js";

const ONLY_EMOJI = /^(?:\s|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f)+$/u;
const RELATIVE_EVERY_MS = 10_000;

/** The elements of a text. `place` is {app, guild}: whose names mentions get. */
export function formatted(source, place) {
  const large = ONLY_EMOJI.test(source) && [...source].length <= 40;
  return h("div", { class: large ? "text large" : "text" }, parse(source).map((n) => element(n, place)));
}

/** A text on one line, without its marks, for previews. */
export function flattened(source, place) {
  return parse(source).map((node) => flat(node, place)).join(" ").replace(/\s+/g, " ").trim();
}

/** A link, if it leads to the web; else its text. */
export function link(url, children, props = {}) {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return h("span", {}, children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow", ...props }, children);
}

function element(node, place) {
  const children = () => node.children.map((child) => element(child, place));
  switch (node.type) {
    case "text":
      return node.text;
    case "paragraph":
      return h("p", {}, children());
    case "bold":
      return h("strong", {}, children());
    case "italic":
      return h("em", {}, children());
    case "underline":
      return h("u", {}, children());
    case "strike":
      return h("s", {}, children());
    case "spoiler":
      return spoiler(children());
    case "code":
      return h("code", {}, node.text);
    case "code-block":
      return codeBlock(node);
    case "quote":
      return h("blockquote", {}, children());
    case "heading":
      return h(`h${node.level + 2}`, { class: `heading-${node.level}` }, children());
    case "subtext":
      return h("small", { class: "subtext" }, children());
    case "list":
      return h(node.ordered ? "ol" : "ul", node.ordered ? { start: node.start } : {}, children());
    case "item":
      return h("li", {}, children());
    case "link":
      return link(node.url, children(), { title: node.masked ? node.url : null });
    case "time":
      return moment(node);
    default:
      return mention(node, place);
  }
}

function mention(node, { app, guild }) {
  const { store } = app;
  switch (node.type) {
    case "user": {
      const known = store.users.has(node.id);
      const label = known ? `@${store.nameOf(node.id, guild)}` : "@unknown-user";
      const open = (event) => app.showProfile(node.id, event.currentTarget);
      return known ? button("mention", label, open) : h("span", { class: "mention" }, label);
    }
    case "role":
      return h("span", { class: "mention" }, `@${guild?.roles.get(node.id)?.name ?? "unknown-role"}`);
    case "channel": {
      const channel = store.channel(node.id);
      if (!channel) return h("span", { class: "mention" }, "#unknown");
      const sign = icon(isThread(channel) ? THREAD : HASH);
      return button("mention", [sign, store.nameOfChannel(channel)], () => app.open(channel.id));
    }
    case "command":
      return button("mention", `/${node.name}`, () => app.composer.insertCommand(node.name));
    case "everyone":
      return h("span", { class: "mention" }, node.text);
    case "emoji":
      return h("span", { class: "custom-emoji", title: `:${node.name}:` }, `:${node.name}:`);
    default:
      return "";
  }
}

function flat(node, place) {
  if (node.type === "text" || node.type === "code" || node.type === "code-block") return node.text;
  if (node.type === "spoiler") return "█████";
  if (node.type === "time") return styled(new Date(node.at * 1000), node.style);
  if (node.children) return node.children.map((child) => flat(child, place)).join("");
  return mention(node, place).textContent ?? "";
}

/** Content that is hidden until someone asks for it. */
export function spoiler(children, { block = false } = {}) {
  const inside = h(block ? "div" : "span", { class: "spoiler-content", inert: true }, children);
  const show = (event) => {
    if (cover.classList.contains("shown")) return;
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    cover.classList.add("shown");
    cover.removeAttribute("role");
    cover.removeAttribute("tabindex");
    cover.removeAttribute("aria-label");
    inside.inert = false;
  };
  const cover = h(
    block ? "div" : "span",
    {
      class: `spoiler ${block ? "block" : ""}`,
      role: "button",
      tabIndex: 0,
      "aria-label": "Spoiler: show it",
      on: { click: show, keydown: show },
    },
    inside,
  );
  return cover;
}

function codeBlock({ language, text }) {
  const copy = h("button", { type: "button", class: "copy", "aria-label": "Copy code", title: "Copy code" }, icon(COPY));
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    $("announcer").append(h("p", {}, "Copied."));
  });
  return h(
    "div",
    { class: "code-block" },
    h("div", { class: "code-bar" }, h("span", { class: "language" }, language || "text"), copy),
    h("pre", { tabIndex: 0 }, h("code", {}, text)),
  );
}

function moment({ at, style }) {
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${at}>`;
  return h(
    "time",
    {
      class: "moment",
      dateTime: date.toISOString(),
      title: styled(date, "F"),
      data: style === "R" ? { relative: String(at) } : {},
    },
    styled(date, style),
  );
}

function button(kind, label, onClick) {
  return h("button", { type: "button", class: kind, on: { click: onClick } }, label);
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = relative(new Date(Number(time.dataset.relative) * 1000));
  }
}, RELATIVE_EVERY_MS);
