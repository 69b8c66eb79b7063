"""Pages of records of a big server, by every filter: `python -m tests.benchmarks.pages`.

30 days of 200 rooms and 5,000 people, of whom few say most, mostly in rooms of their own, more by
day than by night; one purpose is rare, one answer in a hundred is voted on, none in the busiest
room. With `--days 1500` the same is spread over years. With --folder the file is kept there, and
used again (one of an earlier version is brought up to date: the time is told).
"""

import argparse
import contextlib
import itertools
import math
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from bot.store.applying import apply
from bot.store.engine import Engine
from bot.store.files import open_world, path_of
from bot.store.operations import Operation, ReplyAttached, VoteCast, encode
from bot.store.pages import ExchangeSummary, read_page
from bot.store.reading import reading
from bot.store.records import DISCORD_EPOCH, ChatMessage, Exchange
from tests.benchmarks.big_file import START, SYSTEM, WORLD, Texts

ROOMS, PEOPLE = 200, 5_000
DAY_MS = 86_400_000
BATCH = 200
LIMIT = 25
RUNS = 4
"""Of which the fastest counts: on a shared machine the others tell of that."""
PURPOSES = {"planning": 0.7, "should_respond": 0.2995, "coding": 0.0005}
BUSIEST_AT = 0.6
"""The part of the day at which most is said; at the quietest it is a ninth of that."""


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = path_of(folder, WORLD)
        if not path.exists():
            new_text = build(folder, args.rows, int(args.days * DAY_MS))
            print(f"{path.stat().st_size / new_text:.3f} times the bytes of new text")
        begun = time.monotonic(), time.process_time()
        open_world(folder, WORLD, Engine()).close()
        spent = time.monotonic() - begun[0], time.process_time() - begun[1]
        print(f"opened in {spent[0]:.2f} s, {spent[1]:.2f} s of CPU")
        with reading(folder, WORLD, Engine()) as connection:
            filters = chosen_filters(connection.execute)
        measure(folder, filters)


def times(rows: int, span: int, chance: random.Random) -> Iterator[int]:
    """So many times in order, more by day than by night."""
    now = 0.0
    for _ in range(rows):
        busy = 1 + 0.8 * math.cos(2 * math.pi * (now / DAY_MS - BUSIEST_AT))
        now += chance.expovariate(1) * span / rows / busy
        yield START + int(now)


def operations(rows: int, span: int, texts: Texts) -> Iterator[list[Operation]]:
    """What is done for so many exchanges, in lists for one an exchange."""
    chance = texts.chance
    people = [1 / rank for rank in range(1, PEOPLE + 1)]
    in_order = list(itertools.accumulate(people))
    rooms = [1 / (rank + 3) for rank in range(ROOMS)]
    haunts = [chance.choices(range(ROOMS), rooms, k=6) for _ in people]
    contexts: list[deque[ChatMessage]] = [deque(maxlen=4) for _ in range(ROOMS)]
    names, shares = list(PURPOSES), list(PURPOSES.values())
    for number, timestamp in enumerate(times(rows, span, chance)):
        person = chance.choices(range(PEOPLE), cum_weights=in_order)[0]
        usual = chance.random() < 0.97
        room = haunts[person][int(6 * chance.random() ** 3)] if usual else chance.randrange(ROOMS)
        first = ((timestamp - DISCORD_EPOCH) << 22) + (number % 64) * 8
        asked = ChatMessage("user", texts.take(90), f"m{person}", first + 5, snowflake(person))
        contexts[room].append(asked)
        output = texts.take(350)
        exchange = Exchange(
            id=first + 6,
            timestamp=timestamp,
            room_id=snowflake(PEOPLE + room),
            user_id=asked.author_id,
            message_id=asked.message_id,
            model_type=chance.choices(names, shares)[0],
            provider="openai_compatible",
            model="understudy-7b",
            input=(SYSTEM, *contexts[room]),
            output=output,
            reasoning=None,
            finish_reason="stop",
            success=True,
            error=None,
            fallback_from=None,
            fallback_reason=None,
            latency_ms=chance.uniform(200, 4000),
            first_token_ms=chance.uniform(100, 400),
            prompt_tokens=600,
            completion_tokens=80,
        )
        contexts[room].append(ChatMessage("assistant", output, None, first + 7, 1))
        made: list[Operation] = [exchange, ReplyAttached(first + 6, (first + 7,))]
        if room and chance.random() < 0.01:
            value = 1 if chance.random() < 0.9 else -1
            made.append(VoteCast(first + 7, snowflake(person), value, timestamp + 5_000))
        yield made


def snowflake(number: int) -> int:
    """An id as Discord gives them, of somebody or something that is older than the exchanges."""
    return (number * 7_919_000 + 31_337) << 22 | number % 3


def build(folder: Path, rows: int, span: int) -> int:
    """Write the file below this folder. Returns how many bytes of text were new in it."""
    texts = Texts(random.Random(1))  # noqa: S311 - made-up words
    spent = 0.0
    with contextlib.closing(open_world(folder, WORLD, Engine())) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        made = operations(rows, span, texts)
        while batch := list(itertools.islice(made, BATCH)):
            stored = [encode(operation) for few in batch for operation in few]
            begun = time.process_time()
            connection.execute("BEGIN")
            apply(connection, stored)
            connection.execute("COMMIT")
            spent += time.process_time() - begun
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"applied in {spent / rows * 1e6:.1f} µs of CPU an exchange")
    return texts.bytes


def chosen_filters(execute: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Filters with frequent, rare and absent values, found in the file."""
    frequent = "SELECT {0} FROM exchanges GROUP BY {0} ORDER BY count(*) DESC"
    by_room = [row[0] for row in execute(frequent.format("room_id"))]
    by_person = [row[0] for row in execute(frequent.format("user_id"))]
    busy_room, rare_room, busy, rare = by_room[0], by_room[-1], by_person[0], by_person[-1]
    met = execute(
        "SELECT user_id, room_id FROM exchanges WHERE user_id IN (SELECT value FROM json_each(?))"
        " GROUP BY 1, 2 ORDER BY count(*) LIMIT 1",
        (f"[{','.join(map(str, by_person[:5]))}]",),
    ).fetchone()
    missed = next(
        (person, room)
        for room in by_room
        for person in by_person[:500]
        if not execute(
            "SELECT 1 FROM exchanges WHERE room_id = ? AND user_id = ? LIMIT 1", (room, person)
        ).fetchone()
    )
    values: dict[str, dict[str, Any]] = {
        "all": {},
        "room busy": {"room_id": busy_room},
        "room rare": {"room_id": rare_room},
        "room nowhere": {"room_id": 1},
        "person busy": {"user_id": busy},
        "person middling": {"user_id": by_person[len(by_person) // 3]},
        "person rare": {"user_id": rare},
        "person nowhere": {"user_id": 2},
        "both busy": {"room_id": busy_room, "user_id": busy},
        "both rarely met": {"user_id": met[0], "room_id": met[1]},
        "both never met": {"user_id": missed[0], "room_id": missed[1]},
        "both nowhere": {"room_id": 1, "user_id": 2},
        "rare in busy": {"room_id": busy_room, "user_id": rare},
    }
    filters = {}
    for name, where in values.items():
        for purpose in (None, "planning", "coding", "nothing"):
            for feedback in (None, "up", "down", "any", "none"):
                some = {"purpose": purpose, "feedback": feedback}
                given = where | {key: value for key, value in some.items() if value}
                label = " ".join([name, *(value for value in some.values() if value)])
                filters[label] = given
    return filters


def measure(folder: Path, filters: dict[str, dict[str, Any]]) -> None:
    """Print what the first, a middle and a late page take, warm and on a new connection."""
    worst: dict[str, tuple[float, float]] = {}
    with reading(folder, WORLD, Engine()) as warm:
        first, last = warm.execute("SELECT min(id), max(id) FROM exchanges").fetchone()
        for name, given in filters.items():
            for at in (1.0, 0.5, 0.05):
                before = None if at == 1 else first + int((last - first) * at)
                page = partial(read_page, before=before, limit=LIMIT, **given)
                found = [timed(page, warm) for _ in range(RUNS)]
                fresh = []
                for _ in range(RUNS):
                    with reading(folder, WORLD, Engine()) as new:
                        fresh.append(timed(page, new))
                before_it = worst.get(name, (0.0, 0.0))
                worst[name] = max(before_it[0], min(found)), max(before_it[1], min(fresh))
    print(f"{len(worst)} filters, three pages of {LIMIT} each; the slowest of each in ms:")
    for name, (warm_ms, fresh_ms) in sorted(worst.items(), key=lambda item: -max(item[1]))[:25]:
        print(f"  {name:40} warm {warm_ms:8.2f}   new connection {fresh_ms:8.2f}")
    over = sum(max(pair) >= 20 for pair in worst.values())
    median_ms = statistics.median(pair[1] for pair in worst.values())
    print(f"{over} filters over 20 ms; median {median_ms:.2f} ms")


def timed(page: Callable[[Connection], list[ExchangeSummary]], connection: Connection) -> float:
    """How long it takes, in ms."""
    begun = time.perf_counter()
    page(connection)
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
