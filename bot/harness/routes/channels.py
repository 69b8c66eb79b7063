"""Channels: look, change, delete, type, and who may do what in them."""

from bot.harness import payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.changes import ChannelUpdated
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, JsonObject, Overwrite, OverwriteType
from bot.harness.permissions import Permission


async def get_channel(call: Call) -> JsonObject:
    return payloads.channel_for(call.world, call.channel(), call.user.id)


async def edit_channel(call: Call) -> JsonObject:
    channel = call.channel()
    changes = call.json
    if channel.thread is not None:
        _edit_thread(call, channel, changes)
    else:
        call.need(channel, Permission.MANAGE_CHANNELS)
        if "topic" in changes:
            channel.topic = changes["topic"]
    if changes.get("name"):
        channel.name = str(changes["name"])
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
    given = call.json
    call.world.set_overwrite(
        channel,
        Overwrite(
            id=call.id("overwrite_id"),
            type=OverwriteType(int(given.get("type") or 0)),
            allow=int(given.get("allow") or 0),
            deny=int(given.get("deny") or 0),
        ),
    )


async def delete_overwrite(call: Call) -> None:
    call.world.remove_overwrite(_guild_channel(call), call.id("overwrite_id"))


def _guild_channel(call: Call) -> Channel:
    channel = call.channel(Permission.MANAGE_ROLES)
    if channel.guild_id is None or channel.thread is not None:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    return channel


def _edit_thread(call: Call, channel: Channel, changes: JsonObject) -> None:
    info = channel.thread
    if info is None or not (
        info.owner_id == call.user.id or call.may(channel, Permission.MANAGE_THREADS)
    ):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    if "archived" in changes and bool(changes["archived"]) != info.archived:
        info.archived = bool(changes["archived"])
        info.archived_at = call.world.now()
    if "locked" in changes:
        call.need(channel, Permission.MANAGE_THREADS)
        info.locked = bool(changes["locked"])
    if "auto_archive_duration" in changes:
        info.auto_archive_minutes = int(changes["auto_archive_duration"])


ROUTES = [
    Route("GET", "/channels/{channel_id}", get_channel),
    Route("PATCH", "/channels/{channel_id}", edit_channel),
    Route("DELETE", "/channels/{channel_id}", delete_channel),
    Route("POST", "/channels/{channel_id}/typing", start_typing),
    Route("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", put_overwrite),
    Route("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", delete_overwrite),
]
