"""Forgetting people and rooms, and telling people what is kept of them.

Plain functions on a world's file. Those that change something do it in short transactions of
their own and call `pace` between them, so that whoever else writes to the file never waits long.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from typing import Any, TypeVar

from bot.store.applying import delete_exchanges
from bot.store.choosing import ASKED_AT
from bot.store.records import DISCORD_EPOCH
from bot.store.speakers import blank_messages, forget_unheard
from bot.store.transactions import transaction

AT_ONCE = 200
FOREVER = 2**63 - 1
NOBODY = 0

T = TypeVar("T")

Pace = Callable[[], None]
"""Called between two transactions: waits a moment, or raises to give up."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each kind went, or lost what was a person's in them."""

    messages: int = 0
    exchanges: int = 0
    votes: int = 0
    demonstrations: int = 0
    consents: int = 0
    settings: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(astuple(self))

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def snowflake(milliseconds: int) -> int:
    """The smallest Discord id of that time (ms since the epoch)."""
    return max(0, milliseconds - DISCORD_EPOCH) << 22


def no_pace() -> None:
    """Do not wait."""


def forget_person(
    connection: sqlite3.Connection, user_id: int, until: int = FOREVER, pace: Pace = no_pace
) -> Forgotten:
    """Forget all of a person from before `until` (ms since the epoch). May be done again.

    What they said stays as a place without words, name or author; what they asked goes with its
    answer, also where that is quoted elsewhere. An objection stays: it keeps them unrecorded.
    Raises one of FAILURES.
    """
    last = snowflake(until) if until < FOREVER else FOREVER
    asked = ids(
        connection,
        f"SELECT id FROM exchanges e WHERE user_id = ? AND {ASKED_AT} < ?",  # noqa: S608
        (user_id, until),
    )
    exchanges = 0
    for some in batches(asked):
        with transaction(connection):
            exchanges += delete_exchanges(connection, some)
        pace()
    said = ids(
        connection,
        "SELECT id FROM messages WHERE message_id < ?2 AND speaker IN"
        " (SELECT id FROM speakers WHERE ?1 IN (author_id, subject_id))",
        (user_id, last),
    )
    for some in batches(said):
        with transaction(connection):
            blank_messages(connection, some)
        pace()
    forget_unheard(connection, user_id)
    with transaction(connection):
        votes = connection.execute(
            "DELETE FROM votes WHERE user_id = ? AND timestamp < ?", (user_id, until)
        ).rowcount
        demonstrations = connection.execute(
            "DELETE FROM demonstrations WHERE user_id = ? AND timestamp < ?", (user_id, until)
        ).rowcount
        consents = connection.execute(
            "DELETE FROM consents WHERE user_id = ? AND recorded = 1 AND timestamp < ?",
            (user_id, until),
        ).rowcount
        settings = anonymise_settings(connection, user_id)
        if votes or consents or settings:
            # Their id is in copies of these rows that SQLite left (see `erasing`).
            connection.execute("UPDATE counters SET erasures = erasures + 1")
    return Forgotten(len(said), exchanges, votes, demonstrations, consents, settings)


def forget_rooms(
    connection: sqlite3.Connection, room_ids: Sequence[int], pace: Pace = no_pace
) -> int:
    """Forget all exchanges of these channels and threads. Returns how many there were.

    What was said in them is swept up after that (`retention.sweep`). Raises one of FAILURES.
    """
    rooms = (json.dumps(list(room_ids)),)
    chosen = "(SELECT value FROM json_each(?))"
    gone = 0
    for some in batches(
        ids(connection, f"SELECT id FROM exchanges WHERE room_id IN {chosen}", rooms)  # noqa: S608
    ):
        with transaction(connection):
            gone += delete_exchanges(connection, some)
        pace()
    with transaction(connection):
        connection.execute(f"DELETE FROM notices WHERE room_id IN {chosen}", rooms)  # noqa: S608
    return gone


def anonymise_settings(connection: sqlite3.Connection, user_id: int) -> int:
    """Put nobody in the place of a person wherever a setting names them. Returns in how many."""
    changed = 0
    for key, text in connection.execute("SELECT key, value FROM settings").fetchall():
        if str(user_id) not in text:
            continue
        value = json.loads(text)
        without = anonymised(value, user_id)
        if without != value:
            connection.execute(
                "UPDATE settings SET value = ? WHERE key = ?", (json.dumps(without), key)
            )
            changed += 1
    return changed


def anonymised(value: Any, user_id: int) -> Any:  # noqa: ANN401 - whatever JSON was set
    """A JSON value with nobody's id (0) in the place of this one's, as a number or as a text."""
    if isinstance(value, dict):
        return {anonymised(key, user_id): anonymised(item, user_id) for key, item in value.items()}
    if isinstance(value, list):
        return [anonymised(item, user_id) for item in value]
    if isinstance(value, str):
        return str(NOBODY) if value == str(user_id) else value
    return NOBODY if value == user_id and not isinstance(value, bool) else value


def person_data(connection: sqlite3.Connection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """All that is kept of a person, by kind: rows of plain values, none of anybody else's words.

    Of settings that have their id, as they changed them, just which these are.
    Times are ms since the epoch. Raises one of FAILURES.
    """
    return {kind: rows(connection, query, user_id) for kind, query in KEPT_OF_A_PERSON.items()}


KEPT_OF_A_PERSON = {
    "messages": "SELECT message_id, (message_id >> 22) + 1420070400000 AS said_at, name, content"
    " FROM messages m JOIN speakers s ON s.id = m.speaker"
    " WHERE author_id = ? AND content IS NOT NULL ORDER BY message_id",
    "exchanges": f"SELECT e.id, {ASKED_AT} AS timestamp, room_id, message_id, reply_id,"  # noqa: S608
    " model_type AS purpose, provider, model, output AS answer, reasoning, success, error"
    " FROM exchanges e LEFT JOIN sources c ON c.id = e.source WHERE user_id = ? ORDER BY e.id",
    "answers": "SELECT message_id, (message_id >> 22) + 1420070400000 AS said_at, content"
    " FROM messages m JOIN speakers s ON s.id = m.speaker"
    " WHERE subject_id = ? AND content IS NOT NULL ORDER BY message_id",
    "votes": "SELECT message_id, value, timestamp FROM votes WHERE user_id = ?",
    "demonstrations": "SELECT message_id, content, timestamp FROM demonstrations WHERE user_id = ?",
    "consents": "SELECT recorded, timestamp FROM consents WHERE user_id = ?",
    "settings": "SELECT key FROM settings s WHERE EXISTS (SELECT 1 FROM json_tree(s.value) t"
    " WHERE t.atom IN (?1, CAST(?1 AS TEXT)) OR t.key = CAST(?1 AS TEXT))",
}


def rows(connection: sqlite3.Connection, query: str, *values: int) -> list[dict[str, Any]]:
    """What a query finds, by column names."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def ids(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[int]:
    """The single column that a query finds."""
    return [row[0] for row in connection.execute(query, values)]


def batches(things: Sequence[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The things, some at a time."""
    waiting = iter(things)
    while some := list(islice(waiting, size)):
        yield some
