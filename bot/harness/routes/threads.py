"""Threads: start, join, leave, list.

Source: https://discord.com/developers/docs/resources/channel#start-thread-from-message
"""

from collections.abc import Callable
from datetime import UTC, datetime

from bot.harness import errors, payloads, threads
from bot.harness.api import Route
from bot.harness.call import Call, Reply
from bot.harness.channel_edits import ARCHIVE_MINUTES, SLOWMODE
from bot.harness.drafts import new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Choice, Flag, Form, Id, ListOf, Text, check
from bot.harness.model import Channel, ChannelType, JsonObject, Message
from bot.harness.permissions import Permission

_TEXT = (ChannelType.TEXT, ChannelType.ANNOUNCEMENT)
_THREADS = (
    ChannelType.ANNOUNCEMENT_THREAD,
    ChannelType.PUBLIC_THREAD,
    ChannelType.PRIVATE_THREAD,
)
_START = Form(
    {
        "name": Text(1, 100),
        "auto_archive_duration": ARCHIVE_MINUTES,
        "rate_limit_per_user": SLOWMODE,
        "type": Choice(_THREADS),
        "invitable": Flag(),
        "applied_tags": ListOf(Id(), 0, 5),
    },
    frozenset({"name"}),
)


async def start_from_message(call: Call) -> Reply:
    channel = call.channel(Permission.CREATE_PUBLIC_THREADS)
    if channel.type not in _TEXT:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    message = call.message(channel)
    if message.thread_id is not None:
        raise DiscordError(Code.THREAD_EXISTS)
    return _started(call, _start(call, channel, _public(channel), message))


async def start_without_message(call: Call) -> Reply:
    channel = call.channel()
    if channel.type is ChannelType.FORUM:
        return await _post(call, channel)
    if channel.type not in _TEXT:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    kind = ChannelType(int(call.json.get("type") or ChannelType.PRIVATE_THREAD))
    private = kind is ChannelType.PRIVATE_THREAD
    call.need(
        channel,
        Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS,
    )
    return _started(call, _start(call, channel, kind))


async def join(call: Call) -> None:
    threads.join(call.world, call.channel(), call.user.id)


async def leave(call: Call) -> None:
    threads.leave(call.world, call.channel(), call.user.id)


async def add_member(call: Call) -> None:
    thread = call.channel(Permission.SEND_MESSAGES_IN_THREADS)
    info = threads.members_of(thread)
    user = call.world.user(call.id("user_id"))
    if user.id not in call.world.guilds[thread.guild_id or 0].members:
        raise DiscordError(Code.UNKNOWN_MEMBER)
    closed = thread.type is ChannelType.PRIVATE_THREAD and not info.invitable
    if closed and info.owner_id != call.user.id:
        call.need(thread, Permission.MANAGE_THREADS)
    threads.join(call.world, thread, user.id)


async def remove_member(call: Call) -> None:
    thread = call.channel()
    info = threads.members_of(thread)
    own = thread.type is ChannelType.PRIVATE_THREAD and info.owner_id == call.user.id
    if not own:
        call.need(thread, Permission.MANAGE_THREADS)
    threads.leave(call.world, thread, call.world.user(call.id("user_id")).id)


async def get_member(call: Call) -> JsonObject:
    thread = call.channel()
    user_id = call.user.id if "user_id" not in call.request.match_info else call.id("user_id")
    if user_id not in threads.members_of(thread).member_ids:
        raise DiscordError(Code.UNKNOWN_MEMBER)
    return _member(call, thread, user_id)


async def list_members(call: Call) -> list[JsonObject]:
    thread = call.channel()
    after, limit = call.query_id("after") or 0, call.query_number("limit", 100, 1, 100)
    ids = sorted(i for i in threads.members_of(thread).member_ids if i > after)
    return [_member(call, thread, i) for i in ids[:limit]]


async def list_archived_public(call: Call) -> JsonObject:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return _archived(call, channel, lambda t: t.type is not ChannelType.PRIVATE_THREAD)


async def list_archived_private(call: Call) -> JsonObject:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY, Permission.MANAGE_THREADS)
    return _archived(call, channel, lambda t: t.type is ChannelType.PRIVATE_THREAD)


async def list_own_archived_private(call: Call) -> JsonObject:
    channel, me = call.channel(Permission.READ_MESSAGE_HISTORY), call.user.id
    before = call.query_id("before") or 1 << 64

    def mine(thread: Channel) -> bool:
        info = threads.members_of(thread)
        private = thread.type is ChannelType.PRIVATE_THREAD
        return private and me in info.member_ids and thread.id < before

    return _archived(call, channel, mine, by_id=True)


async def _post(call: Call, forum: Channel) -> Reply:
    """A thread of a forum begins with a message, which has the thread's id."""
    call.need(forum, Permission.SEND_MESSAGES)
    given = call.json.get("message")
    if not isinstance(given, dict):
        raise errors.required("message")
    check(_START, call.json)
    draft = new_draft(call, forum, call.user.id, given)
    thread = _start(call, forum, ChannelType.PUBLIC_THREAD)
    message = call.world.conversation.say(thread, call.user, draft, message_id=thread.id)
    told = payloads.channel_for(call.world, thread, call.user.id)
    return Reply(201, told | {"message": call.show(message)})


def _start(
    call: Call, channel: Channel, kind: ChannelType, message: Message | None = None
) -> Channel:
    check(_START, call.json)
    given = call.json
    default = channel.settings.get("default_auto_archive_duration")
    minutes = given.get("auto_archive_duration") or default or threads.DEFAULT_ARCHIVE_MINUTES
    return threads.start(
        call.world,
        channel,
        call.user,
        given["name"],
        from_message=message,
        type=kind,
        auto_archive_minutes=minutes,
        slowmode_seconds=int(given.get("rate_limit_per_user") or 0),
        invitable=given.get("invitable") is not False,
        tag_ids=tuple(int(i) for i in given.get("applied_tags") or ()),
    )


def _started(call: Call, thread: Channel) -> Reply:
    return Reply(201, payloads.channel_for(call.world, thread, call.user.id))


def _public(channel: Channel) -> ChannelType:
    announces = channel.type is ChannelType.ANNOUNCEMENT
    return ChannelType.ANNOUNCEMENT_THREAD if announces else ChannelType.PUBLIC_THREAD


def _member(call: Call, thread: Channel, user_id: int) -> JsonObject:
    data = payloads.thread_member(thread, user_id)
    guild = call.world.guilds[thread.guild_id or 0]
    if call.query_flag("with_member") and user_id in guild.members:
        data["member"] = payloads.member(call.world, guild.members[user_id])
    return data


def _archived(
    call: Call, channel: Channel, wanted: Callable[[Channel], bool], *, by_id: bool = False
) -> JsonObject:
    """The archived threads of a channel, the last archived first (or by id the newest first)."""
    before = None if by_id else _moment(call.query("before"))
    limit = call.query_number("limit", 50, 2, 100)
    world, me = call.world, call.user.id
    found = []
    for thread in world.threads_of(world.guilds[channel.guild_id or 0]):
        info = threads.members_of(thread)
        if thread.parent_id != channel.id or not info.archived or not wanted(thread):
            continue
        if before is None or info.archived_at < before:
            found.append((thread.id if by_id else info.archived_at.timestamp(), thread))
    found.sort(key=lambda pair: pair[0], reverse=True)
    page = [thread for _, thread in found[:limit]]
    return {
        "threads": [payloads.channel_for(world, t, me) for t in page],
        "members": [
            payloads.thread_member(t, me) for t in page if me in threads.members_of(t).member_ids
        ],
        "has_more": len(found) > limit,
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"Could not parse {text}. Should be ISO8601."
        raise errors.invalid_form("before", "DATE_TIME_TYPE_PARSE", message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_CHANNEL = "/channels/{channel_id}"
_MEMBERS = f"{_CHANNEL}/thread-members"

ROUTES = [
    Route("POST", f"{_CHANNEL}/messages/{{message_id}}/threads", start_from_message),
    Route("POST", f"{_CHANNEL}/threads", start_without_message),
    Route("GET", f"{_CHANNEL}/threads/archived/public", list_archived_public),
    Route("GET", f"{_CHANNEL}/threads/archived/private", list_archived_private),
    Route("GET", f"{_CHANNEL}/users/@me/threads/archived/private", list_own_archived_private),
    Route("GET", _MEMBERS, list_members),
    Route("PUT", f"{_MEMBERS}/@me", join),
    Route("DELETE", f"{_MEMBERS}/@me", leave),
    Route("GET", f"{_MEMBERS}/@me", get_member),
    Route("GET", f"{_MEMBERS}/{{user_id}}", get_member),
    Route("PUT", f"{_MEMBERS}/{{user_id}}", add_member),
    Route("DELETE", f"{_MEMBERS}/{{user_id}}", remove_member),
]
