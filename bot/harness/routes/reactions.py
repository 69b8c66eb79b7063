"""Reactions to messages."""

import re

from bot.harness import payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.errors import Code, DiscordError
from bot.harness.model import JsonObject
from bot.harness.permissions import Permission

_CUSTOM = re.compile(r"^(?:a:)?\w{2,32}:\d+$")
_LIMIT = 20


async def add_reaction(call: Call) -> None:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    message, emoji = call.message(channel), _emoji(call)
    if channel.thread is not None and channel.thread.archived:
        raise DiscordError(Code.ARCHIVED_THREAD)
    if emoji not in message.reactions:
        call.need(channel, Permission.ADD_REACTIONS)
        if len(message.reactions) >= _LIMIT:
            raise DiscordError(Code.TOO_MANY_REACTIONS)
    call.world.conversation.react(message, call.user, emoji)


async def remove_own_reaction(call: Call) -> None:
    message = call.message(call.channel())
    call.world.conversation.unreact(message, call.user.id, _emoji(call))


async def remove_reaction_of(call: Call) -> None:
    user_id = call.id("user_id")
    channel = call.channel()
    if user_id != call.user.id:
        call.need(channel, Permission.MANAGE_MESSAGES)
    call.world.conversation.unreact(call.message(channel), user_id, _emoji(call))


async def list_reactors(call: Call) -> list[JsonObject]:
    message = call.message(call.channel(Permission.READ_MESSAGE_HISTORY))
    limit, after = call.query_number("limit", 25, 1, 100), call.query_id("after") or 0
    reaction = message.reactions.get(_emoji(call))
    ids = sorted(i for i in reaction.user_ids if i > after) if reaction else []
    return [payloads.user(call.world.users[i]) for i in ids[:limit]]


async def clear_emoji(call: Call) -> None:
    message = call.message(call.channel(Permission.MANAGE_MESSAGES))
    call.world.conversation.clear_reactions(message, _emoji(call))


async def clear_all(call: Call) -> None:
    message = call.message(call.channel(Permission.MANAGE_MESSAGES))
    call.world.conversation.clear_reactions(message)


def _emoji(call: Call) -> str:
    """A custom emoji as name:id, or a character; words are no emoji."""
    emoji = call.text("emoji")
    if _CUSTOM.match(emoji):
        return emoji
    # Keycaps (1️⃣) are the only emoji that begin with an ASCII character.
    if emoji.isascii() or any(part.isalpha() for part in emoji):
        raise DiscordError(Code.UNKNOWN_EMOJI)
    return emoji


_REACTIONS = "/channels/{channel_id}/messages/{message_id}/reactions"

ROUTES = [
    Route("PUT", f"{_REACTIONS}/{{emoji}}/@me", add_reaction),
    Route("DELETE", f"{_REACTIONS}/{{emoji}}/@me", remove_own_reaction),
    Route("DELETE", f"{_REACTIONS}/{{emoji}}/{{user_id}}", remove_reaction_of),
    Route("GET", f"{_REACTIONS}/{{emoji}}", list_reactors),
    Route("DELETE", f"{_REACTIONS}/{{emoji}}", clear_emoji),
    Route("DELETE", _REACTIONS, clear_all),
]
