// What the person knows of the world. Views subscribe to topics; gateway events change it.

import { handlers } from "./events.js";
import { canView } from "./permissions.js";

export const ChannelType = { TEXT: 0, DM: 1, VOICE: 2, GROUP_DM: 3, CATEGORY: 4, NEWS: 5, NEWS_THREAD: 10, THREAD: 11, PRIVATE_THREAD: 12, FORUM: 15 };
export const Flag = { SUPPRESS_EMBEDS: 1 << 2, EPHEMERAL: 1 << 6, LOADING: 1 << 7, COMPONENTS_V2: 1 << 15 };
export const isDirect = (channel) => channel.type === ChannelType.DM || channel.type === ChannelType.GROUP_DM;
export const TYPING_MS = 10_000;

export class Store extends EventTarget {
  constructor(botId) {
    super();
    this.botId = botId;
    this.me = null;
    this.users = new Map();
    this.guilds = new Map();
    this.channels = new Map();
    this.messages = new Map(); // channel id -> (message id -> message), oldest first
    this.complete = new Set(); // channels whose history is loaded to its beginning
    this.loaded = new Set(); // channels whose last messages are loaded
    this.typing = new Map(); // channel id -> (user id -> timer)
    this.unread = new Map(); // channel id -> {count, mentions, first}
    this.current = null; // the channel that is open
  }

  /** Call `listener(detail)` whenever something of `topic` changed. */
  on(topic, listener) {
    this.addEventListener(topic, (event) => listener(event.detail));
  }

  emit(topic, detail) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  /** Take in a gateway event. */
  apply(name, data) {
    handlers[name]?.(this, data);
  }

  // Reading

  channel(id) {
    return this.channels.get(id);
  }

  guildOf(channel) {
    return this.guilds.get(channel?.guild_id) ?? null;
  }

  messagesOf(channelId) {
    if (!this.messages.has(channelId)) this.messages.set(channelId, new Map());
    return this.messages.get(channelId);
  }

  message(channelId, id) {
    return this.messages.get(channelId)?.get(id);
  }

  /** The channels of a guild that the person sees, in order, without threads. */
  channelsOf(guild) {
    return [...this.channels.values()]
      .filter((c) => c.guild_id === guild.id && !isThread(c) && canView(this, c))
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || compareIds(a.id, b.id));
  }

  threadsOf(channel) {
    return [...this.channels.values()]
      .filter((c) => isThread(c) && c.parent_id === channel.id && !c.thread_metadata?.archived)
      .sort((a, b) => compareIds(a.id, b.id));
  }

  /** The direct messages, the latest first. */
  directMessages() {
    return [...this.channels.values()]
      .filter(isDirect)
      .sort((a, b) => compareIds(b.last_message_id ?? b.id, a.last_message_id ?? a.id));
  }

  /** What someone is called in a guild, or without one. */
  nameOf(userId, guild = null) {
    const user = this.users.get(userId);
    const nick = guild?.members.get(userId)?.nick;
    return nick || user?.global_name || user?.username || "Unknown User";
  }

  nameOfChannel(channel) {
    if (!isDirect(channel) || channel.name) return channel.name;
    return channel.recipients.map((r) => this.nameOf(r.id)).join(", ");
  }

  /** The people who see a channel. */
  membersOf(channel) {
    const guild = this.guildOf(channel);
    if (!guild) return [this.me, ...(channel.recipients ?? [])].map((user) => ({ user, roles: [] }));
    return [...guild.members.values()].filter((m) => canView(this, channel, m.user.id));
  }

  isMentioned(message) {
    const mine = this.guildOf(this.channel(message.channel_id))?.members.get(this.me.id)?.roles ?? [];
    return (
      message.mention_everyone ||
      message.mentions?.some((user) => user.id === this.me.id) ||
      message.mention_roles?.some((id) => mine.includes(id))
    );
  }

  // Changing

  rememberUser(user) {
    if (user) this.users.set(user.id, { ...this.users.get(user.id), ...user });
  }

  putChannel(channel, guildId = channel.guild_id) {
    const known = { ...this.channels.get(channel.id), ...channel };
    if (guildId) known.guild_id = guildId;
    for (const user of channel.recipients ?? []) this.rememberUser(user);
    this.channels.set(channel.id, known);
    return known;
  }

  putMessage(message) {
    const place = this.messagesOf(message.channel_id);
    this.rememberUser(message.author);
    for (const user of message.mentions ?? []) this.rememberUser(user);
    const known = place.get(message.id);
    // Events show no reactions of one's own making differently, but partial ones may lack them.
    place.set(message.id, known ? { ...known, ...message } : message);
  }

  /** Put a page of history before what is there. */
  putHistory(channelId, page) {
    const later = [...this.messagesOf(channelId).values()];
    const all = new Map(page.reverse().map((m) => [m.id, m]));
    for (const message of later) all.set(message.id, message);
    this.messages.set(channelId, new Map([...all].sort(([a], [b]) => compareIds(a, b))));
    for (const message of page) this.rememberUser(message.author);
    this.loaded.add(channelId);
    this.emit("messages", { channelId });
  }

  /** Let go of all but the last `kept` messages of a channel, to be loaded again; answers which. */
  forgetOldest(channelId, kept) {
    const place = this.messagesOf(channelId);
    const gone = [...place.keys()].slice(0, -kept);
    for (const id of gone) place.delete(id);
    if (gone.length) this.complete.delete(channelId);
    return gone;
  }

  removeMessage(channelId, id) {
    if (this.messages.get(channelId)?.delete(id)) this.emit("message-gone", { channelId, id });
  }

  startTyping(channelId, userId) {
    if (userId === this.me?.id) return;
    if (!this.typing.has(channelId)) this.typing.set(channelId, new Map());
    const timers = this.typing.get(channelId);
    clearTimeout(timers.get(userId));
    timers.set(userId, setTimeout(() => this.stopTyping(channelId, userId), TYPING_MS));
    this.emit("typing", { channelId });
  }

  stopTyping(channelId, userId) {
    const timers = this.typing.get(channelId);
    if (!timers?.has(userId)) return;
    clearTimeout(timers.get(userId));
    timers.delete(userId);
    this.emit("typing", { channelId });
  }

  markRead(channelId) {
    if (this.unread.delete(channelId)) this.emit("unread", { channelId });
  }

  markUnread(message) {
    const known = this.unread.get(message.channel_id) ?? { count: 0, mentions: 0, first: message.id };
    const channel = this.channel(message.channel_id);
    const direct = channel && isDirect(channel);
    known.count += 1;
    if (direct || this.isMentioned(message)) known.mentions += 1;
    this.unread.set(message.channel_id, known);
    this.emit("unread", { channelId: message.channel_id });
  }
}

export function isThread(channel) {
  return [ChannelType.NEWS_THREAD, ChannelType.THREAD, ChannelType.PRIVATE_THREAD].includes(channel?.type);
}

/** Snowflakes are numbers too large for a double: longer is later, else by digits. */
export function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
