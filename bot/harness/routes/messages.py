"""Messages: say, read, edit, delete.

Source: https://discord.com/developers/docs/resources/message
"""

from datetime import timedelta
from itertools import islice

from bot.harness import errors
from bot.harness.api import Route
from bot.harness.call import Call, snowflake
from bot.harness.drafts import apply_edit, new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, ChannelType, JsonObject, Message, MessageFlag, MessageType
from bot.harness.permissions import Permission
from bot.harness.ratelimits import rate_limited

_WRITABLE = (
    ChannelType.TEXT,
    ChannelType.DM,
    ChannelType.GROUP_DM,
    ChannelType.VOICE,
    ChannelType.ANNOUNCEMENT,
    ChannelType.ANNOUNCEMENT_THREAD,
    ChannelType.PUBLIC_THREAD,
    ChannelType.PRIVATE_THREAD,
)
_OLD = timedelta(hours=1)
_DELETABLE = (
    MessageType.DEFAULT,
    MessageType.CHANNEL_PINNED_MESSAGE,
    MessageType.THREAD_CREATED,
    MessageType.REPLY,
    MessageType.CHAT_INPUT_COMMAND,
    MessageType.CONTEXT_MENU_COMMAND,
)
_NONCE_MEMORY = 25


async def create_message(call: Call) -> JsonObject:
    channel = _writable(call)
    body = call.json
    if call.uploads:
        call.need(channel, Permission.ATTACH_FILES)
    if body.get("embeds"):
        call.need(channel, Permission.EMBED_LINKS)
    if body.get("tts"):
        call.need(channel, Permission.SEND_TTS_MESSAGES)
    draft = new_draft(call, channel, call.user.id, body)
    draft.flags &= ~MessageFlag.EPHEMERAL
    if body.get("enforce_nonce") and draft.nonce is not None:
        said_before = _with_nonce(channel, call.user.id, draft.nonce)
        if said_before is not None:
            return call.show(said_before)
    _keep_slow(call, channel)
    return call.show(call.world.conversation.say(channel, call.user, draft))


async def list_messages(call: Call) -> list[JsonObject]:
    """Newest first. Who may not read the history gets an empty list, as from Discord."""
    channel = call.channel()
    limit = call.query_number("limit", 50, 1, 100)
    if not call.may(channel, Permission.READ_MESSAGE_HISTORY):
        return []
    found = _page(call, call.world.conversation.history(channel), limit)
    return [call.show(message) for message in reversed(found)]


async def get_message(call: Call) -> JsonObject:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return call.show(call.message(channel))


async def edit_message(call: Call) -> JsonObject:
    channel = call.channel()
    message = call.message(channel)
    _need_awake(channel)
    if message.author_id == call.user.id:
        if call.world.now() - message.created_at > _OLD:
            call.limits.admit_old_edit(channel.id)
        apply_edit(call, channel, message, call.json)
        call.world.conversation.edited(message)
    elif set(call.json) == {"flags"}:
        call.need(channel, Permission.MANAGE_MESSAGES)
        apply_edit(call, channel, message, call.json)
        call.world.conversation.edited(message, by_author=False)
    else:
        raise DiscordError(Code.EDIT_OF_ANOTHER)
    return call.show(message)


async def delete_message(call: Call) -> None:
    channel = call.channel()
    message = call.message(channel)
    if message.author_id != call.user.id:
        if channel.guild_id is None:
            raise DiscordError(Code.DM_ACTION)
        call.need(channel, Permission.MANAGE_MESSAGES)
    if message.type not in _DELETABLE:
        raise DiscordError(Code.SYSTEM_MESSAGE)
    call.world.conversation.delete(channel, [message])


async def bulk_delete(call: Call) -> None:
    channel = call.channel(Permission.MANAGE_MESSAGES)
    if channel.guild_id is None:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    ids = {snowflake(i, "messages") for i in call.json.get("messages") or ()}
    if not 2 <= len(ids) <= 100:
        raise DiscordError(Code.BULK_DELETE_COUNT)
    messages = [m for m in call.world.conversation.history(channel) if m.id in ids]
    if any(call.world.now() - m.created_at > timedelta(days=14) for m in messages):
        raise DiscordError(Code.BULK_DELETE_AGE)
    call.world.conversation.delete(channel, messages, bulk=True)


def _writable(call: Call) -> Channel:
    channel = call.channel()
    if channel.type not in _WRITABLE:
        raise DiscordError(Code.NON_TEXT_CHANNEL)
    if channel.guild_id is None:
        _refuse_closed(call, channel)
    if channel.thread is None:
        call.need(channel, Permission.SEND_MESSAGES)
        return channel
    call.need(channel, Permission.SEND_MESSAGES_IN_THREADS)
    if channel.thread.locked and not call.may(channel, Permission.MANAGE_THREADS):
        raise DiscordError(Code.THREAD_LOCKED)
    return channel


def _refuse_closed(call: Call, channel: Channel) -> None:
    """Raises 50007 for who takes no direct messages; bots take none from bots."""
    for user_id in channel.recipient_ids:
        other = call.world.users[user_id]
        if user_id != call.user.id and (
            not other.accepts_direct_messages or (other.bot and call.user.bot)
        ):
            raise DiscordError(Code.CANNOT_DM_USER)


def _keep_slow(call: Call, channel: Channel) -> None:
    """Raises 20016 to people in a channel with slowmode; bots and moderators need not wait."""
    seconds = channel.slowmode_seconds
    spared = Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS
    if not seconds or call.user.bot or call.world.permissions(channel, call.user.id) & spared:
        return
    for message in reversed(channel.messages.values()):
        wait = message.created_at.timestamp() + seconds - call.world.clock()
        if wait <= 0:
            return
        if message.author_id == call.user.id:
            raise rate_limited(wait, Code.SLOWMODE)


def _need_awake(channel: Channel) -> None:
    if channel.thread is not None and channel.thread.archived:
        raise DiscordError(Code.ARCHIVED_THREAD)


def _with_nonce(channel: Channel, author_id: int, nonce: str | int) -> Message | None:
    for message in islice(reversed(channel.messages.values()), _NONCE_MEMORY):
        if message.author_id == author_id and message.nonce == nonce:
            return message
    return None


def _page(call: Call, history: list[Message], limit: int) -> list[Message]:
    before, after, around = (call.query_id(n) for n in ("before", "after", "around"))
    if sum(bound is not None for bound in (before, after, around)) > 1:
        raise errors.invalid_form(
            "before", "MUTUALLY_EXCLUSIVE", "Only one of before, after and around may be given."
        )
    if around is not None:
        older = [m for m in history if m.id <= around][-(limit // 2 + 1) :]
        newer = [m for m in history if m.id > around]
        return (older + newer[: limit - len(older)])[-limit:]
    if after is not None:
        return [m for m in history if m.id > after][:limit]
    if before is not None:
        history = [m for m in history if m.id < before]
    return history[-limit:]


_MESSAGES = "/channels/{channel_id}/messages"

ROUTES = [
    Route("POST", _MESSAGES, create_message),
    Route("GET", _MESSAGES, list_messages),
    Route("POST", f"{_MESSAGES}/bulk-delete", bulk_delete),
    Route("GET", f"{_MESSAGES}/{{message_id}}", get_message),
    Route("PATCH", f"{_MESSAGES}/{{message_id}}", edit_message),
    Route("DELETE", f"{_MESSAGES}/{{message_id}}", delete_message),
]
