// Components of messages: rows of buttons and selects, and the layouts of Components V2.

import { h, icon } from "./dom.js";
import { colour } from "./embeds.js";
import { LINK } from "./icons.js";
import { fileCard, mediaUrl, picture } from "./media.js";
import { selectControl } from "./select.js";
import { formatted, link, spoiler } from "./text.js";

const Type = {
  ROW: 1, BUTTON: 2, STRING: 3, USER: 5, ROLE: 6, MENTIONABLE: 7, CHANNEL: 8,
  SECTION: 9, TEXT: 10, THUMBNAIL: 11, GALLERY: 12, FILE: 13, SEPARATOR: 14, CONTAINER: 17,
};
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

/** The components of a message; `place` is {app, guild}. */
export function components(message, place) {
  if (!message.components?.length) return null;
  return h("div", { class: "components" }, message.components.map((c) => element(c, message, place)));
}

function element(component, message, place) {
  const inner = (list) => (list ?? []).map((c) => element(c, message, place));
  switch (component.type) {
    case Type.ROW:
      return h("div", { class: "row" }, inner(component.components));
    case Type.BUTTON:
      return button(component, message, place);
    case Type.STRING:
    case Type.USER:
    case Type.ROLE:
    case Type.MENTIONABLE:
    case Type.CHANNEL:
      return select(component, message, place);
    case Type.SECTION:
      return h(
        "div",
        { class: "section" },
        h("div", { class: "section-text" }, inner(component.components)),
        component.accessory && element(component.accessory, message, place),
      );
    case Type.TEXT:
      return formatted(component.content ?? "", place);
    case Type.THUMBNAIL:
      return media(component, message, "thumbnail");
    case Type.GALLERY:
      return h(
        "div",
        { class: "gallery", data: { count: String(Math.min(4, component.items.length)) } },
        component.items.map((item) => media(item, message, "picture")),
      );
    case Type.FILE:
      return file(component, message);
    case Type.SEPARATOR:
      return separator(component);
    case Type.CONTAINER:
      return container(component, inner(component.components));
    default:
      return h("div", { class: "unsupported" }, "This part can not be shown here.");
  }
}

function button(component, message, { app }) {
  const face = [
    component.emoji?.name && h("span", { class: "button-emoji" }, component.emoji.id ? `:${component.emoji.name}:` : component.emoji.name),
    component.label && h("span", {}, component.label),
  ];
  const kind = `button ${STYLES[component.style] ?? "secondary"}`;
  if (component.url) return link(component.url, [face, icon(LINK)], { class: kind });
  const control = h(
    "button",
    {
      type: "button",
      class: kind,
      disabled: component.disabled || !component.custom_id,
      "aria-label": component.label ? null : (component.emoji?.name ?? "Button"),
      data: { component: component.custom_id ?? "" },
    },
    face,
  );
  control.addEventListener("click", () => app.useComponent(message, component));
  if (app.isBusy(message.id, component.custom_id)) {
    control.classList.add("busy");
    control.setAttribute("aria-busy", "true");
    control.disabled = true;
  }
  return control;
}

function select(component, message, { app }) {
  const channel = app.store.channel(message.channel_id);
  return selectControl(app, component, channel, {
    disabled: app.isBusy(message.id, component.custom_id),
    onCommit: (values) => app.useComponent(message, component, values),
  });
}

function media({ media: source, description, spoiler: hidden }, message, className) {
  const shown = picture(mediaUrl(source?.url, message), description, { className });
  return hidden ? spoiler([shown], { block: true }) : shown;
}

function file(component, message) {
  const url = mediaUrl(component.file?.url, message);
  const known = message.attachments?.find((a) => a.url === url);
  const shown = fileCard(known ?? { url, filename: component.name ?? url.split("/").pop() ?? "file", size: component.size });
  return component.spoiler ? spoiler([shown], { block: true }) : shown;
}

function separator({ divider = true, spacing = 1 }) {
  const kind = `separator ${spacing === 2 ? "large" : ""} ${divider ? "" : "blank"}`;
  return h("div", { class: kind, role: divider ? "separator" : null });
}

function container(component, children) {
  const accent = colour(component.accent_color);
  const box = h("section", { class: accent ? "container accented" : "container", style: { "--accent": accent } }, children);
  return component.spoiler ? spoiler([box], { block: true }) : box;
}
