// Where one can go: servers in the rail, channels with their threads, and direct messages.

import { avatar, initials } from "./avatar.js";
import { $, h, icon, iconButton } from "./dom.js";
import { AT, HASH, HOME, PLUS, SPEAKER, THREAD } from "./icons.js";
import { openMenu } from "./popover.js";
import { ChannelType } from "./store.js";

export class Sidebar {
  constructor(app) {
    this.app = app;
    for (const topic of ["places", "unread", "ready"]) app.store.on(topic, () => this.draw());
  }

  /** Draw before the next frame, once for all that happens until then. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.app.store.me) this.#draw();
    });
  }

  /** The guild that is shown: that of the open channel; null for direct messages. */
  get guild() {
    const { store, channel, home } = this.app;
    return home ? null : store.guildOf(channel);
  }

  #draw() {
    const { store } = this.app;
    const { guild } = this;
    const mentions = this.#mentions();
    $("rail").replaceChildren(
      this.#server("Direct messages", icon(HOME), !guild, mentions.get(null), () => this.app.goHome()),
      h("hr"),
      ...[...store.guilds.values()].map((g) =>
        this.#server(g.name, initials(g.name), g === guild, mentions.get(g.id), () => this.app.openGuild(g)),
      ),
    );
    $("place-name").textContent = guild?.name ?? "Direct messages";
    const focused = document.activeElement?.dataset?.channel;
    $("channels").replaceChildren(...(guild ? this.#channels(guild) : this.#directMessages()));
    if (focused) $("channels").querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
  }

  #server(name, face, current, mentions, onClick) {
    return h(
      "button",
      {
        type: "button",
        class: "server",
        title: name,
        "aria-label": mentions ? `${name}, ${mentions} mentions` : name,
        "aria-current": current ? "true" : null,
        on: { click: onClick },
      },
      h("span", { class: "server-face" }, face),
      badge(mentions),
    );
  }

  /** How often one was mentioned and has not looked, by guild; null for direct messages. */
  #mentions() {
    const { store } = this.app;
    const sums = new Map();
    for (const [id, { mentions }] of store.unread) {
      const guildId = store.channel(id)?.guild_id ?? null;
      sums.set(guildId, (sums.get(guildId) ?? 0) + mentions);
    }
    return sums;
  }

  #channels(guild) {
    const { store } = this.app;
    const all = store.channelsOf(guild);
    const within = (parent) => all.filter((c) => (c.parent_id ?? null) === parent && c.type !== ChannelType.CATEGORY);
    const loose = within(null);
    const groups = all.filter((c) => c.type === ChannelType.CATEGORY).map((c) => [c.name, within(c.id)]);
    if (loose.length) groups.unshift(["Text channels", loose]);
    return groups.map(([name, channels]) =>
      h("section", {}, h("h3", {}, name), h("ul", {}, channels.map((c) => this.#channel(c)))),
    );
  }

  #channel(channel) {
    const { store } = this.app;
    const threads = store.threadsOf(channel);
    const sign = channel.type === ChannelType.VOICE ? SPEAKER : HASH;
    return h(
      "li",
      {},
      this.#entry(channel, icon(sign)),
      threads.length > 0 && h("ul", { class: "threads" }, threads.map((t) => h("li", {}, this.#entry(t, icon(THREAD))))),
    );
  }

  #directMessages() {
    const { store } = this.app;
    const start = iconButton(PLUS, "New direct message", (e) => this.#startDirectMessage(e.currentTarget), { "aria-haspopup": "menu" });
    const entries = store.directMessages().map((c) => {
      const other = c.recipients[0];
      const face = other ? avatar(other.id, store.nameOf(other.id), { size: 32 }) : icon(AT);
      return h("li", {}, this.#entry(c, face));
    });
    return [
      h(
        "section",
        {},
        h("h3", {}, "Direct messages", start),
        h("ul", {}, entries),
        !entries.length && h("p", { class: "nothing" }, "No conversations yet. Start one with +"),
      ),
    ];
  }

  #startDirectMessage(anchor) {
    const { store } = this.app;
    const others = [...store.users.values()].filter((u) => u.id !== store.me.id);
    openMenu(anchor, "New direct message", others.map((user) => ({
      label: store.nameOf(user.id),
      detail: user.bot ? "App" : user.username,
      before: avatar(user.id, store.nameOf(user.id), { size: 24 }),
      onPick: () => this.app.openDirectMessage(user.id),
    })));
  }

  #entry(channel, sign) {
    const { store } = this.app;
    const name = store.nameOfChannel(channel);
    const unread = store.unread.get(channel.id);
    const current = channel.id === this.app.channel?.id;
    const label = unread ? `${name}, ${unread.mentions ? `${unread.mentions} mentions` : "unread"}` : name;
    return h(
      "button",
      {
        type: "button",
        class: unread ? "channel unread" : "channel",
        data: { channel: channel.id },
        "aria-label": label,
        "aria-current": current ? "page" : null,
        on: { click: () => this.app.open(channel.id) },
      },
      sign,
      h("span", { class: "channel-name" }, name),
      badge(unread?.mentions),
    );
  }
}

function badge(count) {
  return count ? h("span", { class: "badge", "aria-hidden": "true" }, String(count)) : null;
}
