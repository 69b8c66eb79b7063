"""Applying operations to a world's file, in the transaction of the caller.

What was applied may be applied again, as after a crash: nothing is there twice, and no older
text replaces a newer one. The order of the kinds is fixed and right for every order in which
they were made: replies belong to exchanges, votes to replies, and what is forgotten goes last.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.store.exchange_rows import ExchangeRow, keep_exchanges, reply_and_parts
from bot.store.message_rows import carriers_of, place_in_output, read_replies
from bot.store.operations import (
    EXCHANGE,
    KINDS,
    DemonstrationGiven,
    ExchangeForgotten,
    ExchangeReader,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    decode,
)
from bot.store.problems import StoreError, UnstorableError
from bot.store.records import time_of
from bot.store.speakers import ANSWERING, NAMELESS, blank_messages
from bot.store.stretches import ASKED, leave_stretches

Stored = tuple[int, bytes]
"""An operation as it waits in the inbox: the number of its kind, and its values."""

ORDER = (
    ReplyAttached,
    TextEdited,
    VoteCast,
    DemonstrationGiven,
    MessagesForgotten,
    ExchangeForgotten,
)

CLOCKS = 600_000 << 22
"""By so much (in ids) a question's, which Discord made, may be ahead of our own of the time."""

COUNT_CHOSEN = """
    SELECT count(*), coalesce(sum(NOT success), 0), coalesce(sum(fallback_from IS NOT NULL), 0)
    FROM exchanges WHERE id IN (SELECT value FROM json_each(?))
"""
DELETE_DEMONSTRATIONS = (
    "DELETE FROM demonstrations WHERE message_id IN (SELECT value FROM json_each(?))"
)
DELETE_FEEDBACK = (
    DELETE_DEMONSTRATIONS,
    "DELETE FROM votes WHERE message_id IN (SELECT value FROM json_each(?))",
)
DELETE_VOTES = "DELETE FROM votes WHERE exchange_id IN (SELECT value FROM json_each(?))"
DELETE_EXCHANGES = "DELETE FROM exchanges WHERE id IN (SELECT value FROM json_each(?))"
FIND_ASKED = f"SELECT {ASKED} FROM exchanges WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608

PLACE_MESSAGE = f"""
    INSERT INTO messages (message_id, speaker, state, seen_after, exchange_id, start, length)
    VALUES (?1, ?2, 0, 0, ?3, ?4, ?5)
    ON CONFLICT (message_id) DO UPDATE SET
        exchange_id = ?3, speaker = {NAMELESS}, start = ?4, length = ?5, content = ?6
"""  # noqa: S608 - our own text

# By different parts of one answer somebody may have voted twice before it was known whose they are.
KEEP_LAST_VOTES = """
    DELETE FROM votes WHERE exchange_id = ?1 AND EXISTS (
        SELECT 1 FROM votes later WHERE later.exchange_id = ?1 AND later.user_id = votes.user_id
            AND (later.timestamp, later.message_id) > (votes.timestamp, votes.message_id)
    )
"""


def apply(connection: sqlite3.Connection, stored: Iterable[Stored]) -> None:
    """Apply all of these. Raises one of FAILURES; the caller rolls back."""
    exchanges: list[ExchangeRow] = []
    reader = ExchangeReader()
    others: dict[type[Operation], list[Any]] = {kind: [] for kind in ORDER}
    for kind, body in stored:
        if kind == EXCHANGE:
            exchanges.append(read_back_row(reader, body))
        else:
            operation = read_back(kind, body)
            others[type(operation)].append(operation)
    if exchanges:
        carried = {
            message_id: reply.exchange_id
            for reply in others[ReplyAttached]
            for message_id in reply.message_ids
        }
        keep_exchanges(connection, exchanges, reader.said, carried)
    for operation_type in ORDER:
        for operation in others[operation_type]:
            APPLY[operation_type](connection, operation)


def read_back(kind: int, body: bytes) -> Operation:
    """The operation. Raises DataError for what is none, StoreError for a newer version's."""
    if kind >= len(KINDS):
        raise StoreError(
            "The inbox holds what a newer version of Understudy put there. Update Understudy."
        )
    try:
        return decode(kind, body)
    except (ValueError, TypeError):
        raise sqlite3.DataError("What is in the inbox cannot be read.") from None


def read_back_row(reader: ExchangeReader, body: bytes) -> ExchangeRow:
    """The exchange's values. Raises DataError for what is none."""
    try:
        return reader.read(body)
    except (ValueError, UnstorableError):
        raise sqlite3.DataError("What is in the inbox cannot be read.") from None


def attach_reply(connection: sqlite3.Connection, reply: ReplyAttached) -> None:
    """The messages carry the exchange's output, and nothing they carried before."""
    found = connection.execute(
        "SELECT output, reply_id, parts FROM exchanges WHERE id = ?", (reply.exchange_id,)
    ).fetchone()
    if found is None or not reply.message_ids:
        return
    output, *before = found
    # Those that it was known to have already are still to be found when it is forgotten.
    earlier = read_replies(*before)
    known = reply_and_parts(list(dict.fromkeys([*reply.message_ids, *earlier])))
    if known != tuple(before):
        connection.execute(
            "UPDATE exchanges SET reply_id = ?, parts = ? WHERE id = ?",
            (*known, reply.exchange_id),
        )
    for message_id in reply.message_ids:
        place_message(connection, message_id, reply, output)
        connection.execute(
            "UPDATE votes SET exchange_id = ?1 WHERE message_id = ?2 AND exchange_id IS NOT ?1",
            (reply.exchange_id, message_id),
        )
    connection.execute(KEEP_LAST_VOTES, (reply.exchange_id,))
    if any_deleted(connection, reply.message_ids):
        forget_output(connection, reply.exchange_id)


def place_message(
    connection: sqlite3.Connection, message_id: int, reply: ReplyAttached, output: str | None
) -> None:
    """Note that this message carries the output, and which part of it, as far as that is known."""
    quoted = connection.execute(
        "SELECT content, exchange_id FROM messages WHERE message_id = ?", (message_id,)
    ).fetchone()
    if quoted is not None and quoted[1] == reply.exchange_id:
        # It is known already, and so may be where it stands in the output.
        return
    shown = quoted[0] if quoted else None
    if shown is None and len(reply.message_ids) == 1:
        shown = output
    start, length, content = place_in_output(output, shown)
    connection.execute(
        PLACE_MESSAGE, (message_id, ANSWERING, reply.exchange_id, start, length, content)
    )


def edit_text(connection: sqlite3.Connection, edit: TextEdited) -> None:
    """A member's text, where it is stored and was read before, is this one."""
    connection.execute(
        "UPDATE messages SET content = ?1, seen_after = ?2"
        " WHERE message_id = ?3 AND state = 0 AND exchange_id IS NULL AND seen_after <= ?2"
        " AND content IS NOT NULL",
        (edit.content, edit.timestamp - time_of(edit.message_id), edit.message_id),
    )


def forget_messages(connection: sqlite3.Connection, gone: MessagesForgotten) -> None:
    """The texts go, and the outputs that these messages carry, or carried before."""
    found = connection.execute(
        "SELECT id, exchange_id, message_id FROM messages"
        " WHERE message_id IN (SELECT value FROM json_each(?))",
        (json.dumps(gone.message_ids),),
    ).fetchall()
    for _, exchange_id, message_id in found:
        if exchange_id is not None:
            for earlier in [*replaced_in(connection, message_id, exchange_id), exchange_id]:
                forget_output(connection, earlier)
    blank_messages(connection, [row[0] for row in found])


def replaced_in(connection: sqlite3.Connection, message_id: int, exchange_id: int) -> list[int]:
    """The exchanges whose outputs a message carried before this one's, to the same question."""
    asked = connection.execute(
        "SELECT message_id FROM exchanges WHERE id = ?", (exchange_id,)
    ).fetchone()
    if asked is None or asked[0] is None:
        return []
    earlier = connection.execute(
        "SELECT id, reply_id, parts FROM exchanges"
        " WHERE id > ? AND id < ? AND message_id = ? AND reply_id IS NOT NULL",
        (asked[0] - CLOCKS, exchange_id, asked[0]),
    )
    return [row[0] for row in earlier if message_id in read_replies(*row[1:])]


def forget_output(connection: sqlite3.Connection, exchange_id: int) -> None:
    """The exchange stays, without what was answered, whichever message it is quoted by.

    What was suggested in its place goes, too: that is mostly the answer, with other words here and
    there, and no message of Discord's that anybody could delete.
    """
    connection.execute(
        "UPDATE exchanges SET output = NULL, reasoning = NULL WHERE id = ?", (exchange_id,)
    )
    carriers = carriers_of(connection, [exchange_id])
    connection.execute(DELETE_DEMONSTRATIONS, (json.dumps(list(carriers)),))
    # A place in an output that is not there: no later quote puts the text back.
    connection.execute(
        "UPDATE messages SET content = NULL, start = 0, length = 0"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(carriers.values())),),
    )


def cast_vote(connection: sqlite3.Connection, vote: VoteCast) -> None:
    """One vote a person and answer, the last one; it may come before the answer's record."""
    exchange_id = carried_by(connection, vote.message_id)
    if exchange_id is not None and not is_kept(connection, exchange_id):
        return
    newer = connection.execute(
        "SELECT 1 FROM votes WHERE user_id = ?1 AND (message_id = ?2 OR exchange_id = ?3)"
        " AND timestamp > ?4",
        (vote.user_id, vote.message_id, exchange_id, vote.timestamp),
    ).fetchone()
    if newer is not None:
        return
    connection.execute(
        "DELETE FROM votes WHERE user_id = ?1 AND (message_id = ?2 OR exchange_id = ?3)"
        " AND (?4 IS NULL OR value = ?4)",
        (vote.user_id, vote.message_id, exchange_id, None if vote.value else vote.withdrawn),
    )
    if vote.value:
        connection.execute(
            "INSERT INTO votes (message_id, user_id, value, timestamp, exchange_id)"
            " VALUES (?, ?, ?, ?, ?)",
            (vote.message_id, vote.user_id, vote.value, vote.timestamp, exchange_id),
        )


def keep_demonstration(connection: sqlite3.Connection, given: DemonstrationGiven) -> None:
    """One a person and message, the last one; none for an answer that was deleted."""
    exchange_id = carried_by(connection, given.message_id)
    if exchange_id is not None and not is_kept(connection, exchange_id):
        return
    parts = [] if exchange_id is None else carriers_of(connection, [exchange_id])
    if any_deleted(connection, [given.message_id, *parts]):
        return
    connection.execute(
        "INSERT INTO demonstrations (message_id, user_id, content, timestamp) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (message_id, user_id) DO UPDATE SET"
        " content = excluded.content, timestamp = excluded.timestamp",
        (given.message_id, given.user_id, given.content, given.timestamp),
    )


def forget_exchange(connection: sqlite3.Connection, forgotten: ExchangeForgotten) -> None:
    """The exchange goes, with the votes on it and what was suggested in its place."""
    if forgotten.exchange_id is not None and delete_exchanges(connection, [forgotten.exchange_id]):
        return
    if forgotten.message_id is not None:
        exchange_id = carried_by(connection, forgotten.message_id)
        if exchange_id is not None:
            delete_exchanges(connection, [exchange_id])


def delete_exchanges(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Delete whole exchanges and what hangs on them. Returns how many there were."""
    given = (json.dumps(ids),)
    gone = connection.execute(COUNT_CHOSEN, given).fetchone()
    carriers = carriers_of(connection, ids)
    asked = connection.execute(FIND_ASKED, given).fetchall()
    for statement in DELETE_FEEDBACK:
        connection.execute(statement, (json.dumps(list(carriers)),))
    # They say who had asked, also where it is not known which messages carry the answer.
    connection.execute(DELETE_VOTES, given)
    # An answer may be quoted in a later prompt: there it stands as deleted from here on.
    blank_messages(connection, list(carriers.values()))
    connection.execute(DELETE_EXCHANGES, given)
    leave_stretches(connection, asked)
    connection.execute(
        "UPDATE counters SET exchanges = exchanges - ?, failures = failures - ?,"
        " fallbacks = fallbacks - ?",
        gone,
    )
    return int(gone[0])


def carried_by(connection: sqlite3.Connection, message_id: int) -> int | None:
    """The exchange whose output this message carries, if it is known."""
    found = connection.execute(
        "SELECT exchange_id FROM messages WHERE message_id = ?", (message_id,)
    ).fetchone()
    return None if found is None else found[0]


def is_kept(connection: sqlite3.Connection, exchange_id: int) -> bool:
    """Whether the exchange is there: one that was forgotten takes nothing more."""
    found = connection.execute("SELECT 1 FROM exchanges WHERE id = ?", (exchange_id,)).fetchone()
    return found is not None


def any_deleted(connection: sqlite3.Connection, message_ids: Sequence[int]) -> bool:
    """Whether one of these messages is known to be gone."""
    found = connection.execute(
        "SELECT 1 FROM messages WHERE state = 1 AND message_id IN (SELECT value FROM json_each(?))",
        (json.dumps(message_ids),),
    ).fetchone()
    return found is not None


APPLY: dict[type[Operation], Callable[[sqlite3.Connection, Any], None]] = {
    ReplyAttached: attach_reply,
    TextEdited: edit_text,
    VoteCast: cast_vote,
    DemonstrationGiven: keep_demonstration,
    MessagesForgotten: forget_messages,
    ExchangeForgotten: forget_exchange,
}
