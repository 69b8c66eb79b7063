"""How what was said in Discord becomes rows: each message once, whoever quotes it."""

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bot.store.records import time_of
from bot.store.speakers import ANSWERING, Speaker, number_speakers

KEPT, DELETED, WITHHELD = range(3)

INSERT_MESSAGE = """
    INSERT INTO messages
        (id, message_id, speaker, content, state, seen_after, exchange_id, start, length)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_MESSAGE = """
    UPDATE messages SET speaker = ?, content = ?, state = ?, seen_after = ? WHERE id = ?
"""
FIND_MESSAGES = """
    SELECT m.message_id, m.id, s.author_id, coalesce(s.role, 'user'), s.name,
        s.subject_id, m.content, m.state, m.seen_after, m.exchange_id, m.start IS NULL
    FROM messages m LEFT JOIN speakers s ON s.id = m.speaker
    WHERE m.message_id IN (SELECT value FROM json_each(?))
"""

FIND_PARTS = """
    SELECT id, reply_id, parts FROM exchanges WHERE id IN (SELECT value FROM json_each(?))
    ORDER BY id
"""
# It may carry another's by now.
FIND_CARRIER = "SELECT id FROM messages WHERE message_id = ? AND exchange_id = ?"

LARGEST = 2**63 - 1
decode_parts = msgspec.json.Decoder(list[Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]]).decode

Message = tuple[Speaker, str | None, int, int]
"""Speaker, content, state, and when it was seen (ms after it was posted)."""
Carrier = tuple[int, int | None, int | None]
"""The exchange whose output a message carries, and which part of it: start and length."""
Reading = tuple[int, Sequence[Any]]
"""When a message was read (ms), and as what (see `exchange_rows.Said`)."""
Numbered = dict[int, tuple[int, str]]
"""Number and usual role of messages, by Discord's id."""


def keep_messages(
    connection: sqlite3.Connection,
    readings: Iterable[Reading],
    carriers: Mapping[int, Carrier],
    outputs: Mapping[int, str | None],
) -> Numbered:
    """Keep what was read, and these carriers.

    `outputs` are those of exchanges that are about to be added. Numbers follow Discord's ids, so
    that what is quoted together has numbers that lie close together.
    """
    newest = newest_of(readings)
    ids = sorted(newest.keys() | carriers.keys())
    found = connection.execute(FIND_MESSAGES, (json.dumps(ids),))
    known = {row[0]: row[1:] for row in found}
    new = [message_id for message_id in ids if message_id not in known]
    speakers = number_speakers(connection, {newest[one][0] for one in new if one not in carriers})
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM messages").fetchone()[0]
    numbers: Numbered = {}
    rows: list[tuple[Any, ...]] = []
    for number, message_id in enumerate(new, first):
        if message_id in carriers:
            rows.append((number, message_id, ANSWERING, None, KEPT, 0, *carriers[message_id]))
            numbers[message_id] = (number, "assistant")
        else:
            speaker, *message = newest[message_id]
            rows.append((number, message_id, speakers[speaker], *message, None, None, None))
            numbers[message_id] = (number, speaker[1])
    connection.executemany(INSERT_MESSAGE, rows)
    for message_id, (number, _, role, *_) in known.items():
        numbers[message_id] = (number, role)
    for message_id in known.keys() & newest.keys():
        update_message(connection, known[message_id], newest[message_id])
    for message_id in newest.keys() & (known.keys() | carriers.keys()):
        exchange_id = unplaced(message_id, known, carriers)
        if exchange_id is not None:
            number, content = numbers[message_id][0], newest[message_id][1]
            place_reply(connection, number, exchange_id, content, outputs)
    return numbers


def newest_of(readings: Iterable[Reading]) -> dict[int, Message]:
    """Of each message the version that was read last; who objects does so for earlier ones, too."""
    newest: dict[int, Message] = {}
    for seen_at, (role, content, name, message_id, author_id, withheld, subject_id) in readings:
        if message_id is None:
            continue
        seen_after = seen_at - time_of(message_id)
        before = newest.get(message_id)
        if before is not None:
            earlier, earlier_content, state, seen_before = before
            author_id = earlier[0] if author_id is None else author_id
            if seen_before > seen_after and not withheld:
                speaker = (author_id, *earlier[1:])
                newest[message_id] = (speaker, earlier_content, state, seen_before)
                continue
            seen_after = max(seen_before, seen_after)
        if withheld:
            newest[message_id] = ((author_id, role, None, None), None, WITHHELD, seen_after)
        else:
            newest[message_id] = ((author_id, role, name, subject_id), content, KEPT, seen_after)
    return newest


def update_message(connection: sqlite3.Connection, known: Sequence[Any], message: Message) -> None:
    """Put the newer version of a text in the place of the one that is stored.

    Who objects does so for an older reading of the text, too. A deleted text stays deleted, and
    what the bot itself said stays a reference to its output.
    """
    number, author_id, role, name, subject_id, content, state, seen_after, carried, _ = known
    if state == DELETED or carried is not None:
        return
    (author, _, new_name, subject), new_content, new_state, new_seen_after = message
    if new_seen_after < seen_after and new_state != WITHHELD:
        return
    speaker = (
        author_id if author is None else author,
        role,
        new_name,
        subject_id if subject is None else subject,
    )
    before = ((author_id, role, name, subject_id), content, state)
    if before != (speaker, new_content, new_state):
        speakers = number_speakers(connection, [speaker])
        seen_after = max(seen_after, new_seen_after)
        row = (speakers[speaker], new_content, new_state, seen_after, number)
        connection.execute(UPDATE_MESSAGE, row)


def unplaced(
    message_id: int, known: Mapping[int, Sequence[Any]], carriers: Mapping[int, Carrier]
) -> int | None:
    """The exchange whose output the message carries, where it is not known which part of it."""
    if message_id in known:
        content, state, _, exchange_id, nowhere = known[message_id][5:]
        return exchange_id if state == KEPT and content is None and nowhere else None
    exchange_id, start, _ = carriers.get(message_id, (None, None, None))
    return exchange_id if start is None else None


def place_reply(
    connection: sqlite3.Connection,
    number: int,
    exchange_id: int,
    content: str | None,
    outputs: Mapping[int, str | None],
) -> None:
    """Note which part of its exchange's output a message of the bot's carries."""
    if exchange_id in outputs:
        output = outputs[exchange_id]
    else:
        found = connection.execute(
            "SELECT output FROM exchanges WHERE id = ?", (exchange_id,)
        ).fetchone()
        output = found[0] if found else None
    start, length, own = place_in_output(output, content)
    connection.execute(
        "UPDATE messages SET start = ?, length = ?, content = ? WHERE id = ?",
        (start, length, own, number),
    )


def place_in_output(
    output: str | None, content: str | None
) -> tuple[int | None, int | None, str | None]:
    """Start (from 1) and length of `content` in `output`; or `content` itself, as it is not there.

    Nothing at all where nothing is known of the content.
    """
    if content is None:
        return None, None, None
    if output is not None and "\0" in output:
        # SQLite's substr ends there.
        return None, None, content
    start = (output or "").find(content)
    return (start + 1, len(content), None) if start >= 0 else (None, None, content)


def carriers_of(connection: sqlite3.Connection, exchange_ids: Collection[int]) -> dict[int, int]:
    """The messages that carry the outputs of these exchanges: number by Discord's id, in order."""
    given = (json.dumps(list(exchange_ids)),)
    found: dict[int, int] = {}
    for exchange_id, reply_id, parts in connection.execute(FIND_PARTS, given).fetchall():
        for message_id in read_replies(reply_id, parts):
            row = connection.execute(FIND_CARRIER, (message_id, exchange_id)).fetchone()
            if row is not None:
                found[message_id] = row[0]
    return found


def read_replies(reply_id: int | None, parts: str | None) -> list[int]:
    """The messages that carry an output, as its exchange has them: the first one, and the others.

    Those alone that can be read.
    """
    others: list[int] = []
    with contextlib.suppress(msgspec.MsgspecError):
        others = decode_parts(parts or "[]")
    return others if reply_id is None else [reply_id, *others]
