"""How exchanges become rows: every text once, each prompt a list of references to them.

A batch at a time, so that what a channel's exchanges share is looked up once a batch.
"""

import json
import sqlite3
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from bot.store.message_rows import Carrier, Numbered, Reading, keep_messages, place_in_output
from bot.store.prompts import Reference, write_prompt
from bot.store.records import time_of
from bot.store.stretches import join_stretches

ExchangeRow = tuple[Any, ...]
"""An exchange's values in the order of COLUMNS, then its messages: their places in what the
exchanges of a batch have been shown, a list of `Said`."""
Said = tuple[Any, ...]
"""A message as an exchange quotes it: role, content, name, message_id, author_id, withheld,
subject_id (see `operations.encode`)."""

COLUMNS = (
    *("id", "timestamp", "room_id", "user_id", "message_id", "model_type", "provider", "model"),
    *("output", "reasoning", "finish_reason", "success", "error", "fallback_from"),
    *("fallback_reason", "latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens"),
)
ID, TIMESTAMP = COLUMNS.index("id"), COLUMNS.index("timestamp")
MODEL_TYPE, FINISH_REASON = COLUMNS.index("model_type"), COLUMNS.index("finish_reason")
OUTPUT = COLUMNS.index("output")
SUCCESS, FALLBACK_FROM = COLUMNS.index("success"), COLUMNS.index("fallback_from")

LARGEST = 2**63 - 1

STORED = (
    *("id", "asked_after", "room_id", "user_id", "message_id", "source", "output", "reasoning"),
    *("success", "error", "fallback_from", "fallback_reason", "latency_ms", "first_token_ms"),
    *("prompt_tokens", "completion_tokens", "prompt", "reply_id", "parts"),
)
WHO_ASKED = itemgetter(*map(STORED.index, ("id", "room_id", "user_id", "source")))
INSERT_EXCHANGE = (
    f"INSERT INTO exchanges ({', '.join(STORED)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join('?' * len(STORED))})"
)
FIND_SOURCE = """
    SELECT id FROM sources
    WHERE model_type = ? AND provider IS ? AND model IS ? AND finish_reason IS ?
"""
INSERT_SOURCE = """
    INSERT INTO sources (model_type, provider, model, finish_reason) VALUES (?, ?, ?, ?)
"""
COUNT = """
    UPDATE counters SET
        exchanges = exchanges + ?, failures = failures + ?, fallbacks = fallbacks + ?,
        last_timestamp = max(coalesce(last_timestamp, 0), ?)
"""

Source = tuple[str, str | None, str | None, str | None]
"""Purpose, provider, model, and why it stopped."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Which messages carry the outputs of exchanges: by exchange, and what is known of each."""

    by_exchange: Mapping[int, Sequence[int]]
    carriers: Mapping[int, Carrier]


def keep_exchanges(
    connection: sqlite3.Connection,
    rows: Sequence[ExchangeRow],
    said: Sequence[Said],
    carried: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Add those whose id is not there. Raises one of FAILURES.

    `said` is what the rows' messages are places in. `carried` has, in order, the messages that
    are about to be attached, and which exchange's output they carry. What is known at once takes
    no room that would have to be freed again: a reply is not stored beside the output, and a row
    does not grow out of its page.
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
    outputs = {row[ID]: row[OUTPUT] for row in new}
    readings = last_readings(new, said)
    places = set(chain.from_iterable(row[-1] for row in new))
    objected = {said[place][3] for place in places if said[place][5]}
    replies = replies_to(firsts, carried, objected)
    messages = keep_messages(connection, readings, replies.carriers, outputs)
    texts = keep_texts(connection, (said[place] for place in places))
    references = {place: refer_to(said[place], messages, texts) for place in places}
    refer = references.__getitem__
    sources = number_sources(connection, new)
    stored = [
        (
            *stored_values(row, sources),
            write_prompt(list(map(refer, row[-1]))),
            *reply_and_parts(replies.by_exchange.get(row[ID], ())),
        )
        for row in new
    ]
    connection.executemany(INSERT_EXCHANGE, stored)
    join_stretches(connection, map(WHO_ASKED, stored))
    failures = sum(not row[SUCCESS] for row in new)
    fallbacks = sum(row[FALLBACK_FROM] is not None for row in new)
    newest = max(row[TIMESTAMP] for row in new)
    connection.execute(COUNT, (len(new), failures, fallbacks, newest))


def stored_values(row: ExchangeRow, sources: Mapping[Source, int]) -> tuple[Any, ...]:
    """An exchange's values in the order of STORED, up to its prompt."""
    # Flat: this is on every exchange's way, and tuples within would be built one by one.
    # fmt: off
    (
        exchange_id, timestamp, room_id, user_id, message_id, model_type, provider, model,
        output, reasoning, finish_reason, success, error, fallback_from, fallback_reason,
        latency_ms, first_token_ms, prompt_tokens, completion_tokens, _,
    ) = row
    return (
        exchange_id, timestamp - time_of(exchange_id), room_id, user_id, message_id,
        sources[model_type, provider, model, finish_reason], output, reasoning,
        success, error, fallback_from, fallback_reason,
        whole(latency_ms), whole(first_token_ms), prompt_tokens, completion_tokens,
    )
    # fmt: on


def whole(milliseconds: float | None) -> int | None:
    """Rounded, as far as a file has room for it."""
    return None if milliseconds is None else int(min(round(milliseconds), LARGEST))


def last_readings(rows: Collection[ExchangeRow], said: Sequence[Said]) -> list[Reading]:
    """What these say, each with when it was read: only the last time, where that tells it all."""
    in_time = sorted(rows, key=itemgetter(TIMESTAMP))
    times = chain.from_iterable(repeat(row[TIMESTAMP], len(row[-1])) for row in in_time)
    last = dict(zip(chain.from_iterable(row[-1] for row in in_time), times, strict=True))
    messages = [said[place][3] for place in last]
    if len(set(messages)) < len(messages) - max(messages.count(None) - 1, 0):
        # Of some message there are several versions.
        return all_readings(rows, said)
    return [(read_at, said[place]) for place, read_at in last.items()]


def all_readings(rows: Iterable[ExchangeRow], said: Sequence[Said]) -> list[Reading]:
    """What these say, each time that it was read, in order."""
    return [(row[TIMESTAMP], said[place]) for row in rows for place in row[-1]]


def replies_to(
    new: Mapping[int, ExchangeRow], carried: Mapping[int, int], objected: Container[int]
) -> Replies:
    """The messages that carry the outputs of these exchanges.

    What somebody does not agree to have quoted is left to who attaches it.
    """
    by_exchange: dict[int, list[int]] = {}
    for message_id, exchange_id in carried.items():
        if exchange_id in new:
            by_exchange.setdefault(exchange_id, []).append(message_id)
    carriers: dict[int, Carrier] = {}
    for exchange_id, message_ids in by_exchange.items():
        output = new[exchange_id][OUTPUT]
        known = output if len(message_ids) == 1 else None
        start, length, _ = place_in_output(output, known)
        for message_id in message_ids:
            if message_id not in objected:
                carriers[message_id] = (exchange_id, start, length)
    return Replies(by_exchange, carriers)


def reply_and_parts(message_ids: Sequence[int]) -> tuple[int | None, str | None]:
    """As an exchange's row has the messages that carry its output."""
    if not message_ids:
        return None, None
    return message_ids[0], json.dumps(message_ids[1:]) if len(message_ids) > 1 else None


def number_sources(
    connection: sqlite3.Connection, rows: Collection[ExchangeRow]
) -> dict[Source, int]:
    """The number of each source of these exchanges; one that has none is given one."""
    numbers: dict[Source, int] = {}
    for source in {(*row[MODEL_TYPE : MODEL_TYPE + 3], row[FINISH_REASON]) for row in rows}:
        found = connection.execute(FIND_SOURCE, source).fetchone()
        if found is None:
            numbers[source] = int(connection.execute(INSERT_SOURCE, source).lastrowid or 0)
        else:
            numbers[source] = found[0]
    return numbers


def keep_texts(connection: sqlite3.Connection, said: Iterable[Said]) -> dict[tuple[str, str], int]:
    """Keep what no member said, once. Returns the number of each, by role and text."""
    numbers = {}
    for role, content in {own_text(message) for message in said if message[3] is None}:
        digest = blake2b(f"{role}:{content}".encode(), digest_size=16).digest()
        connection.execute(
            "INSERT INTO texts (hash, role, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (digest, role, content),
        )
        found = connection.execute("SELECT id FROM texts WHERE hash = ?", (digest,)).fetchone()
        numbers[role, content] = found[0]
    return numbers


def own_text(message: Said) -> tuple[str, str]:
    """Role and text of what no member said."""
    role, content, name, *_ = message
    return role, content if name is None else f"{name}: {content}"


def refer_to(message: Said, numbers: Numbered, texts: Mapping[tuple[str, str], int]) -> Reference:
    """How prompts refer to this."""
    role, message_id = message[0], message[3]
    if message_id is None:
        return -texts[own_text(message)]
    number, usual = numbers[message_id]
    return number if role == usual else (number, role)
