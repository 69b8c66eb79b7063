"""How exchanges become rows: every text once, each prompt a list of references to them.

A batch at a time, so that what a channel's exchanges share is looked up once a batch.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec

ExchangeRow = list[Any]
"""An exchange's values in the order of COLUMNS, then its messages, each a list of values:
role, content, name, message_id, author_id, withheld, subject_id (see `operations.encode`)."""

COLUMNS = (
    *("id", "timestamp", "room_id", "user_id", "message_id", "model_type", "provider", "model"),
    *("output", "reasoning", "finish_reason", "success", "error", "fallback_from"),
    *("fallback_reason", "latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens"),
)
ID, TIMESTAMP = COLUMNS.index("id"), COLUMNS.index("timestamp")
USER_ID, OUTPUT = COLUMNS.index("user_id"), COLUMNS.index("output")
SUCCESS, FALLBACK_FROM = COLUMNS.index("success"), COLUMNS.index("fallback_from")
KEPT, DELETED, WITHHELD = range(3)

INSERT_EXCHANGE = (
    f"INSERT INTO exchanges ({', '.join(COLUMNS)}, prompt, reply_id)"  # noqa: S608 - our own names
    f" VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
)
# Who objects does so for an older reading of the text, too.
# A deleted text stays deleted, and what the bot itself said stays a reference to its output.
INSERT_MESSAGE = """
    INSERT INTO messages (message_id, author_id, role, name, content, state, seen_at, subject_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (message_id) DO UPDATE SET
        author_id = coalesce(excluded.author_id, author_id),
        name = excluded.name,
        content = excluded.content,
        state = excluded.state,
        seen_at = max(excluded.seen_at, seen_at),
        subject_id = coalesce(excluded.subject_id, subject_id)
    WHERE state <> 1 AND exchange_id IS NULL AND (excluded.seen_at >= seen_at OR excluded.state = 2)
        AND (name IS NOT excluded.name OR content IS NOT excluded.content
             OR state <> excluded.state)
"""
INSERT_REPLY = """
    INSERT INTO messages (message_id, role, exchange_id, start, length, subject_id)
    VALUES (?, 'assistant', ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
FIND_MESSAGES = """
    SELECT message_id, id, role, exchange_id, state = 0 AND content IS NULL AND start IS NULL
    FROM messages WHERE message_id IN (SELECT value FROM json_each(?))
"""
COUNT = """
    UPDATE counters SET
        exchanges = exchanges + ?, failures = failures + ?, fallbacks = fallbacks + ?,
        last_timestamp = max(coalesce(last_timestamp, 0), ?)
"""

Reference = int | list[Any]


def keep_exchanges(
    connection: sqlite3.Connection,
    rows: Sequence[ExchangeRow],
    carried: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Add those whose id is not there. Raises one of FAILURES.

    `carried` has, in order, the messages that are about to be attached, and which exchange's
    output they carry. What is known at once takes no room that would have to be freed again: a
    reply is not stored beside the output, and a row does not grow out of its page.
    """
    found = connection.execute(
        "SELECT id FROM exchanges WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([row[ID] for row in rows]),),
    ).fetchall()
    known = {row[0] for row in found}
    # Of two by one id the first is kept, in one batch as in two.
    firsts: dict[int, ExchangeRow] = {}
    for row in rows:
        if row[ID] not in known:
            firsts.setdefault(row[ID], row)
    new = firsts.values()
    if not new:
        return
    replies = keep_replies(connection, firsts, carried)
    messages = keep_messages(connection, new, {row[ID]: row[OUTPUT] for row in new})
    texts = keep_texts(connection, new)
    connection.executemany(
        INSERT_EXCHANGE,
        ((*row[:-1], prompt(row[-1], messages, texts), replies.get(row[ID])) for row in new),
    )
    failures = sum(not row[SUCCESS] for row in new)
    fallbacks = sum(row[FALLBACK_FROM] is not None for row in new)
    newest = max(row[TIMESTAMP] for row in new)
    connection.execute(COUNT, (len(new), failures, fallbacks, newest))


def keep_replies(
    connection: sqlite3.Connection, new: Mapping[int, ExchangeRow], carried: Mapping[int, int]
) -> dict[int, int]:
    """Note the messages that carry the outputs of these exchanges. Returns the first of each.

    What somebody does not agree to have quoted is left to who attaches it.
    """
    parts = Counter(carried.values())
    objected = {message[3] for row in new.values() for message in row[-1] if message[5]}
    firsts: dict[int, int] = {}
    for message_id, exchange_id in carried.items():
        if exchange_id in new:
            firsts.setdefault(exchange_id, message_id)
            if message_id not in objected:
                row = new[exchange_id]
                whole = row[OUTPUT] if parts[exchange_id] == 1 else None
                start, length, _ = place_in_output(row[OUTPUT], whole)
                reply = (message_id, exchange_id, start, length, row[USER_ID])
                connection.execute(INSERT_REPLY, reply)
    return firsts


def keep_messages(
    connection: sqlite3.Connection, rows: Collection[ExchangeRow], outputs: Mapping[int, str | None]
) -> dict[int, tuple[int, str]]:
    """Keep what was said in Discord. Returns number and role of each, by message id.

    `outputs` are those of the exchanges that are about to be added.
    """
    newest: dict[int, tuple[Any, ...]] = {}
    for row in rows:
        for role, content, name, message_id, author_id, withheld, subject_id in row[-1]:
            seen_at = row[TIMESTAMP]
            if message_id is None:
                continue
            before = newest.get(message_id)
            if before is not None:
                author_id = before[1] if author_id is None else author_id
                newest[message_id] = (message_id, author_id, *before[2:])
                if before[6] > seen_at and not withheld:
                    continue
                seen_at = max(before[6], seen_at)
            if withheld:
                kept = (message_id, author_id, role, None, None, WITHHELD, seen_at, None)
            else:
                kept = (message_id, author_id, role, name, content, KEPT, seen_at, subject_id)
            newest[message_id] = kept
    connection.executemany(INSERT_MESSAGE, newest.values())
    numbers = {}
    for message_id, number, role, exchange_id, unplaced in connection.execute(
        FIND_MESSAGES, (json.dumps(list(newest)),)
    ).fetchall():
        numbers[message_id] = (number, role)
        if unplaced and exchange_id is not None:
            place_reply(connection, number, exchange_id, newest[message_id][4], outputs)
    return numbers


def keep_texts(
    connection: sqlite3.Connection, rows: Collection[ExchangeRow]
) -> dict[tuple[str, str], int]:
    """Keep what no member said, once. Returns the number of each, by role and text."""
    texts = {
        (role, content if name is None else f"{name}: {content}")
        for row in rows
        for role, content, name, message_id, *_ in row[-1]
        if message_id is None
    }
    numbers = {}
    for role, content in texts:
        digest = blake2b(f"{role}:{content}".encode(), digest_size=16).digest()
        connection.execute(
            "INSERT INTO texts (hash, role, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (digest, role, content),
        )
        found = connection.execute("SELECT id FROM texts WHERE hash = ?", (digest,)).fetchone()
        numbers[role, content] = found[0]
    return numbers


def prompt(
    messages: Sequence[Sequence[Any]],
    numbers: dict[int, tuple[int, str]],
    texts: dict[tuple[str, str], int],
) -> str:
    """The references of one prompt, as they are stored."""
    references: list[Reference] = []
    for role, content, name, message_id, *_ in messages:
        if message_id is None:
            references.append(-texts[role, content if name is None else f"{name}: {content}"])
            continue
        number, usual = numbers[message_id]
        references.append(number if role == usual else [number, role])
    return msgspec.json.encode(references).decode()


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
