"""Threads: start, join, leave, list."""

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, Reply
from bot.harness.changes import ChannelUpdated
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, ChannelType, JsonObject, ThreadInfo
from bot.harness.permissions import Permission

_NAME_LIMIT = 100


async def start_from_message(call: Call) -> Reply:
    channel = call.channel(Permission.CREATE_PUBLIC_THREADS)
    _need_text_channel(channel)
    message = call.message(channel)
    if message.thread_id is not None:
        raise DiscordError(Code.THREAD_EXISTS)
    thread = call.world.add_thread(
        channel,
        call.user,
        _name(call),
        from_message=message,
        auto_archive_minutes=int(call.json.get("auto_archive_duration") or 4320),
    )
    return Reply(201, payloads.channel_for(call.world, thread, call.user.id))


async def start_without_message(call: Call) -> Reply:
    channel = call.channel()
    _need_text_channel(channel)
    asked = int(call.json.get("type") or ChannelType.PRIVATE_THREAD)
    public = asked == ChannelType.PUBLIC_THREAD
    call.need(
        channel,
        Permission.CREATE_PUBLIC_THREADS if public else Permission.CREATE_PRIVATE_THREADS,
    )
    thread = call.world.add_thread(
        channel,
        call.user,
        _name(call),
        type=ChannelType.PUBLIC_THREAD if public else ChannelType.PRIVATE_THREAD,
        auto_archive_minutes=int(call.json.get("auto_archive_duration") or 4320),
    )
    return Reply(201, payloads.channel_for(call.world, thread, call.user.id))


async def join(call: Call) -> None:
    _join(call, call.user.id)


async def leave(call: Call) -> None:
    thread, info = _thread(call)
    if info.member_ids.pop(call.user.id, None) is not None:
        call.world.tell(ChannelUpdated(thread))


async def add_member(call: Call) -> None:
    _join(call, call.world.user(call.id("user_id")).id)


async def list_members(call: Call) -> list[JsonObject]:
    thread, info = _thread(call)
    return [payloads.thread_member(thread, user_id) for user_id in info.member_ids]


def _join(call: Call, user_id: int) -> None:
    thread, info = _thread(call)
    if info.archived:
        raise DiscordError(Code.ARCHIVED_THREAD)
    if user_id not in info.member_ids:
        info.member_ids[user_id] = call.world.now()
        call.world.tell(ChannelUpdated(thread))


def _thread(call: Call) -> tuple[Channel, ThreadInfo]:
    channel = call.channel()
    if channel.thread is None:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    return channel, channel.thread


def _need_text_channel(channel: Channel) -> None:
    if channel.type not in (ChannelType.TEXT, ChannelType.ANNOUNCEMENT):
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)


def _name(call: Call) -> str:
    name = str(call.json.get("name") or "")
    if not name:
        raise errors.required("name")
    if len(name) > _NAME_LIMIT:
        raise errors.too_long("name", _NAME_LIMIT)
    return name


ROUTES = [
    Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", start_from_message),
    Route("POST", "/channels/{channel_id}/threads", start_without_message),
    Route("GET", "/channels/{channel_id}/thread-members", list_members),
    Route("PUT", "/channels/{channel_id}/thread-members/@me", join),
    Route("DELETE", "/channels/{channel_id}/thread-members/@me", leave),
    Route("PUT", "/channels/{channel_id}/thread-members/{user_id}", add_member),
]
