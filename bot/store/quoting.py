"""Of whom and of which rooms a world's file has something, and what it quoted lately."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.forgetting import ids, snowflake
from bot.store.message_rows import carriers_of
from bot.store.prompts import quoted_by
from bot.store.records import DISCORD_EPOCH

# The latest prompts of each room, as many as may hold the messages that are asked for.
PROMPTS_A_ROOM = 100


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message that is kept, by Discord's id; its text was read at `seen_at` (ms)."""

    message_id: int
    author_id: int | None
    seen_at: int


def authors(connection: sqlite3.Connection) -> list[int]:
    """Everyone of whom something is kept, the bot aside; an objection alone is not counted."""
    return ids(
        connection,
        "SELECT author_id FROM speakers WHERE author_id IS NOT NULL AND role = 'user'"
        " UNION SELECT subject_id FROM speakers WHERE subject_id IS NOT NULL"
        " UNION SELECT user_id FROM exchanges WHERE user_id IS NOT NULL"
        " UNION SELECT user_id FROM votes UNION SELECT user_id FROM demonstrations"
        " UNION SELECT user_id FROM consents WHERE recorded = 1",
        (),
    )


def rooms(connection: sqlite3.Connection) -> list[int]:
    """Every channel and thread with an exchange, or a notice, in it."""
    return ids(
        connection,
        "SELECT room_id FROM exchanges WHERE room_id IS NOT NULL UNION SELECT room_id FROM notices",
        (),
    )


def asked_for(
    connection: sqlite3.Connection, room_id: int, message_ids: Sequence[int]
) -> list[int]:
    """The questions of a room whose answers these messages carried: those whose texts are kept."""
    return ids(
        connection,
        "SELECT DISTINCT q.message_id FROM messages m JOIN exchanges e ON e.id = m.exchange_id"
        " JOIN messages q ON q.message_id = e.message_id"
        " WHERE m.message_id IN (SELECT value FROM json_each(?)) AND e.room_id = ?"
        " AND q.state = 0",
        (json.dumps(list(message_ids)), room_id),
    )


def quoted_since(
    connection: sqlite3.Connection, since: int, a_room: int
) -> dict[int, list[Quoted]]:
    """By room, the messages in prompts since that time (ms) and the answers; the newest `a_room`.

    The message that a thread began with, which has the thread's id, may be in another channel.
    """
    first = snowflake(since)
    found: dict[int, list[Quoted]] = {}
    for room in ids(
        connection,
        "SELECT DISTINCT room_id FROM exchanges WHERE id >= ? AND room_id IS NOT NULL",
        (first,),
    ):
        latest = connection.execute(
            "SELECT id, prompt FROM exchanges WHERE id >= ? AND room_id = ?"
            " ORDER BY id DESC LIMIT ?",
            (first, room, PROMPTS_A_ROOM),
        ).fetchall()
        numbers = quoted_by(row[1] for row in latest)
        numbers.update(carriers_of(connection, [row[0] for row in latest]).values())
        rows = connection.execute(
            f"SELECT message_id, author_id, (message_id >> 22) + {DISCORD_EPOCH} + seen_after"  # noqa: S608
            " FROM messages m JOIN speakers s ON s.id = m.speaker"
            " WHERE m.id IN (SELECT value FROM json_each(?)) AND state = 0"
            " AND message_id >= ? ORDER BY message_id DESC LIMIT ?",
            (json.dumps(list(numbers)), first, a_room),
        )
        found[room] = [Quoted(*row) for row in rows]
    return found
