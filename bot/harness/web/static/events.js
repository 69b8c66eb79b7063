// What each gateway event does to the store.

import { Flag } from "./store.js";

const MOST_UNSEEN = 200; // messages of a channel that is not open; older ones are loaded again
const KEPT_UNSEEN = 100;

export const handlers = {
  READY(store, { user, guilds, private_channels: direct }) {
    store.me = user;
    store.rememberUser(user);
    for (const channel of direct) store.putChannel(channel);
    // After a fresh login anything may have been missed.
    for (const kept of [store.messages, store.complete, store.loaded]) kept.clear();
    store.awaited = new Set(guilds.map((guild) => guild.id));
    store.emit("ready");
  },

  GUILD_CREATE(store, guild) {
    for (const { user } of guild.members) store.rememberUser(user);
    store.guilds.set(guild.id, {
      ...guild,
      roles: new Map(guild.roles.map((role) => [role.id, role])),
      members: new Map(guild.members.map((member) => [member.user.id, member])),
    });
    for (const channel of [...guild.channels, ...guild.threads]) store.putChannel(channel, guild.id);
    store.awaited?.delete(guild.id);
    store.emit("places");
    store.emit("members", guild.id);
  },

  GUILD_UPDATE(store, guild) {
    const known = store.guilds.get(guild.id);
    if (!known) return;
    const roles = new Map(guild.roles.map((role) => [role.id, role]));
    store.guilds.set(guild.id, { ...known, ...guild, roles });
    store.emit("places");
  },

  GUILD_DELETE(store, { id }) {
    store.guilds.delete(id);
    for (const channel of [...store.channels.values()]) {
      if (channel.guild_id === id) store.channels.delete(channel.id);
    }
    store.emit("places");
  },

  GUILD_ROLE_CREATE: putRole,
  GUILD_ROLE_UPDATE: putRole,
  GUILD_ROLE_DELETE(store, { guild_id: guildId, role_id: roleId }) {
    store.guilds.get(guildId)?.roles.delete(roleId);
    store.emit("places");
    store.emit("members", guildId);
  },

  GUILD_MEMBER_ADD: putMember,
  GUILD_MEMBER_UPDATE: putMember,
  GUILD_MEMBER_REMOVE(store, { guild_id: guildId, user }) {
    store.guilds.get(guildId)?.members.delete(user.id);
    store.emit("members", guildId);
  },

  CHANNEL_CREATE: putChannel,
  CHANNEL_UPDATE: putChannel,
  CHANNEL_DELETE: removeChannel,
  THREAD_CREATE: putChannel,
  THREAD_UPDATE: putChannel,
  THREAD_DELETE: removeChannel,

  MESSAGE_CREATE(store, message) {
    const { channel_id: channelId, author } = message;
    store.putMessage(message);
    if (store.current !== channelId && store.messagesOf(channelId).size > MOST_UNSEEN) {
      store.forgetOldest(channelId, KEPT_UNSEEN);
    }
    store.stopTyping(channelId, author.id);
    const channel = store.channel(channelId);
    if (channel && !(message.flags & Flag.EPHEMERAL)) channel.last_message_id = message.id;
    store.emit("message", { channelId, id: message.id, isNew: true });
    const seen = store.current === channelId && document.visibilityState === "visible";
    if (author.id !== store.me.id && !seen) store.markUnread(message);
  },

  MESSAGE_UPDATE(store, message) {
    if (!store.message(message.channel_id, message.id)) return;
    store.putMessage(message);
    if (message.author) store.stopTyping(message.channel_id, message.author.id);
    store.emit("message", { channelId: message.channel_id, id: message.id, isNew: false });
  },

  MESSAGE_DELETE(store, { channel_id: channelId, id }) {
    store.removeMessage(channelId, id);
  },

  MESSAGE_DELETE_BULK(store, { channel_id: channelId, ids }) {
    for (const id of ids) store.removeMessage(channelId, id);
  },

  MESSAGE_REACTION_ADD(store, data) {
    changeReactions(store, data, (reactions) => {
      const mine = data.user_id === store.me.id;
      const known = reactions.find((r) => sameEmoji(r.emoji, data.emoji));
      if (!known) return [...reactions, { emoji: data.emoji, count: 1, me: mine }];
      return reactions.map((r) =>
        r === known ? { ...r, count: r.count + 1, me: r.me || mine } : r,
      );
    });
  },

  MESSAGE_REACTION_REMOVE(store, data) {
    const mine = data.user_id === store.me.id;
    changeReactions(store, data, (reactions) =>
      reactions
        .map((r) =>
          sameEmoji(r.emoji, data.emoji) ? { ...r, count: r.count - 1, me: r.me && !mine } : r,
        )
        .filter((r) => r.count > 0),
    );
  },

  MESSAGE_REACTION_REMOVE_ALL(store, data) {
    changeReactions(store, data, () => []);
  },

  MESSAGE_REACTION_REMOVE_EMOJI(store, data) {
    changeReactions(store, data, (all) => all.filter((r) => !sameEmoji(r.emoji, data.emoji)));
  },

  TYPING_START(store, { channel_id: channelId, user_id: userId }) {
    store.startTyping(channelId, userId);
  },
};

function putRole(store, { guild_id: guildId, role }) {
  store.guilds.get(guildId)?.roles.set(role.id, role);
  store.emit("places");
  store.emit("members", guildId);
}

function putMember(store, member) {
  store.rememberUser(member.user);
  const members = store.guilds.get(member.guild_id)?.members;
  members?.set(member.user.id, { ...members.get(member.user.id), ...member });
  store.emit("places");
  store.emit("members", member.guild_id);
}

function putChannel(store, channel) {
  store.putChannel(channel);
  store.emit("places");
  store.emit("members", channel.guild_id);
}

function removeChannel(store, { id }) {
  store.channels.delete(id);
  store.unread.delete(id);
  store.emit("places");
}

function changeReactions(store, { channel_id: channelId, message_id: id }, change) {
  const message = store.message(channelId, id);
  if (!message) return;
  store.putMessage({ ...message, reactions: change(message.reactions ?? []) });
  store.emit("message", { channelId, id, isNew: false });
}

function sameEmoji(a, b) {
  return a.id === b.id && (a.id !== null || a.name === b.name);
}
