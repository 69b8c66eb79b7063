"""Channels: look, change, delete, type, and who may do what in them.

Source: https://discord.com/developers/docs/resources/channel
"""

from bot.harness import channel_edits, errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.changes import ChannelUpdated
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import check
from bot.harness.model import Channel, ChannelType, JsonObject, ThreadInfo
from bot.harness.permissions import Permission
from bot.harness.routes.guilds import need_category

_CONVERTIBLE = {ChannelType.TEXT, ChannelType.ANNOUNCEMENT}


async def get_channel(call: Call) -> JsonObject:
    return payloads.channel_for(call.world, call.channel(), call.user.id)


async def edit_channel(call: Call) -> JsonObject:
    channel = call.channel()
    if channel.thread is not None:
        _edit_thread(call, channel, channel.thread)
    elif channel.guild_id is not None:
        _edit_guild_channel(call, channel)
    else:
        raise DiscordError(Code.DM_ACTION)
    call.world.tell(ChannelUpdated(channel))
    return payloads.channel_for(call.world, channel, call.user.id)


async def delete_channel(call: Call) -> JsonObject:
    channel = call.channel()
    data = payloads.channel_for(call.world, channel, call.user.id)
    if channel.guild_id is None:
        # Closing a direct message hides it for oneself; there is nothing to hide it from here.
        return data
    wanted = Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
    call.need(channel, wanted)
    call.world.remove_channel(channel)
    return data


async def start_typing(call: Call) -> None:
    channel = call.channel()
    in_thread = channel.thread is not None
    call.need(
        channel,
        Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES,
    )
    call.world.conversation.start_typing(channel, call.user)


async def put_overwrite(call: Call) -> None:
    channel = _guild_channel(call)
    if call.json.get("type") is None:
        raise errors.required("type")
    check(channel_edits.OVERWRITE, call.json)
    overwrite = channel_edits.overwrite(call.id("overwrite_id"), call.json)
    # Nobody can allow or deny what they may not do themselves.
    given = Permission(overwrite.allow) | Permission(overwrite.deny)
    if given & ~call.world.permissions(channel, call.user.id):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    call.world.set_overwrite(channel, overwrite)


async def delete_overwrite(call: Call) -> None:
    channel, overwrite_id = _guild_channel(call), call.id("overwrite_id")
    if overwrite_id not in channel.overwrites:
        raise DiscordError(Code.UNKNOWN_OVERWRITE)
    call.world.remove_overwrite(channel, overwrite_id)


def _guild_channel(call: Call) -> Channel:
    channel = call.channel(Permission.MANAGE_ROLES)
    if channel.guild_id is None or channel.thread is not None:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    return channel


def _edit_guild_channel(call: Call, channel: Channel) -> None:
    call.need(channel, Permission.MANAGE_CHANNELS)
    changes = call.json
    check(channel_edits.CHANNEL, changes)
    if changes.get("permission_overwrites") is not None:
        call.need(channel, Permission.MANAGE_ROLES)
    need_category(call, call.world.guilds[channel.guild_id or 0], changes)
    if changes.get("type") not in (None, channel.type):
        if not {channel.type, changes["type"]} <= _CONVERTIBLE:
            raise DiscordError(Code.WRONG_CHANNEL_TYPE)
        channel.type = ChannelType(changes["type"])
    channel_edits.apply(call.world, channel, changes)


def _edit_thread(call: Call, thread: Channel, info: ThreadInfo) -> None:
    changes = call.json
    may_manage = call.may(thread, Permission.MANAGE_THREADS)
    only_waking = changes == {"archived": False} and not info.locked
    if not (may_manage or info.owner_id == call.user.id or only_waking):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    check(channel_edits.THREAD, changes)
    if info.archived and changes.get("archived") is not False:
        raise DiscordError(Code.ARCHIVED_THREAD)
    if "locked" in changes or (info.locked and "archived" in changes):
        call.need(thread, Permission.MANAGE_THREADS)
    _apply_to_thread(call, thread, info)


def _apply_to_thread(call: Call, thread: Channel, info: ThreadInfo) -> None:
    changes = call.json
    if changes.get("archived") is not None and changes["archived"] != info.archived:
        info.archived = changes["archived"]
        info.archived_at = call.world.now()
    if changes.get("locked") is not None:
        info.locked = changes["locked"]
    if changes.get("invitable") is not None:
        info.invitable = changes["invitable"]
    if changes.get("auto_archive_duration") is not None:
        info.auto_archive_minutes = changes["auto_archive_duration"]
    if changes.get("rate_limit_per_user") is not None:
        thread.slowmode_seconds = int(changes["rate_limit_per_user"])
    if "applied_tags" in changes:
        info.applied_tag_ids = tuple(int(i) for i in changes["applied_tags"] or ())
    thread.name = changes.get("name") or thread.name


ROUTES = [
    Route("GET", "/channels/{channel_id}", get_channel),
    Route("PATCH", "/channels/{channel_id}", edit_channel),
    Route("DELETE", "/channels/{channel_id}", delete_channel),
    Route("POST", "/channels/{channel_id}/typing", start_typing),
    Route("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", put_overwrite),
    Route("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", delete_overwrite),
]
