"""Pages of exchanges, newest first."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random

import pytest

from bot.store.applying import delete_exchanges
from bot.store.choosing import Feedback
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.operations import (
    ExchangeForgotten,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    VoteCast,
)
from bot.store.pages import ExchangeSummary, read_exchange, read_page
from bot.store.reading import reading
from bot.store.records import ChatMessage, Exchange
from bot.store.stretches import PEOPLE, ROOMS, parts_of
from tests.store.filling import GUILD, START, exchange, fill, snowflake

COUNT = 30
FEEDBACK: dict[Feedback | None, Callable[[ExchangeSummary], bool]] = {
    None: lambda one: True,
    "up": lambda one: one.thumbs_up > 0,
    "down": lambda one: one.thumbs_down > 0,
    "any": lambda one: one.thumbs_up + one.thumbs_down > 0,
    "none": lambda one: one.thumbs_up + one.thumbs_down == 0,
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    operations: list[Operation] = []
    for number in range(COUNT):
        made = exchange(number)
        operations += [made, ReplyAttached(made.id, (5_000 + number, 6_000 + number))]
        if number % 5 == 0:
            operations.append(VoteCast(6_000 + number, 9, 1, START))
    operations.append(VoteCast(5_000, 10, -1, START))
    with contextlib.closing(fill(tmp_path, operations)) as opened:
        yield opened


def numbers(page: list[ExchangeSummary]) -> list[int]:
    return [(one.timestamp - START) // 1000 for one in page]


def test_pages_follow_each_other(connection: sqlite3.Connection) -> None:
    first = read_page(connection, None, 12)
    second = read_page(connection, first[-1].id, 12)
    third = read_page(connection, second[-1].id, 12)
    assert numbers([*first, *second, *third]) == list(reversed(range(COUNT)))
    assert not read_page(connection, third[-1].id, 12)


def test_an_exchange_has_what_people_want_to_see(connection: sqlite3.Connection) -> None:
    expected = ExchangeSummary(
        id=exchange(0).id,
        timestamp=START,
        room_id=5,
        user_id=90,
        message_id=1000,
        reply_id=5_000,
        model_type="planning",
        provider="openai",
        model="gpt",
        name="ben",
        question="Question 0?",
        output="Answer 0.",
        finish_reason="stop",
        success=True,
        error=None,
        fallback_from=None,
        fallback_reason=None,
        latency_ms=12,
        thumbs_up=1,
        thumbs_down=1,
    )
    assert read_exchange(connection, exchange(0).id) == expected
    assert read_page(connection, snowflake(START, 1), 5) == [expected]
    assert read_exchange(connection, 7) is None


def test_filters(connection: sqlite3.Connection) -> None:
    assert numbers(read_page(connection, None, 3, room_id=6)) == [28, 25, 22]
    assert numbers(read_page(connection, None, 3, user_id=90)) == [28, 24, 20]
    assert numbers(read_page(connection, None, 3, purpose="coding")) == [29, 27, 25]
    assert numbers(read_page(connection, None, 3, feedback="up")) == [25, 20, 15]
    assert numbers(read_page(connection, None, 3, feedback="down")) == [0]
    assert numbers(read_page(connection, None, 3, feedback="none")) == [29, 28, 27]
    chosen = read_page(connection, exchange(20).id, 9, room_id=5, feedback="any")
    assert numbers(chosen) == [15, 0]


def test_what_is_gone_or_withheld_is_not_shown(tmp_path: Path) -> None:
    hidden = ChatMessage("user", "secret", "ben", 1001, 9, withheld=True)
    operations = [exchange(0), exchange(1, hidden), exchange(2, message_id=None)]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        fill(tmp_path, [MessagesForgotten((1000,))]).close()
        page = read_page(connection, None, 5)
    assert [(one.name, one.question) for one in page] == [
        (None, None),
        (None, "[not recorded]"),
        (None, "[deleted]"),
    ]


def test_pages_of_a_room_and_a_person_go_through_time(tmp_path: Path) -> None:
    """Whatever lies between, and when it is gone; a room may have a person's number."""
    day = 86_400
    times = [0, 1, 2, day, day + 1, 40 * day, 90 * day]
    operations: list[Operation] = [
        exchange(number, room_id=90 + number % 2, user_id=91) for number in times
    ]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        for limit in (1, 2, 9):
            for room, user in ((90, None), (None, 91), (91, 91)):
                expected = [n for n in reversed(times) if room in (None, 90 + n % 2)]
                found: list[ExchangeSummary] = []
                while page := read_page(
                    connection,
                    found[-1].id if found else None,
                    limit,
                    room_id=room,
                    user_id=user,
                ):
                    found += page
                assert numbers(found) == expected
        fill(tmp_path, [ExchangeForgotten(None, exchange(90 * day).id)]).close()
        assert numbers(read_page(connection, None, 1, room_id=90)) == [40 * day]
        assert not read_page(connection, None, 1, room_id=92)
        delete_exchanges(connection, [exchange(number).id for number in times])
        assert connection.execute("SELECT * FROM stretches").fetchall() == []


@pytest.mark.parametrize("seed", range(4))
def test_every_filter_finds_what_there_is(tmp_path: Path, seed: int) -> None:
    """All pages of every combination, over weeks, with ids that share a number in the file."""
    chance = Random(seed)  # noqa: S311 - the same every time
    rooms = [None, 5, 6, 5 + ROOMS, 5 + PEOPLE, -5, 2**63 - 1]
    people = [None, 0, 5, 90, 90 + PEOPLE, -90]
    made: list[Exchange] = []
    votes: list[Operation] = []
    # Also those that are no ids of Discord's.
    few = [-(2**62), -7, 1, 2, 3, 2**63 - 2, 2**63 - 1]
    for number in sorted(chance.sample(range(2_000_000), 60)):
        one = exchange(
            number,
            id=few.pop() if few else exchange(number).id,
            room_id=chance.choice(rooms),
            user_id=chance.choice(people),
            model_type=chance.choice(["planning", "coding"]),
            finish_reason=chance.choice(["stop", "length", None]),
        )
        made.append(one)
        if chance.random() < 0.5:
            votes.append(ReplyAttached(one.id, (one.id - 1,)))
            votes += [
                VoteCast(one.id - 1, voter, chance.choice([1, -1]), START)
                for voter in range(chance.randrange(3))
            ]
    with contextlib.closing(fill(tmp_path, [*made, *votes])) as connection:
        gone = chance.sample([one.id for one in made], 10)
        delete_exchanges(connection, gone)
        all_of_them = read_page(connection, None, 1_000)
        assert [one.id for one in all_of_them] == sorted(
            {one.id for one in made} - set(gone), reverse=True
        )
        for room, user, purpose, feedback in product(
            [*rooms, 7], [*people, 7], [None, "planning", "coding", "none"], FEEDBACK
        ):
            expected = [
                one
                for one in all_of_them
                if room in (None, one.room_id)
                and user in (None, one.user_id)
                and purpose in (None, one.model_type)
                and FEEDBACK[feedback](one)
            ]
            found: list[ExchangeSummary] = []
            while page := read_page(
                connection,
                found[-1].id if found else None,
                4,
                room_id=room,
                user_id=user,
                purpose=purpose,
                feedback=feedback,
            ):
                found += page
            assert found == expected


def test_a_page_reads_few_exchanges_of_many(tmp_path: Path) -> None:
    """Whoever is sought: a room and a person who never met, and a purpose that is not theirs."""
    count = 20_000
    operations: list[Operation] = []
    for number in range(count):
        made = exchange(
            number * 60,
            room_id=5 + number % 4,
            user_id=90 + number % 2,
            model_type="coding" if number % 4 == 3 else "planning",
        )
        operations.append(made)
        if number % 4 == 1:
            operations += [ReplyAttached(made.id, (made.id + 1,)), VoteCast(made.id + 1, 1, 1, 5)]
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with contextlib.closing(fill(tmp_path, operations)) as connection:
        connection.set_progress_handler(step, 100)
        sought: list[tuple[int | None, int | None, str | None, Feedback | None]] = [
            (5, 91, None, None),
            (6, 90, None, "none"),
            (5, None, "coding", None),
            (None, 90, "coding", None),
            (7, 90, "coding", None),
            (None, None, "nothing", None),
            (77, None, None, None),
            (None, 77, "planning", None),
        ]
        for room, user, purpose, feedback in sought:
            assert not read_page(
                connection,
                None,
                10,
                room_id=room,
                user_id=user,
                purpose=purpose,
                feedback=feedback,
            )
        assert steps * 100 < count
        steps = 0
        assert not read_page(connection, None, 10, room_id=5, feedback="up")
        # From vote to vote, without a look at what was voted on.
        assert steps * 100 < count // 4 * 12


def stretches_in(connection: sqlite3.Connection) -> set[tuple[int, str]]:
    """The parts that the file says something is in, each once."""
    rows = connection.execute("SELECT id, parts FROM stretches").fetchall()
    found = [(number, part) for number, parts in rows for part in parts]
    assert all(parts for _, parts in rows)
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize("seed", range(5))
def test_of_whom_nothing_is_left_in_a_stretch_is_not_in_it(tmp_path: Path, seed: int) -> None:
    """Whatever goes at once, from one stretch or several."""
    chance = Random(seed)  # noqa: S311 - the same every time
    some = [None, 90, 91, 92, 93]
    made = [
        exchange(number * 200, room_id=chance.choice(some), user_id=chance.choice(some))
        for number in range(60)
    ]
    left = [one.id for one in made]
    chance.shuffle(left)
    with contextlib.closing(fill(tmp_path, made)) as connection:
        assert len({part for _, part in stretches_in(connection)}) > 3
        while left:
            count = chance.choice([1, 2, 7])
            delete_exchanges(connection, left[:count])
            del left[:count]
            asked = connection.execute("SELECT id, room_id, user_id, source FROM exchanges")
            assert stretches_in(connection) == parts_of(asked)


def test_leaving_a_stretch_takes_one_look_through_it(tmp_path: Path) -> None:
    """Not one for each exchange that goes: a busy stretch has many of one person."""
    count = 2_000
    made = [exchange(number, user_id=90 + number % 2) for number in range(count)]
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with contextlib.closing(fill(tmp_path, made)) as connection:
        connection.set_progress_handler(step, 1_000)
        delete_exchanges(connection, [one.id for one in made[::2]])
    assert steps < count // 2


@pytest.mark.parametrize("column", ["room_id", "user_id", "source"])
@pytest.mark.parametrize("value", ["x", b"\xff", 1.5, 1e300, ""])
def test_a_damaged_value_keeps_no_other_exchange_from_going(
    tmp_path: Path, column: str, value: object
) -> None:
    """As one changed bit makes another kind of value of a number."""
    made = [exchange(number) for number in range(4)]
    with contextlib.closing(fill(tmp_path, made)) as connection:
        connection.execute(
            f"UPDATE exchanges SET {column} = ? WHERE id = ?",  # noqa: S608 - our own names
            (value, made[0].id),
        )
        assert delete_exchanges(connection, [made[1].id]) == 1
        assert delete_exchanges(connection, [made[0].id]) == 1
        left = read_page(connection, None, 9, user_id=93)
    assert [one.id for one in left] == [made[3].id]


@pytest.mark.parametrize("damaged", [b"8", b"8\x80", "8\uffff", "8\x01"])
def test_damaged_parts_do_not_mislead(tmp_path: Path, damaged: object) -> None:
    made = [exchange(number) for number in range(0, 20_000, 1_000)]
    fill(tmp_path, made).close()
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection, connection:
        connection.execute("UPDATE stretches SET parts = CAST(? AS BLOB)", (damaged,))
    with reading(tmp_path, GUILD, Engine()) as connection:
        found = [one.id for one in read_page(connection, None, 50, room_id=5)]
    assert found == sorted(set(found), reverse=True)
    assert set(found) <= {one.id for one in made}


def test_what_votes_say_of_who_asked_goes_with_the_exchange(tmp_path: Path) -> None:
    """Also where an exchange is back, and which message carries its answer was not said again."""
    first = exchange(0)
    operations: list[Operation] = [
        first,
        ReplyAttached(first.id, (70,)),
        ExchangeForgotten(70, first.id),
    ]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        fill(tmp_path, [first, VoteCast(70, 9, 1, START)]).close()
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (1,)
        delete_exchanges(connection, [first.id])
        assert connection.execute("SELECT * FROM votes").fetchall() == []


def test_a_vote_from_before_its_exchange_was_back_is_found(tmp_path: Path) -> None:
    one = exchange(0)
    operations: list[Operation] = [one, ReplyAttached(one.id, (70,)), VoteCast(70, 9, 1, START)]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        # As in a file of an earlier version that had lost the exchange when it was brought up.
        connection.execute("UPDATE votes SET asked = NULL")
        for user, purpose in ((None, None), (90, None), (None, "planning"), (90, "planning")):
            found = read_page(connection, None, 9, user_id=user, purpose=purpose, feedback="up")
            assert [summary.id for summary in found] == [one.id]
        assert not read_page(connection, None, 9, user_id=91, feedback="up")
        assert not read_page(connection, None, 9, purpose="coding", feedback="up")
