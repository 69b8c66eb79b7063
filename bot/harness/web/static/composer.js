// The message box: writing, replying, attaching, and the way into slash commands.

import { CommandForm } from "./command_form.js";
import { complete } from "./completion.js";
import { $, h, icon, iconButton } from "./dom.js";
import { openEmojiPicker } from "./emoji.js";
import { CLOSE, FILE, PLUS, SEND, SMILE } from "./icons.js";
import { sized } from "./media.js";
import { Permission, may } from "./permissions.js";
import { people } from "./select.js";
import { isDirect, isThread } from "./store.js";
import { Suggestions } from "./suggestions.js";

const LIMIT = 2000;
const TYPING_EVERY_MS = 8000;

export class Composer {
  constructor(app) {
    this.app = app;
    this.drafts = new Map(); // channel id -> text
    this.files = [];
    this.reply = null;
    this.form = null;
    this.shown = new Map(); // what stands in the box for a mention -> what is sent
    this.typedAt = 0;
    this.#build();
    app.store.on("message-gone", ({ id }) => id === this.reply?.id && this.replyTo(null));
  }

  open(channel) {
    if (this.channel) this.drafts.set(this.channel.id, this.field.value);
    this.channel = channel;
    this.files = [];
    this.replyTo(null);
    this.#endForm({ focus: false });
    this.field.value = this.drafts.get(channel.id) ?? "";
    this.refresh();
    this.#drawFiles();
    this.#grow();
  }

  /** Show what one may do here and how the place is called; either may have changed. */
  refresh() {
    const channel = this.app.store.channel(this.channel?.id);
    if (!channel) return;
    this.channel = channel;
    const name = this.app.store.nameOfChannel(channel);
    const label = `Message ${isDirect(channel) ? "@" : isThread(channel) ? "" : "#"}${name}`;
    const write = may(this.app.store, channel, isThread(channel) ? Permission.SEND_IN_THREADS : Permission.SEND_MESSAGES);
    this.field.placeholder = write ? label : "You do not have permission to send messages here.";
    this.field.setAttribute("aria-label", label);
    this.element.inert = !write;
  }

  focus() {
    if (this.form) this.form.focus();
    else this.field.focus();
  }

  replyTo(message) {
    this.reply = message;
    const name = message && this.app.store.nameOf(message.author.id, this.app.store.guildOf(this.channel));
    this.replyBar.replaceChildren(
      ...(message ? [h("span", {}, "Replying to ", h("strong", {}, name)), iconButton(CLOSE, "Cancel reply", () => this.replyTo(null))] : []),
    );
    this.replyBar.hidden = !message;
    if (message) this.focus();
  }

  /** Put a command's name into the box, as a press on a mention of it does. */
  insertCommand(name) {
    this.field.value = `/${name}`;
    this.focus();
    this.suggestions.refresh();
  }

  #build() {
    this.panel = h("div", { class: "suggestions", hidden: true });
    this.replyBar = h("div", { class: "reply-bar", hidden: true });
    this.fileBar = h("ul", { class: "file-bar", "aria-label": "Files to send", hidden: true });
    this.counter = h("span", { class: "counter", "aria-live": "polite" });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, on: { change: () => this.#attach(this.picker.files) } });
    this.field = h("textarea", {
      class: "input",
      id: "message-box",
      rows: 1,
      "aria-multiline": "true",
      on: { input: () => this.#typed(), keydown: (event) => this.#keydown(event), paste: (event) => this.#paste(event) },
    });
    this.suggestions = new Suggestions(this.field, this.panel, {
      query: (field) => complete(this.app, this.channel, field),
      pick: (item) => this.#take(item),
    });
    this.line = h(
      "div",
      { class: "write-line" },
      iconButton(PLUS, "Attach files", () => this.picker.click()),
      this.field,
      this.counter,
      iconButton(SMILE, "Insert emoji", (e) => openEmojiPicker(e.currentTarget, (c) => this.#insert(c))),
      iconButton(SEND, "Send message", () => this.send(), { class: "send" }),
      this.picker,
    );
    this.element = h("div", { class: "composer-box" }, this.panel, this.replyBar, this.fileBar, this.line);
    $("composer").replaceChildren(this.element);
    const place = $("conversation");
    place.addEventListener("dragover", (event) => event.preventDefault());
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#attach(event.dataTransfer.files);
    });
  }

  async send() {
    const content = this.#raw();
    if ((!content && !this.files.length) || content.length > LIMIT) return;
    const { channel, files, reply } = this;
    const body = { content, nonce: String(Date.now() * 4096 + Math.floor(Math.random() * 4096)) };
    if (reply) body.message_reference = { channel_id: channel.id, message_id: reply.id };
    if (files.length) body.attachments = files.map((file, i) => ({ id: String(i), filename: file.name }));
    const text = this.field.value;
    this.#clear();
    this.app.timeline.pinned = true;
    const sent = await this.app.attempt(() => this.app.rest.post(`/channels/${channel.id}/messages`, body, files));
    if (sent || this.channel !== channel || this.field.value) return;
    this.field.value = text;
    this.files = files;
    this.#drawFiles();
    this.#grow();
  }

  #clear() {
    this.field.value = "";
    this.files = [];
    this.typedAt = 0;
    this.replyTo(null);
    this.#drawFiles();
    this.#grow();
    this.focus();
  }

  /** The text with mentions as Discord wants them, also of whom one typed without choosing. */
  #raw() {
    const text = this.field.value.trim();
    const typed = text.includes("@")
      ? people(this.app, this.channel).map((p) => [`@${p.label}`, `<@${p.value}>`])
      : [];
    const names = new Map([...typed, ...this.shown].filter(([shown]) => text.includes(shown)));
    if (!names.size) return text;
    const longestFirst = [...names.keys()].sort((a, b) => b.length - a.length).map(literally);
    const whole = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${longestFirst.join("|")})(?![\\p{L}\\p{N}_])`, "gu");
    return text.replace(whole, (shown) => names.get(shown));
  }

  #take(item) {
    if (item.entry) {
      this.#startForm(item.entry);
      return;
    }
    const end = this.field.selectionStart;
    this.field.setRangeText(`${item.shown} `, end - item.length, end, "end");
    if (item.shown !== item.insert) this.shown.set(item.shown, item.insert);
    this.#grow();
  }

  #startForm(entry) {
    this.field.value = "";
    this.form = new CommandForm(this.app, this.channel, entry, this.panel, () => this.#endForm());
    this.line.hidden = true;
    this.element.append(this.form.element);
    this.form.focus();
  }

  #endForm({ focus = true } = {}) {
    this.form?.element.remove();
    this.form = null;
    this.line.hidden = false;
    this.panel.hidden = true;
    if (focus) this.focus();
  }

  #insert(text) {
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, "end");
    this.focus();
    this.#grow();
  }

  #typed() {
    this.#grow();
    const now = Date.now();
    const writes = this.field.value && !this.field.value.startsWith("/");
    if (!writes || now - this.typedAt < TYPING_EVERY_MS) return;
    this.typedAt = now;
    this.app.rest.post(`/channels/${this.channel.id}/typing`).catch(() => {});
  }

  #keydown(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && !this.field.value) {
      if (this.app.timeline.editLast()) event.preventDefault();
    } else if (event.key === "Escape") {
      if (this.reply) this.replyTo(null);
      else this.app.timeline.toEnd();
    }
  }

  #paste(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    this.#attach(event.clipboardData.files);
  }

  #attach(files) {
    this.files = [...this.files, ...files].slice(0, 10);
    this.picker.value = "";
    this.#drawFiles();
    this.focus();
  }

  #drawFiles() {
    this.fileBar.hidden = !this.files.length;
    this.fileBar.replaceChildren(
      ...this.files.map((file) =>
        h(
          "li",
          { class: "file-chip" },
          icon(FILE),
          h("span", {}, file.name, h("small", {}, sized(file.size))),
          iconButton(CLOSE, `Remove ${file.name}`, () => {
            this.files = this.files.filter((f) => f !== file);
            this.#drawFiles();
          }),
        ),
      ),
    );
  }

  #grow() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${this.field.scrollHeight}px`);
    const left = LIMIT - this.#raw().length;
    this.counter.textContent = left < 200 ? String(left) : "";
    this.counter.classList.toggle("over", left < 0);
  }
}

function literally(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
