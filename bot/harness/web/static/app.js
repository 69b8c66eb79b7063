// The application: what the parts of the page share, and how one gets around in it.

import { drawAccount } from "./account.js";
import { reserveColours } from "./avatar.js";
import { Commands } from "./commands.js";
import { Composer } from "./composer.js";
import { $, h, icon, iconButton } from "./dom.js";
import { closeDrawers, toggleMembers, togglePlaces } from "./drawers.js";
import { Gateway } from "./gateway.js";
import { AT, HASH, MENU, PEOPLE, THREAD } from "./icons.js";
import { Interactions } from "./interactions.js";
import { Members } from "./members.js";
import { summary } from "./message.js";
import { openModal } from "./modal.js";
import { openProfile } from "./profile.js";
import { Rest } from "./rest.js";
import { Sidebar } from "./sidebar.js";
import { ChannelType, Flag, Store, isDirect, isThread } from "./store.js";
import { Timeline } from "./timeline.js";
import { drawTyping } from "./typing.js";

const FAILURE_MS = 10_000;
const TOAST_MS = 6000;

export class App {
  constructor(session) {
    this.session = session;
    this.channel = null;
    this.home = false; // whether the direct messages are shown
    this.busy = new Map(); // message id -> custom id of what was pressed
    this.failures = new Map(); // message id -> what went wrong with its component
    reserveColours([session.botId, ...session.people.map((person) => person.id)]);
    this.store = new Store(session.botId);
    this.rest = new Rest(session.person.token);
    this.gateway = new Gateway(session.person.token, {
      onEvent: (name, data) => this.#receive(name, data),
      onState: (state) => this.#connection(state),
    });
    this.interactions = new Interactions(this.rest, this.gateway);
    this.interactions.onModal = (modal) => openModal(this, modal);
    this.commands = new Commands(this);
    this.timeline = new Timeline(this);
    this.composer = new Composer(this);
    this.sidebar = new Sidebar(this);
    this.members = new Members(this);
    this.store.on("typing", ({ channelId }) => channelId === this.channel?.id && drawTyping(this));
    this.store.on("places", () => {
      this.#choosePlace();
      this.composer.refresh();
    });
    this.store.on("message", (news) => news.isNew && this.#announceMessage(news));
    addEventListener("hashchange", () => this.#choosePlace());
    document.addEventListener("visibilitychange", () => this.channel && !document.hidden && this.store.markRead(this.channel.id));
  }

  start() {
    drawAccount(this);
    this.gateway.connect();
  }

  // Getting around

  open(channelId) {
    this.home = false;
    closeDrawers();
    if (location.hash === `#${channelId}`) this.#choosePlace();
    else location.hash = channelId;
  }

  openGuild(guild) {
    const channels = this.store.channelsOf(guild).filter((c) => c.type !== ChannelType.CATEGORY);
    if (channels.length) this.open(channels[0].id);
  }

  goHome() {
    const [latest] = this.store.directMessages();
    if (latest) {
      this.open(latest.id);
      return;
    }
    this.home = true;
    this.sidebar.draw();
  }

  async openDirectMessage(userId) {
    const channel = await this.attempt(() => this.rest.post("/users/@me/channels", { recipient_id: userId }));
    if (!channel) return;
    this.store.putChannel(channel);
    this.open(channel.id);
  }

  /** Open the channel that the address names, or the first one. */
  #choosePlace() {
    const { store } = this;
    if (!store.me || this.home) {
      this.sidebar.draw();
      return;
    }
    const wanted = store.channel(location.hash.slice(1));
    // The address may name a channel of a guild or conversation that is still on its way.
    if (!wanted && (store.awaited?.size || !this.hasDirectMessages)) return;
    const channel = wanted ?? this.#firstChannel() ?? store.directMessages()[0];
    if (channel && channel !== this.channel) this.#show(channel);
    this.sidebar.draw();
  }

  #firstChannel() {
    for (const guild of this.store.guilds.values()) {
      const found = this.store.channelsOf(guild).find((c) => c.type !== ChannelType.CATEGORY);
      if (found) return found;
    }
    return null;
  }

  #show(channel) {
    const moved = channel.id !== this.channel?.id;
    this.channel = channel;
    this.store.current = channel.id;
    this.#drawHeader();
    if (!moved) return;
    document.title = `${this.store.nameOfChannel(channel)} | Fake Discord`;
    this.composer.open(channel);
    this.timeline.open(channel);
    this.members.draw();
    drawTyping(this);
    this.store.markRead(channel.id);
    if (!document.querySelector("dialog[open]") && matchMedia("(pointer: fine)").matches) this.composer.focus();
  }

  #drawHeader() {
    const { channel, store } = this;
    const parent = isThread(channel) && store.channel(channel.parent_id);
    const sign = isDirect(channel) ? AT : isThread(channel) ? THREAD : HASH;
    $("header").replaceChildren(
      iconButton(MENU, "Servers and channels", togglePlaces, { class: "menu-button", "aria-controls": "places" }),
      icon(sign),
      h(
        "h1",
        {},
        parent && [h("button", { type: "button", class: "as-link crumb", on: { click: () => this.open(parent.id) } }, parent.name), " › "],
        store.nameOfChannel(channel),
      ),
      ...(channel.topic ? [h("span", { class: "topic", title: channel.topic }, channel.topic)] : []),
      h("span", { class: "spring" }),
      iconButton(PEOPLE, "Members", toggleMembers, { "aria-controls": "members" }),
    );
  }

  showProfile(userId, anchor) {
    openProfile(this, userId, anchor);
  }

  // Components

  /** Press a button or choose `values` in a select; it shows as busy until there is an outcome. */
  async useComponent(message, component, values) {
    const where = { channelId: message.channel_id, id: message.id };
    this.busy.set(message.id, component.custom_id);
    this.failures.delete(message.id);
    this.store.emit("busy", where);
    try {
      await this.interactions.useComponent(this.store.channel(message.channel_id), message, component, values);
    } catch (error) {
      this.failures.set(message.id, `This interaction failed: ${error.message}`);
      setTimeout(() => this.failures.delete(message.id) && this.store.emit("busy", where), FAILURE_MS);
    }
    this.busy.delete(message.id);
    this.store.emit("busy", where);
  }

  isBusy(messageId, customId) {
    return this.busy.has(messageId) && this.busy.get(messageId) === customId;
  }

  failureOf(messageId) {
    return this.failures.get(messageId);
  }

  // Telling

  /** Do something; what goes wrong is shown, and null answered. */
  async attempt(action) {
    try {
      return (await action()) ?? true;
    } catch (error) {
      this.toast(error.message);
      return null;
    }
  }

  toast(text) {
    const toast = h("div", { class: "toast" }, text);
    $("toasts").append(toast);
    setTimeout(() => toast.remove(), TOAST_MS);
  }

  /** Have a screen reader say something. */
  announce(text) {
    $("announcer").replaceChildren(h("p", {}, text));
  }

  #announceMessage({ channelId, id }) {
    if (channelId !== this.channel?.id) return;
    const message = this.store.message(channelId, id);
    if (message.author.id === this.store.me.id) return;
    const guild = this.store.guildOf(this.channel);
    const quiet = message.flags & Flag.EPHEMERAL ? " (only you can see this)" : "";
    this.announce(`${this.store.nameOf(message.author.id, guild)}: ${summary(message, { app: this, guild })}${quiet}`);
  }

  #connection(state) {
    const banner = $("banner");
    banner.textContent = { connecting: "Connecting…", refused: "This person's login is no longer valid." }[state] ?? "";
    banner.hidden = state === "ready";
  }

  #receive(name, data) {
    this.store.apply(name, data);
    this.interactions.apply(name, data);
    if (name === "READY") this.#welcome();
  }

  async #welcome() {
    for (const channel of (await this.attempt(() => this.rest.get("/users/@me/channels"))) || []) {
      this.store.putChannel(channel);
    }
    this.hasDirectMessages = true;
    drawAccount(this);
    if (this.channel) this.timeline.open(this.channel);
    this.#choosePlace();
  }
}
