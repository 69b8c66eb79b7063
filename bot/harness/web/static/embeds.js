// Embeds.

import { h } from "./dom.js";
import { mediaUrl, picture } from "./media.js";
import { formatted, link } from "./text.js";
import { calendar } from "./timestamps.js";

export function embeds(message, place) {
  if (!message.embeds?.length) return null;
  return message.embeds.map((embed) => card(embed, message, place));
}

function card(embed, message, place) {
  const image = embed.image?.url && picture(mediaUrl(embed.image.url, message), "Embedded picture");
  const thumbnail = embed.thumbnail?.url && picture(mediaUrl(embed.thumbnail.url, message), "Thumbnail", { className: "thumbnail" });
  return h(
    "article",
    { class: "embed", style: { "--accent": colour(embed.color) } },
    h(
      "div",
      { class: "embed-main" },
      embed.provider?.name && h("div", { class: "embed-provider" }, embed.provider.name),
      embed.author?.name && h("div", { class: "embed-author" }, linked(embed.author.url, embed.author.name)),
      embed.title && h("div", { class: "embed-title" }, linked(embed.url, formatted(embed.title, place))),
      embed.description && formatted(embed.description, place),
      embed.fields?.length > 0 && h("div", { class: "embed-fields" }, embed.fields.map((f) => field(f, place))),
      image,
      (embed.footer?.text || embed.timestamp) && footer(embed),
    ),
    thumbnail,
  );
}

function field({ name, value, inline }, place) {
  return h(
    "div",
    { class: inline ? "embed-field inline" : "embed-field" },
    h("div", { class: "embed-field-name" }, formatted(name ?? "", place)),
    formatted(value ?? "", place),
  );
}

function footer({ footer: foot, timestamp }) {
  const at = timestamp ? new Date(timestamp) : null;
  const parts = [foot?.text, at && !Number.isNaN(at.getTime()) && calendar(at)].filter(Boolean);
  return h("div", { class: "embed-footer" }, parts.join(" • "));
}

function linked(url, content) {
  return url ? link(url, content) : content;
}

export function colour(number) {
  return Number.isInteger(number) ? `#${number.toString(16).padStart(6, "0").slice(-6)}` : null;
}
