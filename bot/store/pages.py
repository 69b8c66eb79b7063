"""Reading exchanges a page at a time, newest first, for people who look through them."""

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.store.choosing import ASKED_AT, Choice, Feedback
from bot.store.stretches import mask_of, spans_with

# The page is chosen before anything is looked up for it.
SELECT = """
    WITH page AS MATERIALIZED (
        {chosen} LIMIT ?
    )
    SELECT
        e.id, {asked_at}, e.room_id, e.user_id, e.message_id, e.reply_id, c.model_type,
        c.provider, c.model, s.name,
        CASE WHEN q.state = 1 THEN '[deleted]' WHEN q.state = 2 THEN '[not recorded]'
            ELSE q.content END,
        e.output, c.finish_reason, e.success, e.error, e.fallback_from, e.fallback_reason,
        e.latency_ms,
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value > 0),
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value < 0)
    FROM page JOIN exchanges e ON e.id = page.id
    LEFT JOIN sources c ON c.id = e.source
    LEFT JOIN messages q ON q.message_id = e.message_id
    LEFT JOIN speakers s ON s.id = q.speaker
    ORDER BY e.id DESC
"""
BY_ID = "SELECT e.id FROM exchanges e WHERE {condition} ORDER BY e.id DESC"
BY_IDS = "SELECT value AS id FROM json_each(?)"
# Few are voted on: from vote to vote, instead of past all the others. A vote does not say who had
# asked where the exchange came back after it, as with a repair.
BY_VOTE = """
    SELECT DISTINCT v.exchange_id AS id FROM votes v CROSS JOIN exchanges e ON e.id = v.exchange_id
    WHERE v.exchange_id <= ? AND {vote} AND (v.asked & ? = ?) IS NOT 0
        AND (?4 IS NULL OR v.asked IS NULL
            OR v.asked & 1023 IN (SELECT id & 1023 FROM sources WHERE model_type = ?4))
        AND {condition} ORDER BY v.exchange_id DESC
"""
BY_SPAN = """
    SELECT e.id FROM exchanges e WHERE e.id BETWEEN ? AND ? AND {condition}
    ORDER BY e.id DESC LIMIT ?
"""
VOTES = {"up": "v.value > 0", "down": "v.value < 0", "any": "1"}
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ExchangeSummary:
    """An exchange as a list shows it.

    `question` is the message that was answered and `name` who wrote it, both None where it is not
    stored; `output` is None for a failure, and where it was deleted.
    """

    id: int
    timestamp: int
    room_id: int | None
    user_id: int | None
    message_id: int | None
    reply_id: int | None
    model_type: str
    provider: str | None
    model: str | None
    name: str | None
    question: str | None
    output: str | None
    finish_reason: str | None
    success: bool
    error: str | None
    fallback_from: str | None
    fallback_reason: str | None
    latency_ms: int
    thumbs_up: int
    thumbs_down: int


NAMES = [field.name for field in fields(ExchangeSummary)]


def read_page(
    connection: sqlite3.Connection,
    before: int | None,
    limit: int,
    *,
    room_id: int | None = None,
    user_id: int | None = None,
    purpose: str | None = None,
    feedback: Feedback | None = None,
) -> list[ExchangeSummary]:
    """Up to `limit` exchanges with ids below `before` (None: the newest), newest first.

    Raises one of FAILURES.
    """
    choice = Choice(
        before=before, room_id=room_id, user_id=user_id, purpose=purpose, feedback=feedback
    )
    if feedback in VOTES:
        chosen, values = by_vote(choice, VOTES[feedback])
    elif choice.room_id is None and choice.user_id is None and choice.purpose is None:
        condition, values = choice.where()
        chosen = BY_ID.format(condition=condition)
    else:
        chosen, values = BY_IDS, [json.dumps(find_by_span(connection, choice, limit))]
    found = connection.execute(select(chosen), (*values, limit))
    return [summary(row) for row in found]


def by_vote(choice: Choice, vote: str) -> tuple[str, list[Any]]:
    """The query for chosen exchanges with a vote, and its values."""
    condition, values = replace(choice, feedback=None).where()
    mask, asked = mask_of(choice.room_id, choice.user_id)
    return BY_VOTE.format(vote=vote, condition=condition), [
        last_of(choice),
        mask,
        asked,
        choice.purpose,
        *values,
    ]


def last_of(choice: Choice) -> int:
    """The last id that may be chosen."""
    return LARGEST if choice.before is None else max(choice.before - 1, -LARGEST)


def find_by_span(connection: sqlite3.Connection, choice: Choice, limit: int) -> list[int]:
    """The ids of up to `limit` exchanges of a room, a person or a purpose, newest first."""
    condition, values = choice.where()
    query = BY_SPAN.format(condition=condition)
    spans = spans_with(connection, last_of(choice), choice.room_id, choice.user_id, choice.purpose)
    found: list[int] = []
    with contextlib.closing(spans):
        for first, last in spans:
            given = (first, last, *values, limit - len(found))
            found += [row[0] for row in connection.execute(query, given)]
            if len(found) >= limit:
                break
    return found


def read_exchange(connection: sqlite3.Connection, exchange_id: int) -> ExchangeSummary | None:
    """The exchange of this id, if it is there. Raises one of FAILURES."""
    chosen = BY_ID.format(condition="e.id = ?")
    found = connection.execute(select(chosen), (exchange_id, 1)).fetchone()
    return None if found is None else summary(found)


def select(chosen: str) -> str:
    """The query for exchanges that this one chooses."""
    return SELECT.format(chosen=chosen, asked_at=ASKED_AT)


def summary(row: Sequence[Any]) -> ExchangeSummary:
    """One of SELECT's rows."""
    values = dict(zip(NAMES, row, strict=True))
    return ExchangeSummary(**(values | {"success": bool(values["success"])}))
