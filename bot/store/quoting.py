"""Of whom and of which rooms a world's file has something, and what it quoted lately."""

import sqlite3
from dataclasses import dataclass

from bot.store.forgetting import ids, snowflake

# The latest prompts of each room, as many as may hold the messages that are asked for.
PROMPTS_A_ROOM = 100


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message that is kept, by Discord's id; its text was read at `seen_at` (ms)."""

    message_id: int
    author_id: int | None
    seen_at: int


def authors(connection: sqlite3.Connection) -> list[int]:
    """Everyone whose words or questions are kept, the bot aside."""
    return ids(
        connection,
        "SELECT author_id FROM messages WHERE author_id IS NOT NULL AND role = 'user'"
        " UNION SELECT user_id FROM exchanges WHERE user_id IS NOT NULL",
        (),
    )


def rooms(connection: sqlite3.Connection) -> list[int]:
    """Every channel and thread with an exchange, or a notice, in it."""
    return ids(
        connection,
        "SELECT room_id FROM exchanges WHERE room_id IS NOT NULL UNION SELECT room_id FROM notices",
        (),
    )


def quoted_since(
    connection: sqlite3.Connection, since: int, a_room: int
) -> dict[int, list[Quoted]]:
    """By room, the messages in prompts since that time (ms) and the answers; the newest `a_room`.

    The message that a thread began with is left out: it is in another channel.
    """
    first = snowflake(since)
    found: dict[int, list[Quoted]] = {}
    for room in ids(
        connection,
        "SELECT DISTINCT room_id FROM exchanges WHERE id >= ? AND room_id IS NOT NULL",
        (first,),
    ):
        rows = connection.execute(
            "WITH latest AS (SELECT id, prompt FROM exchanges WHERE id >= ?1 AND room_id = ?2"
            " ORDER BY id DESC LIMIT ?4) "
            "SELECT message_id, author_id, seen_at FROM messages WHERE state = 0"
            " AND message_id <> ?2 AND message_id >= ?1 AND (id IN ("
            "  SELECT CASE p.type WHEN 'array' THEN json_extract(p.value, '$[0]') ELSE p.value END"
            "  FROM latest, json_each(latest.prompt) p"
            " ) OR exchange_id IN (SELECT id FROM latest)) ORDER BY message_id DESC LIMIT ?3",
            (first, room, a_room, PROMPTS_A_ROOM),
        )
        found[room] = [Quoted(*row) for row in rows]
    return found
