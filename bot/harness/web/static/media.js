// Files and pictures of messages. Pictures load from this server alone; others become links.

import { h, icon } from "./dom.js";
import { CLOSE, DOWNLOAD, FILE, LINK } from "./icons.js";
import { link, spoiler } from "./text.js";

const LONGEST_TEXT = 64 * 1024;

export function attachments(message) {
  if (!message.attachments?.length) return null;
  return h("div", { class: "attachments" }, message.attachments.map(attachment));
}

function attachment(file) {
  const hidden = file.filename.startsWith("SPOILER_");
  const element = isPicture(file) ? picture(file.url, file.description ?? file.filename) : fileCard(file);
  return hidden ? spoiler([element], { block: true }) : element;
}

/** A file to download, with the beginning of its text where it is one. */
export function fileCard(file) {
  const url = local(file.url);
  const card = h(
    "div",
    { class: "file" },
    icon(FILE),
    h(
      "span",
      { class: "file-name" },
      url ? h("a", { href: url, target: "_blank", rel: "noopener" }, file.filename) : file.filename,
      file.size !== undefined && h("small", {}, sized(file.size)),
    ),
    url && h("a", { class: "icon-button", href: url, download: file.filename, "aria-label": `Download ${file.filename}` }, icon(DOWNLOAD)),
  );
  if (!url || !isText(file) || file.size > LONGEST_TEXT) return card;
  const preview = h("pre", { class: "file-preview", tabIndex: 0 });
  preview.hidden = true;
  fetch(url).then(async (response) => {
    preview.textContent = (await response.text()).split("\n").slice(0, 8).join("\n");
    preview.hidden = !preview.textContent;
  }).catch(() => {});
  return h("div", { class: "file-with-preview" }, preview, card);
}

/** A picture of this server, or a link to one elsewhere. */
export function picture(address, description, { className = "picture" } = {}) {
  const url = local(address);
  if (!url) return elsewhere(address, description);
  const image = h("img", { src: url, alt: description || "Picture", loading: "lazy" });
  image.addEventListener("error", () => open.replaceWith(elsewhere(address, description)));
  const open = h("button", { type: "button", class: className, "aria-label": `Show ${description || "picture"}`, on: { click: () => lightbox(url, description) } }, image);
  return open;
}

/** The URL as the media of a message: attachment://name stands for a file that came with it. */
export function mediaUrl(url, message) {
  if (!url?.startsWith("attachment://")) return url ?? "";
  const name = url.slice("attachment://".length);
  return message.attachments?.find((a) => a.filename === name)?.url ?? url;
}

function elsewhere(address, description) {
  const host = URL.canParse(address) ? new URL(address).host : "";
  return h("span", { class: "elsewhere" }, icon(LINK), link(address, description || host || "Picture"), host && h("small", {}, host));
}

/** The address on this page's own origin if it is this server's, else null. */
function local(address) {
  if (!URL.canParse(address, location.href)) return null;
  const url = new URL(address, location.href);
  const here = url.protocol === location.protocol && url.port === location.port;
  const loopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  return here && (url.hostname === location.hostname || loopback) ? url.pathname + url.search : null;
}

function lightbox(url, description) {
  const dialog = h(
    "dialog",
    { class: "lightbox", "aria-label": description || "Picture" },
    h("img", { src: url, alt: description || "Picture" }),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close", on: { click: () => dialog.close() } }, icon(CLOSE)),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function isText(file) {
  return kindOf(file, "text/", "application/json") || /\.(txt|md|json|jsonl|csv|log|py|js|toml|ya?ml)$/i.test(file.filename);
}

function isPicture(file) {
  return kindOf(file, "image/") || /\.(png|jpe?g|gif|webp|avif)$/i.test(file.filename);
}

function kindOf(file, ...starts) {
  return starts.some((start) => file.content_type?.startsWith(start));
}

export function sized(bytes) {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
