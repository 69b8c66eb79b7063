"""What was going on in a world lately: counted over the exchanges of a stretch of time."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.store.records import DISCORD_EPOCH

MOST_ROWS = 50_000
"""So many of the newest exchanges are looked at, at most: a fraction of a second of reading."""

# By the id, which is a snowflake: there is no index on the time.
SELECT = """
    SELECT id, success, fallback_from IS NOT NULL, latency_ms,
        coalesce(prompt_tokens, 0), coalesce(completion_tokens, 0)
    FROM exchanges WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?
"""
SELECT_VOTES = """
    SELECT coalesce(sum(value > 0), 0), coalesce(sum(value < 0), 0)
    FROM votes WHERE exchange_id >= ? AND exchange_id < ?
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What some exchanges come to. Of the `fallbacks`, `fallbacks_failed` were not answered either.

    Latencies are in ms, of those that were answered: half of them (`p50`), and 95 of 100 (`p95`),
    took no longer; None without answers.
    """

    exchanges: int = 0
    failures: int = 0
    fallbacks: int = 0
    fallbacks_failed: int = 0
    p50: float | None = None
    p95: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def fallbacks_answered(self) -> int:
        """How many were answered, by the model that stepped in."""
        return self.fallbacks - self.fallbacks_failed


@dataclass(frozen=True, slots=True)
class Activity:
    """The exchanges from `since` to `until` (ms): all of them, and in stretches of equal length.

    Votes are those on these exchanges. With `cut` there were more than MOST_ROWS, and only the
    newest are counted.
    """

    since: int
    until: int
    total: Counted
    buckets: tuple[Counted, ...]
    thumbs_up: int = 0
    thumbs_down: int = 0
    cut: bool = False


def nothing(since: int, until: int, buckets: int) -> Activity:
    """The activity of a world of which nothing is kept."""
    return Activity(since, until, Counted(), (Counted(),) * buckets)


def read_activity(
    connection: sqlite3.Connection,
    since: int,
    until: int,
    buckets: int,
    *,
    most_rows: int = MOST_ROWS,
) -> Activity:
    """Count the exchanges of this time, at most `most_rows` of them. Raises one of FAILURES."""
    ends = (snowflake_at(since), snowflake_at(until))
    rows = connection.execute(SELECT, (*ends, most_rows)).fetchall()
    up, down = connection.execute(SELECT_VOTES, ends).fetchone()
    parts: list[list[Sequence[Any]]] = [[] for _ in range(buckets)]
    width = (ends[1] - ends[0]) / buckets
    for row in rows:
        parts[min(int((row[0] - ends[0]) / width), buckets - 1)].append(row)
    return Activity(
        since,
        until,
        counted(rows),
        tuple(map(counted, parts)),
        up,
        down,
        cut=len(rows) == most_rows,
    )


def snowflake_at(milliseconds: int) -> int:
    """The smallest id of that time."""
    return max(0, milliseconds - DISCORD_EPOCH) << 22


def counted(rows: Sequence[Sequence[Any]]) -> Counted:
    """What these of SELECT's rows come to."""
    if not rows:
        return Counted()
    latencies = sorted(row[3] for row in rows if row[1])
    return Counted(
        exchanges=len(rows),
        failures=sum(not row[1] for row in rows),
        fallbacks=sum(row[2] for row in rows),
        fallbacks_failed=sum(row[2] and not row[1] for row in rows),
        p50=percentile(latencies, 50),
        p95=percentile(latencies, 95),
        prompt_tokens=sum(row[4] for row in rows),
        completion_tokens=sum(row[5] for row in rows),
    )


def percentile(ascending: Sequence[float], percent: int) -> float | None:
    """The smallest value that so many of 100 do not exceed (nearest rank); None of none."""
    if not ascending:
        return None
    return ascending[-(-len(ascending) * percent // 100) - 1]
