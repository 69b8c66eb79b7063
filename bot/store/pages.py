"""Reading exchanges a page at a time, newest first, for people who look through them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.store.choosing import Choice, Feedback

# The page is chosen before anything is looked up for it.
SELECT = """
    WITH page AS MATERIALIZED (
        {chosen} LIMIT ?
    )
    SELECT
        e.id, e.timestamp, e.room_id, e.user_id, e.message_id, e.reply_id, e.model_type,
        e.provider, e.model, q.name,
        CASE WHEN q.state = 1 THEN '[deleted]' WHEN q.state = 2 THEN '[not recorded]'
            ELSE q.content END,
        e.output, e.finish_reason, e.success, e.error, e.fallback_from, e.fallback_reason,
        e.latency_ms,
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value > 0),
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value < 0)
    FROM page JOIN exchanges e ON e.id = page.id
    LEFT JOIN messages q ON q.message_id = e.message_id
    ORDER BY e.id DESC
"""
BY_ID = "SELECT e.id FROM exchanges e WHERE {condition} ORDER BY e.id DESC"
# Few are voted on: from vote to vote, instead of past all the others.
BY_VOTE = """
    SELECT DISTINCT v.exchange_id AS id FROM votes v CROSS JOIN exchanges e ON e.id = v.exchange_id
    WHERE v.exchange_id < ? AND {vote} AND {condition} ORDER BY v.exchange_id DESC
"""
VOTES = {"up": "v.value > 0", "down": "v.value < 0", "any": "1"}
AFTER_ALL = 2**63 - 1


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
    latency_ms: float
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
    choice = Choice(before=before, room_id=room_id, user_id=user_id, purpose=purpose)
    if feedback in VOTES:
        condition, values = choice.where()
        chosen = BY_VOTE.format(vote=VOTES[feedback], condition=condition)
        values.insert(0, AFTER_ALL if before is None else before)
    else:
        condition, values = replace(choice, feedback=feedback).where()
        chosen = BY_ID.format(condition=condition)
    found = connection.execute(SELECT.format(chosen=chosen), (*values, limit))
    return [summary(row) for row in found]


def read_exchange(connection: sqlite3.Connection, exchange_id: int) -> ExchangeSummary | None:
    """The exchange of this id, if it is there. Raises one of FAILURES."""
    chosen = BY_ID.format(condition="e.id = ?")
    found = connection.execute(SELECT.format(chosen=chosen), (exchange_id, 1)).fetchone()
    return None if found is None else summary(found)


def summary(row: Sequence[Any]) -> ExchangeSummary:
    """One of SELECT's rows."""
    values = dict(zip(NAMES, row, strict=True))
    return ExchangeSummary(**(values | {"success": bool(values["success"])}))
