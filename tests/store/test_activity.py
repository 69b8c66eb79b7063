"""Activity: what the exchanges of a stretch of time come to, without a look at older ones."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.store import activity as activity_module
from bot.store.activity import Counted, percentile, read_activity, snowflake_at
from bot.store.operations import ReplyAttached, VoteCast
from bot.store.reading import reading
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.filling import exchange_of

HOUR = 3_600_000
SINCE = 1_700_000_000_000
UNTIL = SINCE + 24 * HOUR
GUILD = World(WorldKind.GUILD, 1001)


def exchange(timestamp: int, number: int = 0) -> Exchange:
    return exchange_of(
        id=snowflake_at(timestamp) + number,
        timestamp=timestamp,
        input=(ChatMessage("user", "hi", "ben", 7, 9),),
        latency_ms=100.0,
        prompt_tokens=3,
        completion_tokens=None,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path, in_process=True) as found:
        yield found


async def test_what_lies_within_is_counted_in_its_part(store: SqliteStore) -> None:
    world = store.world(GUILD)
    failed = replace(
        exchange(SINCE + HOUR, 1), success=False, output=None, error="down", latency_ms=9_000.0
    )
    await world.write(
        [
            exchange(SINCE - 1),
            exchange(SINCE),
            replace(exchange(SINCE + HOUR), fallback_from="custom", latency_ms=300.0),
            failed,
            replace(exchange(UNTIL - 1), completion_tokens=40),
            exchange(UNTIL),
            ReplyAttached(exchange(SINCE).id, (81,)),
            ReplyAttached(exchange(SINCE - 1).id, (80,)),
            VoteCast(81, 9, 1, SINCE),
            VoteCast(81, 10, -1, SINCE),
            VoteCast(80, 9, 1, SINCE),
        ]
    )
    found = await world.activity(SINCE, UNTIL, 24)
    assert found.total == Counted(4, 1, 1, 0, 100.0, 300.0, 12, 40)
    assert [bucket.exchanges for bucket in found.buckets] == [1, 2, *([0] * 20), 0, 1]
    assert found.buckets[1] == Counted(2, 1, 1, 0, 300.0, 300.0, 6, 0)
    assert (found.thumbs_up, found.thumbs_down) == (1, 1)
    assert not found.cut


async def test_nothing_kept_is_nothing(store: SqliteStore) -> None:
    found = await store.world(GUILD).activity(SINCE, UNTIL, 24)
    assert found.total == Counted()
    assert len(found.buckets) == 24
    assert not store.world(GUILD).exists


async def test_of_too_many_the_newest_are_counted(store: SqliteStore) -> None:
    world = store.world(GUILD)
    await world.write([exchange(SINCE + number * HOUR) for number in range(10)])
    await world.drained()
    with reading(store.folder, GUILD, store.engine) as connection:
        found = read_activity(connection, SINCE, UNTIL, 24, most_rows=4)
    assert found.cut
    assert found.total.exchanges == 4
    assert [bucket.exchanges for bucket in found.buckets[:10]] == [0] * 6 + [1] * 4


async def test_older_exchanges_are_not_looked_at(store: SqliteStore) -> None:
    world = store.world(GUILD)
    await world.write([exchange(SINCE)])
    await world.drained()
    with reading(store.folder, GUILD, store.engine) as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {activity_module.SELECT}", (1, 2, 3)
        ).fetchall()
    assert [row[3] for row in plan] == [
        "SEARCH exchanges USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_so_many_of_a_hundred_take_no_longer(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found is not None
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


async def test_json_lines_up_to_a_size(store: SqliteStore) -> None:
    world = store.world(GUILD)
    assert await world.json_lines(0) == (b"", 0)
    await world.write([exchange(SINCE), exchange(SINCE + 1)])
    found = await world.json_lines(1_000_000)
    assert found is not None
    lines, left_out = found
    assert left_out == 0
    assert lines.count(b"\n") == 2
    assert await world.json_lines(len(lines) - 1) is None
    assert await world.json_lines(len(lines)) == (lines, 0)


async def test_a_page_has_what_is_waiting_too(store: SqliteStore) -> None:
    world = store.world(GUILD)
    for number in range(3):
        world.submit(exchange(SINCE + number), lambda _: None)
    page = await world.page(None, 2)
    assert [item.timestamp for item in page] == [SINCE + 2, SINCE + 1]
    found = await world.exchange(page[0].id)
    assert found == page[0]
    assert await world.exchange(5) is None
