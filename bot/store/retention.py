"""What nobody rated is kept for a time, and what nothing refers to is swept up; in small steps."""

import sqlite3
from pathlib import Path

from bot.store.applying import delete_exchanges
from bot.store.forgetting import AT_ONCE, Pace, ids, no_pace, snowflake
from bot.store.prompts import quoted_by
from bot.store.setting_aside import set_aside_in
from bot.store.speakers import forget_unheard
from bot.store.transactions import transaction

MARKED_AT_ONCE = 2_000
UNDER_WAY_MS = 3_600_000
"""An exchange that is written from here on was asked for at most this long ago."""
TOMBSTONE_MS = 366 * 86_400_000
"""For so long a deleted message keeps its place, so that no restored backup brings it back."""

UNRATED = """
    SELECT e.id FROM exchanges e WHERE e.id > ?1 AND e.id <= ?2
    AND NOT EXISTS (SELECT 1 FROM votes v WHERE v.exchange_id = e.id)
    AND e.id NOT IN (
        SELECT m.exchange_id FROM demonstrations d JOIN messages m ON m.message_id = d.message_id
        WHERE m.exchange_id IS NOT NULL
    )
"""
NEXT = "SELECT max(id) FROM (SELECT id FROM {} WHERE id > ? ORDER BY id LIMIT ?)"
SWEEP_MESSAGES = """
    DELETE FROM messages WHERE id > ?1 AND id <= ?2 AND id NOT IN (SELECT ref FROM temp.quoted)
    AND (exchange_id IS NULL OR exchange_id NOT IN (SELECT id FROM exchanges))
    AND NOT (exchange_id IS NULL AND content IS NULL AND state < 2 AND message_id > ?3)
"""
SWEEP_TEXTS = """
    DELETE FROM texts WHERE id > ?1 AND id <= ?2 AND -id NOT IN (SELECT ref FROM temp.quoted)
"""
FIRST, LAST = -(2**63), 2**63 - 1


def expire(
    connection: sqlite3.Connection, before: int, limit: int = AT_ONCE, pace: Pace = no_pace
) -> int:
    """Delete the exchanges from before that time (ms) that nobody rated or corrected.

    `limit` at a time, each in a transaction of its own. Returns how many there were. Raises one of
    FAILURES.
    """
    gone, after, end = 0, 0, snowflake(before)
    while True:
        until = connection.execute(
            "SELECT max(id) FROM (SELECT id FROM exchanges WHERE id > ? AND id < ?"
            " ORDER BY id LIMIT ?)",
            (after, end, limit),
        ).fetchone()[0]
        if until is None:
            return gone
        with transaction(connection):
            chosen = ids(connection, UNRATED, (after, until))
            if chosen:
                gone += delete_exchanges(connection, chosen)
        after = until
        pace()


def sweep(connection: sqlite3.Connection, now: int, pace: Pace = no_pace) -> int:
    """Delete the texts that no exchange refers to. `now` is in ms. Returns how many there were.

    First it notes what is referred to, in steps, while others go on writing; what they wrote
    meanwhile is looked at again before anything is deleted. Raises one of FAILURES.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS quoted (ref INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.quoted")
    after = FIRST
    while (until := following(connection, "exchanges", after, MARKED_AT_ONCE)) is not None:
        mark_quoted(connection, after, until)
        after = until
        pace()
    since = snowflake(now - UNDER_WAY_MS)
    gone = 0
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    # What a damaged file may have must not come back with its repair, however old it is.
    young = (0 if set_aside_in(path) else snowflake(now - TOMBSTONE_MS),)
    for table, statement, more in (
        ("messages", SWEEP_MESSAGES, young),
        ("texts", SWEEP_TEXTS, ()),
    ):
        after = 0
        while (until := following(connection, table, after, AT_ONCE)) is not None:
            with transaction(connection):
                mark_quoted(connection, since, LAST)
                gone += connection.execute(statement, (after, until, *more)).rowcount
            after = until
            pace()
    forget_unheard(connection)
    connection.execute("DROP TABLE temp.quoted")
    return gone


def mark_quoted(connection: sqlite3.Connection, after: int, until: int) -> None:
    """Note what the exchanges of these ids (the first not included) quote."""
    prompts = connection.execute(
        "SELECT prompt FROM exchanges WHERE id > ? AND id <= ?", (after, until)
    )
    numbers = quoted_by(row[0] for row in prompts)
    connection.executemany(
        "INSERT OR IGNORE INTO temp.quoted VALUES (?)", ((number,) for number in sorted(numbers))
    )


def following(connection: sqlite3.Connection, table: str, after: int, count: int) -> int | None:
    """The last id of the next `count` rows behind `after`; None when there are none."""
    found: int | None = connection.execute(NEXT.format(table), (after, count)).fetchone()[0]
    return found
