// What one can do with a message: the bar that shows on it, and the menu behind it.

import { h, iconButton } from "./dom.js";
import { openEmojiPicker } from "./emoji.js";
import { EDIT, MORE, REPLY, SMILE, THREAD, TRASH } from "./icons.js";
import { Permission, may } from "./permissions.js";
import { openMenu } from "./popover.js";
import { ask, confirm } from "./dialogs.js";
import { ChannelType, Flag } from "./store.js";

/** The bar of a message, or null where there is nothing to do. */
export function actionBar(app, message) {
  if (message.flags & Flag.EPHEMERAL) return null;
  const can = abilities(app.store, message);
  const bar = h("div", { class: "actions", role: "toolbar", "aria-label": "Message actions" });
  bar.append(
    ...[
      can.react && iconButton(SMILE, "Add reaction", (e) => pickReaction(app, message, e.currentTarget)),
      can.reply && iconButton(REPLY, "Reply", () => app.composer.replyTo(message)),
      can.edit && iconButton(EDIT, "Edit", () => app.timeline.edit(message.id)),
      can.thread && iconButton(THREAD, "Create thread", () => startThread(app, message)),
      can.delete && iconButton(TRASH, "Delete", () => remove(app, message), { class: "danger" }),
      iconButton(MORE, "More", (e) => more(app, message, e.currentTarget), { "aria-haspopup": "menu" }),
    ].filter(Boolean),
  );
  return bar;
}

/** The keys that act on a focused message, as in Discord. */
export function actByKey(app, message, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || message.flags & Flag.EPHEMERAL) return;
  const can = abilities(app.store, message);
  const action = {
    r: can.reply && (() => app.composer.replyTo(message)),
    e: can.edit && (() => app.timeline.edit(message.id)),
    "+": can.react && (() => pickReaction(app, message, event.currentTarget)),
    Delete: can.delete && (() => remove(app, message)),
    Backspace: can.delete && (() => remove(app, message)),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

export function react(app, message, emoji, { remove: taking = false } = {}) {
  const name = emoji.id ? `${emoji.name}:${emoji.id}` : emoji.name;
  const path = `/channels/${message.channel_id}/messages/${message.id}/reactions/${encodeURIComponent(name)}/@me`;
  return app.attempt(() => (taking ? app.rest.delete(path) : app.rest.put(path)));
}

export function pickReaction(app, message, anchor) {
  openEmojiPicker(anchor, (character) => react(app, message, { id: null, name: character }));
}

function abilities(store, message) {
  const channel = store.channel(message.channel_id);
  const own = message.author.id === store.me.id;
  const inThread = channel.parent_id && channel.thread_metadata;
  const write = may(store, channel, inThread ? Permission.SEND_IN_THREADS : Permission.SEND_MESSAGES);
  return {
    react: may(store, channel, Permission.ADD_REACTIONS),
    reply: write,
    edit: own,
    delete: own || may(store, channel, Permission.MANAGE_MESSAGES),
    thread:
      channel.type === ChannelType.TEXT &&
      !message.thread &&
      may(store, channel, Permission.CREATE_PUBLIC_THREADS),
  };
}

async function remove(app, message) {
  const path = `/channels/${message.channel_id}/messages/${message.id}`;
  const sure = await confirm("Delete message", "Are you sure you want to delete this message?", "Delete");
  if (sure) await app.attempt(() => app.rest.delete(path));
}

async function startThread(app, message) {
  const name = await ask("Create thread", "Thread name", { value: message.content.slice(0, 40), most: 100, action: "Create thread" });
  if (!name) return;
  const path = `/channels/${message.channel_id}/messages/${message.id}/threads`;
  const thread = await app.attempt(() => app.rest.post(path, { name }));
  if (!thread) return;
  app.store.putChannel(thread);
  app.open(thread.id);
}

async function more(app, message, anchor) {
  const channel = app.store.channel(message.channel_id);
  const commands = await app.commands.contextual(channel, 3);
  const pin = `/channels/${message.channel_id}/messages/pins/${message.id}`;
  openMenu(anchor, "More", [
    { label: "Copy text", onPick: () => copy(app, message.content) },
    { label: "Copy message ID", onPick: () => copy(app, message.id) },
    may(app.store, channel, Permission.MANAGE_MESSAGES) && {
      label: message.pinned ? "Unpin message" : "Pin message",
      onPick: () => app.attempt(() => (message.pinned ? app.rest.delete(pin) : app.rest.put(pin))),
    },
    ...commands.map((command) => ({
      label: command.name,
      detail: "App",
      onPick: () => app.commands.runOn(channel, command, message.id),
    })),
  ]);
}

async function copy(app, text) {
  await app.attempt(() => navigator.clipboard.writeText(text));
  app.announce("Copied.");
}
