// The conversation: the messages of the open channel, grouped by author and day.

import { $, h } from "./dom.js";
import { editor } from "./editor.js";
import { messageItem } from "./message.js";
import { moveFocus } from "./popover.js";
import { Flag, isDirect } from "./store.js";
import { sameDay, styled, timeOf } from "./timestamps.js";

const GROUP_MS = 7 * 60 * 1000;
const NEAR_END = 80;
const PAGE = 50;
const MOST = 200; // messages that are drawn while the end is in sight; older ones are loaded again
const KEPT = 100;

export class Timeline {
  constructor(app) {
    this.app = app;
    this.box = $("timeline");
    this.list = null;
    this.items = new Map(); // message id -> its element
    this.changed = new Set(); // ids of messages to be drawn with the next frame
    this.channel = null;
    this.editing = null; // {id, element} of the message that is being edited
    this.pinned = true; // whether the end is in sight, and to be kept there
    this.top = 0; // where the box was scrolled to
    this.box.addEventListener("scroll", () => this.#scrolled());
    this.box.addEventListener("keydown", (event) => this.#move(event));
    $("jump").addEventListener("click", () => this.toEnd());
    this.resizes = new ResizeObserver(() => this.pinned && this.toEnd());
    this.resizes.observe(this.box);
    app.store.on("message", ({ channelId, id }) => channelId === this.channel?.id && this.#later(id));
    app.store.on("message-gone", ({ channelId, id }) => channelId === this.channel?.id && this.#take(id));
    app.store.on("messages", ({ channelId }) => channelId === this.channel?.id && this.draw());
    app.store.on("members", (guildId) => this.channel && guildId === this.channel.guild_id && this.draw());
    app.store.on("busy", ({ channelId, id }) => channelId === this.channel?.id && this.#later(id));
  }

  /** Show a channel from its end; what came while it was closed is below a line. */
  async open(channel) {
    this.channel = channel;
    this.editing = null;
    this.firstUnread = this.app.store.unread.get(channel.id)?.first ?? null;
    this.pinned = true;
    this.draw();
    if (!this.app.store.loaded.has(channel.id)) await this.#load();
  }

  draw() {
    const { store } = this.app;
    const messages = [...store.messagesOf(this.channel.id).values()];
    const { scrollTop } = this.box;
    this.items.clear();
    this.changed.clear();
    this.held = null;
    this.list = h("ol", { class: "messages", "aria-label": `Messages in ${store.nameOfChannel(this.channel)}` });
    let before = null;
    for (const message of messages) {
      this.list.append(...this.#itemsOf(message, before));
      before = message;
    }
    const start = store.complete.has(this.channel.id) && this.#beginning();
    const loading = !store.loaded.has(this.channel.id) && h("p", { class: "loading", role: "status" }, "Loading messages…");
    this.box.replaceChildren(...[start, loading, this.list].filter(Boolean));
    this.resizes.observe(this.list);
    this.#rove();
    if (this.pinned) this.toEnd();
    else this.box.scrollTop = scrollTop;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.top = this.box.scrollTop;
    this.pinned = true;
    $("jump").hidden = true;
  }

  /** Edit one's own message in its place. */
  edit(id) {
    const before = this.editing;
    const message = this.app.store.message(this.channel.id, id);
    this.editing = { id, element: editor(this.app, message, () => this.#endEdit()) };
    this.#put(before ? [before.id, id] : [id]);
    this.itemOf(id)?.querySelector("textarea")?.focus();
    this.itemOf(id)?.scrollIntoView({ block: "nearest" });
  }

  /** Edit the last message of one's own; answers whether there is one. */
  editLast() {
    const { store } = this.app;
    const mine = [...store.messagesOf(this.channel.id).values()]
      .reverse()
      .find((m) => m.author.id === store.me.id && (m.type === 0 || m.type === 19));
    if (mine) this.edit(mine.id);
    return Boolean(mine);
  }

  jumpTo(id) {
    const item = this.itemOf(id);
    if (!item) return;
    item.scrollIntoView({ block: "center" });
    item.focus();
    item.classList.add("flash");
    item.addEventListener("animationend", () => item.classList.remove("flash"), { once: true });
  }

  focusLast() {
    const items = this.#items();
    items.at(-1)?.focus();
  }

  itemOf(id) {
    return this.items.get(id);
  }

  #items() {
    return [...(this.list?.querySelectorAll(":scope > .message") ?? [])];
  }

  /** The item of a message, with a line for the day or for what is new before it. */
  #itemsOf(message, before) {
    const at = timeOf(message.id);
    const newDay = !before || !sameDay(at, timeOf(before.id));
    const isNew = message.id === this.firstUnread;
    const parts = [];
    if (newDay) parts.push(divider(styled(at, "D"), "", message.id));
    if (isNew) parts.push(divider("New", "new", message.id));
    const follows = !newDay && !isNew && this.#follows(message, before);
    const own = this.editing?.id === message.id ? this.editing.element : null;
    const item = messageItem(this.app, message, { follows, editor: own });
    this.items.set(message.id, item);
    parts.push(item);
    return parts;
  }

  #follows(message, before) {
    const plain = (m) => m.type === 0 && !m.interaction_metadata?.name;
    return (
      before.author.id === message.author.id &&
      plain(message) &&
      (before.flags & Flag.EPHEMERAL) === (message.flags & Flag.EPHEMERAL) &&
      timeOf(message.id) - timeOf(before.id) < GROUP_MS
    );
  }

  /** Draw a message with the next frame, together with all that happens until then. */
  #later(id) {
    this.changed.add(id);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#put(this.changed);
    });
  }

  /** Draw messages anew where they are, or at the end if they are new. */
  #put(changed) {
    const { store } = this.app;
    const wanted = new Set(changed);
    this.changed.clear();
    if (this.pinned) this.#trim(wanted);
    let more = false;
    let before = null;
    for (const message of store.messagesOf(this.channel.id).values()) {
      if (wanted.has(message.id)) more = this.#putOne(message, before) || more;
      before = message;
    }
    this.#rove();
    if (this.pinned) this.toEnd();
    else if (more) $("jump").hidden = false;
  }

  /** Draw one message after `before`; answers whether it is new. */
  #putOne(message, before) {
    const { id } = message;
    const known = this.itemOf(id);
    const focus = known && focusWithin(known);
    const dividers = known ? this.#dividersOf(id) : [];
    const parts = this.#itemsOf(message, before);
    dividers.forEach((d) => d.remove());
    if (known) known.replaceWith(...parts);
    else this.list.append(...parts);
    if (focus) restoreFocus(this.itemOf(id), focus);
    return !known;
  }

  /** Let go of the oldest messages where many came: what scrolls by would slow everything down. */
  #trim(wanted) {
    const messages = this.app.store.messagesOf(this.channel.id);
    if (messages.size <= MOST || this.editing || this.list.contains(document.activeElement)) return;
    for (const id of this.app.store.forgetOldest(this.channel.id, KEPT)) {
      this.#dividersOf(id).forEach((d) => d.remove());
      this.itemOf(id)?.remove();
      this.items.delete(id);
    }
    this.box.querySelector(".beginning")?.remove();
    // What is the first one by now begins with its day and its author.
    wanted.add(messages.keys().next().value);
  }

  #take(id) {
    this.changed.delete(id);
    const item = this.itemOf(id);
    if (!item) return;
    const next = item.nextElementSibling;
    const held = item.contains(document.activeElement);
    this.#dividersOf(id).forEach((d) => d.remove());
    item.remove();
    this.items.delete(id);
    const follower = next?.dataset.id ?? next?.dataset.before;
    if (follower) this.#later(follower);
    this.#rove();
    if (held) this.app.composer.focus();
  }

  #dividersOf(id) {
    const found = [];
    for (let part = this.itemOf(id)?.previousElementSibling; part?.dataset.before === id; part = part.previousElementSibling) {
      found.push(part);
    }
    return found;
  }

  #endEdit() {
    const ended = this.editing;
    this.editing = null;
    if (ended) this.#put([ended.id]);
    this.app.composer.focus();
  }

  /** One message is in the tab order; the arrows lead to the others. */
  #rove() {
    const active = document.activeElement;
    const isItem = active?.parentElement === this.list && active.classList.contains("message");
    const held = isItem ? active : this.list.lastElementChild;
    if (this.held && this.held !== held) this.held.tabIndex = -1;
    if (held) held.tabIndex = 0;
    this.held = held;
  }

  #move(event) {
    const items = this.#items();
    if (!items.includes(event.target)) return;
    if (event.key === "Escape") this.app.composer.focus();
    moveFocus(event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End" ? event : {}, items);
    this.#rove();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const below = scrollHeight - scrollTop - clientHeight;
    // However little one scrolls up, what comes next does not pull one back down.
    const up = scrollTop < this.top && below > 1;
    this.pinned = below < NEAR_END && !up;
    this.top = scrollTop;
    if (this.pinned) $("jump").hidden = true;
    if (scrollTop < NEAR_END && !this.pinned) this.#load();
  }

  async #load() {
    const { store, rest } = this.app;
    const { id } = this.channel;
    if (this.loading === id || store.complete.has(id)) return;
    this.loading = id;
    const oldest = store.loaded.has(id) ? store.messagesOf(id).keys().next().value : null;
    const height = this.box.scrollHeight;
    const path = `/channels/${id}/messages?limit=${PAGE}${oldest ? `&before=${oldest}` : ""}`;
    const page = await this.app.attempt(() => rest.get(path));
    this.loading = null;
    if (!page) return;
    if (page.length < PAGE) store.complete.add(id);
    store.putHistory(id, page);
    if (oldest && this.channel.id === id) this.box.scrollTop = this.box.scrollHeight - height;
  }

  #beginning() {
    const { store } = this.app;
    const name = store.nameOfChannel(this.channel);
    const direct = isDirect(this.channel);
    return h(
      "div",
      { class: "beginning" },
      h("h2", {}, direct || this.channel.thread_metadata ? name : `Welcome to #${name}`),
      h("p", {}, direct ? `This is the beginning of your direct messages with ${name}.` : "This is where the conversation begins."),
    );
  }
}

function divider(label, kind, before) {
  return h("li", { class: `divider ${kind}`, role: "separator", "aria-label": label, data: { before } }, h("span", {}, label));
}

/** What has the focus in an item, in a way that finds it in the item's successor. */
function focusWithin(item) {
  const held = document.activeElement;
  if (!item.contains(held)) return null;
  const all = [...item.querySelectorAll("button, textarea, a, input")];
  return { index: all.indexOf(held), self: held === item };
}

function restoreFocus(item, { index, self }) {
  const all = [...item.querySelectorAll("button, textarea, a, input")];
  (self ? item : (all[index] ?? item)).focus({ preventScroll: true });
}
