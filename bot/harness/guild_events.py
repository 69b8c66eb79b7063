"""What the gateway tells of guilds, channels, threads, members, roles, bans and presences.

Source: https://discord.com/developers/docs/events/gateway-events#guilds
"""

import operator
from collections.abc import Iterator
from functools import partial

from bot.harness import payloads
from bot.harness.changes import (
    BanAdded,
    BanRemoved,
    Change,
    ChannelCreated,
    ChannelDeleted,
    ChannelUpdated,
    GuildCreated,
    GuildDeleted,
    GuildUpdated,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    PresenceChanged,
    RoleCreated,
    RoleDeleted,
    RoleUpdated,
    ThreadMembersChanged,
    UserChanged,
)
from bot.harness.model import Channel, ChannelType, Guild, JsonObject, Member, Role
from bot.harness.viewer import Dispatch, Intent, Viewer, same_for_all
from bot.harness.world import World


def of_channels(world: World, change: Change) -> Iterator[Dispatch]:
    """The events of a change of channels and threads; none for other changes."""
    match change:
        case ChannelCreated(channel):
            yield _channel("CREATE", world, channel)
        case ChannelUpdated(channel):
            yield _channel("UPDATE", world, channel)
        case ChannelDeleted(channel):
            yield _channel("DELETE", world, channel)
        case ThreadMembersChanged():
            yield from _thread_members(world, change)


def of_guilds(world: World, change: Change) -> Iterator[Dispatch]:
    """The events of a change of guilds and who is in them; none for other changes."""
    match change:
        case GuildCreated(guild, user_id):
            yield guild_create(world, guild, user_id)
        case GuildUpdated(guild):
            yield _to_members("GUILD_UPDATE", guild, payloads.guild(world, guild))
        case GuildDeleted(guild, user_ids):
            gone: JsonObject = {"id": str(guild.id)}
            yield same_for_all(
                "GUILD_DELETE", gone, lambda u: u in user_ids, Intent.GUILDS, guild.id
            )
        case MemberAdded(guild, member):
            yield _member("GUILD_MEMBER_ADD", world, guild, member)
        case MemberUpdated(guild, member):
            yield _member("GUILD_MEMBER_UPDATE", world, guild, member)
        case MemberRemoved(guild, user_id):
            yield _of_user("GUILD_MEMBER_REMOVE", world, guild, user_id, Intent.GUILD_MEMBERS)
        case RoleCreated(guild, role):
            yield _role("GUILD_ROLE_CREATE", guild, role)
        case RoleUpdated(guild, role):
            yield _role("GUILD_ROLE_UPDATE", guild, role)
        case RoleDeleted(guild, role):
            yield _to_members("GUILD_ROLE_DELETE", guild, {"role_id": str(role.id)})
        case BanAdded(guild, user_id):
            yield _of_user("GUILD_BAN_ADD", world, guild, user_id, Intent.GUILD_MODERATION)
        case BanRemoved(guild, user_id):
            yield _of_user("GUILD_BAN_REMOVE", world, guild, user_id, Intent.GUILD_MODERATION)
        case PresenceChanged(user_id):
            yield from _presences(world, user_id)
        case UserChanged(user):
            yield same_for_all("USER_UPDATE", payloads.own_user(user), lambda u: u == user.id)


def guild_create(
    world: World, guild: Guild, user_id: int | None = None, *, at_login: bool = False
) -> Dispatch:
    """GUILD_CREATE for one user, or for all members.

    Clients tell a guild that READY announced from one they have just joined by `unavailable`.
    """
    extra: JsonObject = {"unavailable": False} if at_login else {}

    def payload(viewer: Viewer) -> JsonObject:
        everyone = not viewer.bot or Intent.GUILD_PRESENCES in viewer.intents
        return extra | payloads.gateway_guild(world, guild, viewer.user_id, all_members=everyone)

    return Dispatch(
        "GUILD_CREATE",
        payload,
        lambda u: u in guild.members and user_id in (None, u),
        Intent.GUILDS,
        guild.id,
    )


def _to_members(
    name: str, guild: Guild, data: JsonObject, intent: Intent = Intent.GUILDS
) -> Dispatch:
    told = data | {"guild_id": str(guild.id)} if name != "GUILD_UPDATE" else data
    return same_for_all(name, told, lambda u: u in guild.members, intent, guild.id)


def _role(name: str, guild: Guild, role: Role) -> Dispatch:
    return _to_members(name, guild, {"role": payloads.role(role)})


def _of_user(name: str, world: World, guild: Guild, user_id: int, intent: Intent) -> Dispatch:
    return _to_members(name, guild, {"user": payloads.user(world.users[user_id])}, intent)


def _channel(verb: str, world: World, channel: Channel) -> Dispatch:
    if channel.guild_id is None:
        # Since version 8 a bot is not told of its direct message channels, only of the messages.
        return Dispatch(
            f"CHANNEL_{verb}",
            lambda viewer: payloads.dm_channel(world, channel, viewer.user_id),
            lambda u: u in channel.recipient_ids and not world.users[u].bot,
        )
    if channel.thread is not None:
        return _thread(verb, world, channel)
    # As in GUILD_CREATE, members are told of channels that they may not look into.
    guild = world.guilds[channel.guild_id or 0]
    return _to_members(f"CHANNEL_{verb}", guild, payloads.channel(world, channel))


def _thread(verb: str, world: World, thread: Channel) -> Dispatch:
    name = f"THREAD_{verb}"
    guild_id = thread.guild_id

    def sees(user_id: int) -> bool:
        return world.can_view(thread, user_id)

    if verb == "DELETE":
        data = payloads.channel(world, thread)
        left = {key: data[key] for key in ("id", "guild_id", "parent_id", "type")}
        return same_for_all(name, left, sees, Intent.GUILDS, guild_id)

    def payload(viewer: Viewer) -> JsonObject:
        data = payloads.channel_for(world, thread, viewer.user_id)
        return data | {"newly_created": True} if verb == "CREATE" else data

    return Dispatch(name, payload, sees, Intent.GUILDS, guild_id)


def _thread_members(world: World, change: ThreadMembersChanged) -> Iterator[Dispatch]:
    thread, info = change.thread, change.thread.thread
    guild = world.guilds[thread.guild_id or 0]
    concerned = {*change.added, *change.removed}
    if thread.type is ChannelType.PRIVATE_THREAD:
        for user_id in change.added:
            # To who is added to a private thread, it is news that the thread exists.
            seen = payloads.channel_for(world, thread, user_id)
            yield same_for_all(
                "THREAD_CREATE", seen, partial(operator.eq, user_id), Intent.GUILDS, guild.id
            )
    data: JsonObject = {
        "id": str(thread.id),
        "guild_id": str(guild.id),
        "member_count": len(info.member_ids) if info else 0,
        "added_members": [
            payloads.thread_member(thread, i)
            | {"member": payloads.member(world, guild.members[i]), "presence": None}
            for i in change.added
        ],
        "removed_member_ids": [str(i) for i in change.removed],
    }
    # Who is concerned is told without the members intent.
    name = "THREAD_MEMBERS_UPDATE"
    yield same_for_all(name, data, lambda u: u in concerned, Intent.GUILDS, guild.id)
    yield same_for_all(
        name,
        data,
        lambda u: u not in concerned and world.can_view(thread, u),
        Intent.GUILD_MEMBERS,
        guild.id,
    )


def _member(name: str, world: World, guild: Guild, member: Member) -> Dispatch:
    data = payloads.member(world, member) | {"guild_id": str(guild.id)}
    # One's own membership is told to a bot even without the members intent.
    intent = Intent.GUILD_MEMBERS
    joining = name == "GUILD_MEMBER_ADD"
    if member.user_id == world.bot.id and not joining:
        intent |= Intent.GUILDS

    def sees(user_id: int) -> bool:
        # Who joins is told by GUILD_CREATE.
        return user_id in guild.members and not (joining and user_id == member.user_id)

    return same_for_all(name, data, sees, intent, guild.id)


def _presences(world: World, user_id: int) -> Iterator[Dispatch]:
    for guild in world.guilds_of(user_id):
        data = payloads.presence(world, user_id)
        yield same_for_all(
            "PRESENCE_UPDATE",
            data | {"guild_id": str(guild.id)},
            partial(_is_another_member, guild, user_id),
            Intent.GUILD_PRESENCES,
            guild.id,
        )


def _is_another_member(guild: Guild, user_id: int, viewer_id: int) -> bool:
    return viewer_id != user_id and viewer_id in guild.members
