"""What became of messages while the bot was away: which are deleted, which were edited."""

from collections.abc import Awaitable, Callable, Sequence

import discord

from bot.agent.events import MessageEdited
from bot.front.people import place_of_start, readable
from bot.store.quoting import Quoted

PAGE = 100
UNKNOWN_MESSAGE = 10_008


def places_of(
    room: discord.abc.Messageable, room_id: int, quoted: Sequence[Quoted]
) -> list[tuple[discord.abc.Messageable, Sequence[Quoted]]]:
    """Where these messages of a room stand: what a thread began with, mostly in its channel."""
    start = [message for message in quoted if message.message_id == room_id]
    place = place_of_start(room) if isinstance(room, discord.Thread) else None
    inside = [message for message in quoted if message.message_id != room_id]
    found: list[tuple[discord.abc.Messageable, Sequence[Quoted]]] = [(room, inside)]
    return found if place is None or not start else [*found, (place, start)]


async def changes_in(
    room: discord.abc.Messageable,
    quoted: Sequence[Quoted],
    me: discord.abc.User,
    pause: Callable[[], Awaitable[None]],
) -> tuple[list[int], list[MessageEdited]]:
    """The ids that the history of a room does not have, and the edits that were not seen.

    One page of the history for each stretch of messages, at most one a message. The question of a
    command stands in no message: it is there as long as its answer is. Raises one of UNREACHED.
    """
    waiting = sorted(quoted, key=lambda message: message.message_id, reverse=True)
    missing: list[int] = []
    used: set[int] = set()
    edited: list[MessageEdited] = []
    while waiting:
        await pause()
        before = discord.Object(waiting[0].message_id + 1)
        page = [message async for message in room.history(limit=PAGE, before=before)]
        there = {message.id: message for message in page}
        used.update(m.interaction_metadata.id for m in page if m.interaction_metadata is not None)
        oldest = min(there) if len(page) == PAGE else 0
        settled = [message for message in waiting if message.message_id >= oldest]
        del waiting[: len(settled)]
        for known in settled:
            message = there.get(known.message_id)
            if message is None:
                missing.append(known.message_id)
            elif changed_since(message, known.seen_at) and message.author.id != me.id:
                text = readable(message, me)
                edited.append(MessageEdited(message.id, message.author.id, text))
    return [number for number in missing if number not in used], edited


def changed_since(message: discord.Message, seen_at: int) -> bool:
    """Whether a message was edited after its text was read, at `seen_at` (ms)."""
    return message.edited_at is not None and message.edited_at.timestamp() * 1000 > seen_at


async def is_deleted(room: discord.abc.Messageable, message_id: int) -> bool:
    """Whether Discord says that there is no such message.

    A history that may not be read is empty, so that nothing there proves nothing.
    """
    try:
        await room.fetch_message(message_id)
    except discord.NotFound as error:
        return error.code == UNKNOWN_MESSAGE
    except discord.Forbidden:
        return False
    return False
