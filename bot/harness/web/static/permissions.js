// Who may do what where, by Discord's rule:
// https://discord.com/developers/docs/topics/permissions#permission-overwrites

import { isDirect } from "./store.js";

export const Permission = {
  ADMINISTRATOR: 1n << 3n,
  MANAGE_GUILD: 1n << 5n,
  ADD_REACTIONS: 1n << 6n,
  VIEW_CHANNEL: 1n << 10n,
  SEND_MESSAGES: 1n << 11n,
  MANAGE_MESSAGES: 1n << 13n,
  ATTACH_FILES: 1n << 15n,
  CREATE_PUBLIC_THREADS: 1n << 35n,
  SEND_IN_THREADS: 1n << 38n,
};
const ALL = (1n << 64n) - 1n;
const IN_DIRECT_MESSAGES =
  ALL & ~(Permission.MANAGE_MESSAGES | Permission.MANAGE_GUILD | Permission.CREATE_PUBLIC_THREADS);

/** Whether someone (the visitor unless given) has a permission in a channel. */
export function may(store, channel, permission, userId = store.me.id) {
  return (permissionsIn(store, channel, userId) & permission) === permission;
}

export function canView(store, channel, userId = store.me.id) {
  return may(store, channel, Permission.VIEW_CHANNEL, userId);
}

/** What a member may do in a guild, before any channel's overwrites. */
export function guildPermissions(guild, userId) {
  if (guild.owner_id === userId) return ALL;
  const member = guild.members.get(userId);
  if (!member) return 0n;
  const roles = [guild.id, ...member.roles].map((id) => guild.roles.get(id)).filter(Boolean);
  const total = roles.reduce((sum, role) => sum | BigInt(role.permissions), 0n);
  return total & Permission.ADMINISTRATOR ? ALL : total;
}

function permissionsIn(store, channel, userId) {
  if (isDirect(channel)) return IN_DIRECT_MESSAGES;
  const guild = store.guildOf(channel);
  if (!guild) return 0n;
  let total = guildPermissions(guild, userId);
  if (total === ALL) return ALL;
  // A thread has the overwrites of its parent.
  const place = channel.permission_overwrites ? channel : store.channel(channel.parent_id);
  const overwrites = new Map((place?.permission_overwrites ?? []).map((o) => [o.id, o]));
  const roles = guild.members.get(userId)?.roles ?? [];
  total = applied(total, overwrites.get(guild.id));
  total = applied(total, merged(roles.map((id) => overwrites.get(id)).filter(Boolean)));
  return applied(total, overwrites.get(userId));
}

function applied(total, overwrite) {
  if (!overwrite) return total;
  return (total & ~BigInt(overwrite.deny)) | BigInt(overwrite.allow);
}

function merged(overwrites) {
  const bits = (name) => overwrites.reduce((sum, o) => sum | BigInt(o[name]), 0n);
  return { allow: bits("allow"), deny: bits("deny") };
}
