"""What is deleted or edited while its only copy is in a damaged file that was set aside.

The present file has nothing of it that could be marked, and a repair would bring it back. So a row
is left: a deleted message of that id, or one that was edited, without words. An exchange leaves
one by its own id, which is a snowflake, too, and no message's.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bot.store.applying import Stored, apply, delete_exchanges, read_back
from bot.store.forgetting import batches, forget_person, ids, snowflake
from bot.store.message_rows import DELETED, KEPT
from bot.store.operations import (
    FORGETTING,
    KINDS,
    ExchangeForgotten,
    MessagesForgotten,
    TextEdited,
    encode,
)
from bot.store.records import time_of
from bot.store.speakers import NOBODY, blank_messages
from bot.store.transactions import transaction

CHANGING = FORGETTING | {KINDS.index(TextEdited)}
CLOCKS_MS = 3_600_000
"""By so much Discord's clock and this machine's may differ."""

BURY = f"""
    INSERT OR IGNORE INTO messages (message_id, speaker, state, seen_after)
    VALUES (?, {NOBODY}, ?, ?)
"""  # noqa: S608 - our own number
FIND_QUOTED = """
    SELECT id FROM messages
    WHERE message_id IN (SELECT value FROM json_each(?)) AND state = 0 AND exchange_id IS NULL
"""
FIND_BURIED = "SELECT message_id FROM messages WHERE state = 1"
FIND_EXCHANGES = "SELECT id FROM exchanges WHERE id IN (SELECT value FROM json_each(?))"
PEOPLE = """
    SELECT user_id FROM exchanges UNION SELECT author_id FROM speakers
    UNION SELECT subject_id FROM speakers UNION SELECT user_id FROM votes
    UNION SELECT user_id FROM demonstrations UNION SELECT user_id FROM consents
"""


def bury(connection: sqlite3.Connection, stored: Iterable[Stored], aside: Sequence[Path]) -> None:
    """Leave a row for what these operations take back and one of the damaged files may have.

    In the transaction of the caller. Raises one of FAILURES.
    """
    newest = 0
    for path in aside:
        # One that is repaired meanwhile, or deleted, needs nothing any more.
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, path.stat().st_mtime_ns // 1_000_000)
    # What was posted after a file was set aside is not in it.
    before = snowflake(newest + CLOCKS_MS)
    rows = [row for row in tombstones(stored) if 0 < row[0] < before]
    connection.executemany(BURY, rows)
    # Such as an answer that is quoted here, while it is not known here whose it is.
    deleted = json.dumps([message_id for message_id, state, _ in rows if state == DELETED])
    blank_messages(connection, ids(connection, FIND_QUOTED, (deleted,)))


def tombstones(stored: Iterable[Stored]) -> Iterator[tuple[int, int, int]]:
    """Id, state and time of reading (ms after it was posted) of what is not to come back."""
    for kind, body in stored:
        if kind not in CHANGING:
            continue
        match read_back(kind, body):
            case MessagesForgotten(message_ids):
                yield from ((message_id, DELETED, 0) for message_id in message_ids)
            case ExchangeForgotten(message_id, exchange_id):
                yield from ((number, DELETED, 0) for number in (message_id, exchange_id) if number)
            case TextEdited(message_id, _, timestamp):
                # No reading of the text from before that replaces this one.
                yield message_id, KEPT, timestamp - time_of(message_id)


def leave_out_deleted(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Take out of what was salvaged what the world's file knows to be deleted."""
    for some in batches(ids(target, FIND_BURIED, ())):
        with transaction(source):
            delete_exchanges(source, ids(source, FIND_EXCHANGES, (json.dumps(some),)))
            apply(source, [encode(MessagesForgotten(tuple(some)))])


def leave_out_forgotten(source: sqlite3.Connection, forgotten: Mapping[int, int]) -> None:
    """Take out of what was salvaged the people who are forgotten, each up to a time (ms)."""
    for user_id in set(ids(source, PEOPLE, ())) & forgotten.keys():
        forget_person(source, user_id, forgotten[user_id])
