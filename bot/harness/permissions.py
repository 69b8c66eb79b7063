"""Who may do what where: Discord's permission bits and how roles and overwrites combine.

Rule: https://discord.com/developers/docs/topics/permissions#permission-overwrites
"""

import math
from datetime import datetime
from enum import IntFlag

from bot.harness.model import Channel, Guild, Member, Overwrite, OverwriteType


class Permission(IntFlag):
    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 1 << 41
    USE_SOUNDBOARD = 1 << 42
    CREATE_GUILD_EXPRESSIONS = 1 << 43
    CREATE_EVENTS = 1 << 44
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51


NONE = Permission(0)
ALL = ~NONE

EVERYONE = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.STREAM
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MENTION_EVERYONE
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.REQUEST_TO_SPEAK
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.USE_EXTERNAL_STICKERS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EMBEDDED_ACTIVITIES
    | Permission.SEND_POLLS
    | Permission.USE_EXTERNAL_APPS
)
"""What @everyone may do in a new guild."""

DIRECT_MESSAGE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.PIN_MESSAGES
)
"""What either side of a direct message may do in it."""

_NEED_SEND = (
    Permission.MENTION_EVERYONE
    | Permission.SEND_TTS_MESSAGES
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
)
_TIMED_OUT = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY


def guild_permissions(guild: Guild, member: Member, now: datetime) -> Permission:
    """What a member may do in a guild before any channel's overwrites.

    A timeout takes away all but looking; owners and administrators cannot be silenced.
    """
    if guild.owner_id == member.user_id:
        return ALL
    total = Permission(guild.roles[guild.id].permissions)
    for role_id in member.role_ids:
        if role_id in guild.roles:
            total |= Permission(guild.roles[role_id].permissions)
    if Permission.ADMINISTRATOR in total:
        return ALL
    return total & _TIMED_OUT if is_timed_out(member, now) else total


def channel_permissions(
    guild: Guild, channel: Channel, member: Member, now: datetime
) -> Permission:
    """What a member may do in a channel; for a thread, pass its parent channel."""
    total = guild_permissions(guild, member, now)
    if total == ALL:
        return ALL
    overwrites = channel.overwrites
    total = _apply(total, overwrites.get(guild.id))
    total = _apply(total, _merged(channel, member))
    own = overwrites.get(member.user_id)
    total = _apply(total, own if own and own.type is OverwriteType.MEMBER else None)
    if is_timed_out(member, now):
        total &= _TIMED_OUT
    if Permission.SEND_MESSAGES not in total:
        total &= ~_NEED_SEND
    return total if Permission.VIEW_CHANNEL in total else NONE


def is_timed_out(member: Member, now: datetime) -> bool:
    return member.timed_out_until is not None and member.timed_out_until > now


def rank(guild: Guild, user_id: int) -> float:
    """The position of a member's highest role: one may only act on what is below; the owner on all.

    Rule: https://discord.com/developers/docs/topics/permissions#permission-hierarchy
    """
    if user_id == guild.owner_id:
        return math.inf
    member = guild.members.get(user_id)
    ids = member.role_ids if member else []
    return max((guild.roles[i].position for i in ids if i in guild.roles), default=0)


def _apply(total: Permission, overwrite: Overwrite | None) -> Permission:
    if overwrite is None:
        return total
    return (total & ~Permission(overwrite.deny)) | Permission(overwrite.allow)


def _merged(channel: Channel, member: Member) -> Overwrite | None:
    """The overwrites of all of a member's roles as one: an allow beats a deny."""
    mine = [channel.overwrites[r] for r in member.role_ids if r in channel.overwrites]
    if not mine:
        return None
    allow = deny = 0
    for overwrite in mine:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return Overwrite(id=0, type=OverwriteType.ROLE, allow=allow, deny=deny)
