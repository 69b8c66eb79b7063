"""Pinned messages of a channel.

Source: https://discord.com/developers/docs/resources/message#get-channel-pins
"""

from datetime import datetime

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, JsonObject, Message
from bot.harness.permissions import Permission

_LIMIT = 250


async def list_pins(call: Call) -> JsonObject:
    """The last pinned first, 50 a page."""
    limit = call.query_number("limit", 50, 1, 50)
    pinned = _pinned(call)
    before = call.query("before")
    if before is not None:
        try:
            moment = datetime.fromisoformat(before)
        except ValueError:
            message = f"Could not parse {before}. Should be ISO8601."
            raise errors.invalid_form("before", "DATE_TIME_TYPE_PARSE", message) from None
        pinned = [m for m in pinned if m.pinned_at and m.pinned_at < moment]
    items = [
        {"message": call.show(m), "pinned_at": payloads.timestamp(m.pinned_at)}
        for m in pinned[:limit]
        if m.pinned_at is not None
    ]
    return {"items": items, "has_more": len(pinned) > limit}


async def list_pins_by_old_route(call: Call) -> list[JsonObject]:
    return [call.show(m) for m in _pinned(call)[:50]]


async def pin_message(call: Call) -> None:
    channel, message = _pinnable(call)
    pinned = sum(m.pinned for m in channel.messages.values())
    if not message.pinned and pinned >= _LIMIT:
        raise DiscordError(Code.TOO_MANY_PINS)
    call.world.conversation.pin(channel, message, call.user)


async def unpin_message(call: Call) -> None:
    channel, message = _pinnable(call)
    call.world.conversation.unpin(channel, message)


def _pinned(call: Call) -> list[Message]:
    channel = call.channel()
    if not call.may(channel, Permission.READ_MESSAGE_HISTORY):
        return []
    pinned = [m for m in call.world.conversation.history(channel) if m.pinned_at is not None]
    return sorted(pinned, key=lambda m: str(m.pinned_at), reverse=True)


def _pinnable(call: Call) -> tuple[Channel, Message]:
    channel = call.channel()
    if not (
        call.may(channel, Permission.PIN_MESSAGES) or call.may(channel, Permission.MANAGE_MESSAGES)
    ):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    message = call.message(channel)
    if message.is_system:
        raise DiscordError(Code.SYSTEM_MESSAGE)
    return channel, message


_PINS = "/channels/{channel_id}/messages/pins"
_OLD_PINS = "/channels/{channel_id}/pins"

ROUTES = [
    Route("GET", _PINS, list_pins),
    Route("PUT", f"{_PINS}/{{message_id}}", pin_message),
    Route("DELETE", f"{_PINS}/{{message_id}}", unpin_message),
    Route("GET", _OLD_PINS, list_pins_by_old_route),
    Route("PUT", f"{_OLD_PINS}/{{message_id}}", pin_message),
    Route("DELETE", f"{_OLD_PINS}/{{message_id}}", unpin_message),
]
