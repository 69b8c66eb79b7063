// One message as an element.

import { actByKey, actionBar, pickReaction, react } from "./actions.js";
import { avatar } from "./avatar.js";
import { components } from "./components.js";
import { h, icon, iconButton } from "./dom.js";
import { embeds } from "./embeds.js";
import { EYE, SMILE, THREAD } from "./icons.js";
import { attachments } from "./media.js";
import { flattened, formatted } from "./text.js";
import { Flag } from "./store.js";
import { calendar, clock, styled, timeOf } from "./timestamps.js";

const LABEL_LENGTH = 300;
const TEXT_TYPES = new Set([0, 19, 20, 23]);

/** The list item of a message; `follows` is true where the author is shown above already. */
export function messageItem(app, message, { follows, editor = null }) {
  const { store } = app;
  const channel = store.channel(message.channel_id);
  const guild = store.guildOf(channel);
  const place = { app, guild };
  const name = store.nameOf(message.author.id, guild);
  const at = timeOf(message.id);
  const ephemeral = Boolean(message.flags & Flag.EPHEMERAL);
  const classes = ["message", follows && "follows", ephemeral && "ephemeral", !ephemeral && store.isMentioned(message) && "mentioned"];
  const item = h("li", {
    class: classes.filter(Boolean).join(" "),
    tabIndex: -1,
    data: { id: message.id, author: message.author.id },
    "aria-label": `${name}: ${summary(message, place).slice(0, LABEL_LENGTH)}, ${calendar(at)}`,
    on: { keydown: (event) => event.target === item && actByKey(app, message, event) },
  });
  item.append(
    ...[
      context(app, message, guild),
      follows ? h("time", { class: "gutter", dateTime: at.toISOString() }, clock(at)) : face(app, message, name),
      h(
        "div",
        { class: "message-body" },
        !follows && header(app, message, name, at),
        editor ?? content(message, place),
        !(message.flags & Flag.COMPONENTS_V2) && attachments(message),
        !(message.flags & Flag.SUPPRESS_EMBEDS) && embeds(message, place),
        components(message, place),
        app.failureOf(message.id) && h("div", { class: "failure", role: "alert" }, app.failureOf(message.id)),
        reactions(app, message),
        threadCard(app, message),
        ephemeral && privacy(app, message),
      ),
      actionBar(app, message),
    ].filter(Boolean),
  );
  return item;
}

/** A message as one line of plain text, for announcements and previews. */
export function summary(message, place) {
  if (message.flags & Flag.LOADING) return "is thinking";
  if (message.content) return flattened(message.content, place);
  if (message.embeds?.length) return message.embeds[0].title ?? "an embed";
  if (message.attachments?.length) return message.attachments.map((a) => a.filename).join(", ");
  return textOf(message.components ?? []) || "a message";
}

function textOf(parts) {
  return parts.map((part) => part.content ?? textOf(part.components ?? [])).filter(Boolean).join(" ");
}

function face(app, message, name) {
  return h(
    "button",
    { type: "button", class: "face", "aria-label": `Profile of ${name}`, tabIndex: -1, on: { click: (e) => app.showProfile(message.author.id, e.currentTarget) } },
    avatar(message.author.id, name),
  );
}

function header(app, message, name, at) {
  return h(
    "div",
    { class: "message-header" },
    h("button", { type: "button", class: "author", tabIndex: -1, on: { click: (e) => app.showProfile(message.author.id, e.currentTarget) } }, name),
    message.author.bot && h("span", { class: "tag" }, "APP"),
    h("time", { dateTime: at.toISOString(), title: styled(at, "F") }, calendar(at)),
  );
}

function content(message, place) {
  if (message.flags & Flag.LOADING) {
    const name = place.app.store.nameOf(message.author.id, place.guild);
    return h("div", { class: "thinking" }, dots(), `${name} is thinking…`);
  }
  if (!TEXT_TYPES.has(message.type)) return h("div", { class: "text system" }, systemText(message));
  if (!message.content) return edited(message) && h("div", { class: "text" }, edited(message));
  const text = formatted(message.content, place);
  const mark = edited(message);
  if (mark) (text.lastElementChild?.tagName === "P" ? text.lastElementChild : text).append(" ", mark);
  return text;
}

function systemText(message) {
  if (message.type === 6) return "pinned a message to this channel.";
  if (message.type === 18) return `started a thread: ${message.content}`;
  return message.content;
}

function edited(message) {
  if (!message.edited_timestamp) return null;
  const at = new Date(message.edited_timestamp);
  return h("time", { class: "edited", dateTime: message.edited_timestamp, title: styled(at, "F") }, "(edited)");
}

/** The line above: what a message replies to, or which command led to it. */
function context(app, message, guild) {
  const { store } = app;
  const used = message.interaction ?? (message.interaction_metadata?.name && message.interaction_metadata);
  if (message.type === 19 && message.message_reference) {
    const target = store.message(message.channel_id, message.message_reference.message_id) ?? message.referenced_message;
    if (!target) return line([h("em", {}, "Original message was deleted")]);
    const name = store.nameOf(target.author.id, guild);
    const jump = () => app.timeline.jumpTo(target.id);
    return line([
      avatar(target.author.id, name, { size: 16 }),
      h("span", { class: "context-author" }, name),
      h("button", { type: "button", class: "preview", on: { click: jump } }, summary(target, { app, guild })),
    ]);
  }
  if (used) {
    const name = store.nameOf(used.user.id, guild);
    return line([
      avatar(used.user.id, name, { size: 16 }),
      h("span", { class: "context-author" }, name),
      "used ",
      h("span", { class: "command-name" }, `/${used.name}`),
    ]);
  }
  return null;
}

function line(children) {
  return h("div", { class: "context" }, children);
}

function reactions(app, message) {
  if (!message.reactions?.length) return null;
  const chips = message.reactions.map(({ emoji, count, me }) => {
    const name = emoji.id ? `:${emoji.name}:` : emoji.name;
    return h(
      "button",
      {
        type: "button",
        class: "reaction",
        "aria-pressed": String(me),
        "aria-label": `${name}, ${count} ${count === 1 ? "reaction" : "reactions"}`,
        data: { emoji: emoji.name },
        on: { click: () => react(app, message, emoji, { remove: me }) },
      },
      h("span", {}, name),
      h("span", { class: "count" }, String(count)),
    );
  });
  const add = iconButton(SMILE, "Add reaction", (e) => pickReaction(app, message, e.currentTarget), { class: "reaction add" });
  return h("div", { class: "reactions", role: "group", "aria-label": "Reactions" }, chips, add);
}

function threadCard(app, message) {
  const thread = message.thread && (app.store.channel(message.thread.id) ?? message.thread);
  if (!thread) return null;
  return h(
    "button",
    { type: "button", class: "thread-card", on: { click: () => app.open(thread.id) } },
    icon(THREAD),
    h("span", { class: "thread-name" }, thread.name),
    h("span", { class: "thread-more" }, "See thread ›"),
  );
}

function privacy(app, message) {
  const dismiss = () => app.store.removeMessage(message.channel_id, message.id);
  return h(
    "div",
    { class: "privacy" },
    icon(EYE),
    "Only you can see this • ",
    h("button", { type: "button", class: "as-link", on: { click: dismiss } }, "Dismiss message"),
  );
}

export function dots() {
  return h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
}


