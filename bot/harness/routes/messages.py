"""Messages: say, read, edit, delete, pin."""

from datetime import timedelta
from itertools import islice

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, snowflake
from bot.harness.drafts import apply_edit, new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, ChannelType, JsonObject, Message, MessageFlag
from bot.harness.permissions import Permission

_WRITABLE = (
    ChannelType.TEXT,
    ChannelType.DM,
    ChannelType.VOICE,
    ChannelType.ANNOUNCEMENT,
    ChannelType.ANNOUNCEMENT_THREAD,
    ChannelType.PUBLIC_THREAD,
    ChannelType.PRIVATE_THREAD,
)
_PINS_LIMIT = 50
_NONCE_MEMORY = 25


async def create_message(call: Call) -> JsonObject:
    channel = _writable(call)
    body = call.json
    if call.uploads:
        call.need(channel, Permission.ATTACH_FILES)
    draft = new_draft(call, channel, call.user.id, body)
    draft.flags &= ~MessageFlag.EPHEMERAL
    if body.get("enforce_nonce") and draft.nonce is not None:
        said_before = _with_nonce(channel, call.user.id, draft.nonce)
        if said_before is not None:
            return call.show(said_before)
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
    if message.author_id == call.user.id:
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
        call.need(channel, Permission.MANAGE_MESSAGES)
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


async def list_pins(call: Call) -> JsonObject:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    pinned = [m for m in call.world.conversation.history(channel) if m.pinned]
    items = [
        {"message": call.show(m), "pinned_at": payloads.timestamp(channel.last_pin_at)}
        for m in reversed(pinned)
        if channel.last_pin_at is not None
    ]
    return {"items": items, "has_more": False}


async def list_pins_by_old_route(call: Call) -> list[JsonObject]:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    pinned = [m for m in call.world.conversation.history(channel) if m.pinned]
    return [call.show(m) for m in reversed(pinned)]


async def pin_message(call: Call) -> None:
    channel, message = _pinnable(call)
    pinned = sum(m.pinned for m in call.world.conversation.history(channel))
    if not message.pinned and pinned >= _PINS_LIMIT:
        raise DiscordError(Code.TOO_MANY_PINS)
    call.world.conversation.pin(channel, message, pinned=True)


async def unpin_message(call: Call) -> None:
    channel, message = _pinnable(call)
    call.world.conversation.pin(channel, message, pinned=False)


def _writable(call: Call) -> Channel:
    channel = call.channel()
    if channel.type not in _WRITABLE:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    if channel.thread is None:
        call.need(channel, Permission.SEND_MESSAGES)
        return channel
    call.need(channel, Permission.SEND_MESSAGES_IN_THREADS)
    if channel.thread.locked and not call.may(channel, Permission.MANAGE_THREADS):
        raise DiscordError(Code.ARCHIVED_THREAD)
    return channel


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


def _pinnable(call: Call) -> tuple[Channel, Message]:
    channel = call.channel()
    if not (
        call.may(channel, Permission.PIN_MESSAGES) or call.may(channel, Permission.MANAGE_MESSAGES)
    ):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    return channel, call.message(channel)


_MESSAGES = "/channels/{channel_id}/messages"

ROUTES = [
    Route("POST", _MESSAGES, create_message),
    Route("GET", _MESSAGES, list_messages),
    Route("POST", f"{_MESSAGES}/bulk-delete", bulk_delete),
    Route("GET", f"{_MESSAGES}/pins", list_pins),
    Route("PUT", f"{_MESSAGES}/pins/{{message_id}}", pin_message),
    Route("DELETE", f"{_MESSAGES}/pins/{{message_id}}", unpin_message),
    Route("GET", "/channels/{channel_id}/pins", list_pins_by_old_route),
    Route("PUT", "/channels/{channel_id}/pins/{message_id}", pin_message),
    Route("DELETE", "/channels/{channel_id}/pins/{message_id}", unpin_message),
    Route("GET", f"{_MESSAGES}/{{message_id}}", get_message),
    Route("PATCH", f"{_MESSAGES}/{{message_id}}", edit_message),
    Route("DELETE", f"{_MESSAGES}/{{message_id}}", delete_message),
]
