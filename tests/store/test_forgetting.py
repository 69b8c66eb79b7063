"""Forgetting, retention and sweeping on real files; deleted means gone from the bytes."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.store.applying import apply
from bot.store.consenting import agreements, note_notice, set_consent
from bot.store.engine import Engine
from bot.store.erasing import is_clean, wipe
from bot.store.files import open_world
from bot.store.forgetting import (
    Forgotten,
    anonymised,
    forget_person,
    forget_rooms,
    person_data,
    snowflake,
)
from bot.store.operations import (
    DemonstrationGiven,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)
from bot.store.quoting import authors, quoted_since, rooms
from bot.store.records import DISCORD_EPOCH, ChatMessage, Exchange, World, WorldKind
from bot.store.retention import expire, sweep
from bot.store.transactions import transaction
from tests.grepping import files_with
from tests.store.filling import exchange_of

BEN, CLEO, BOT = 11, 12, 99
ROOM, OTHER_ROOM = 5, 6
DAY = 86_400_000
START = DISCORD_EPOCH + 1000 * DAY


def at(time: int, number: int = 0) -> int:
    """An id of a message or exchange of that time."""
    return snowflake(time) + number


def said(text: str, author: int, message_id: int) -> ChatMessage:
    return ChatMessage(
        "user", text, name=f"name of {author}", message_id=message_id, author_id=author
    )


def exchange(
    number: int, *messages: ChatMessage, time: int = START, output: str = "fine", **more: object
) -> Exchange:
    values = {"id": at(time, number), "user_id": BEN, "room_id": ROOM, "output": output} | more
    return exchange_of(
        timestamp=time,
        message_id=messages[-1].message_id if messages else None,
        input=(ChatMessage("system", "Be kind."), *messages),
        reasoning=f"because {output}",
        **values,
    )


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_world(tmp_path, World(WorldKind.GUILD, 1), Engine())) as connection:
        yield connection


def do(connection: sqlite3.Connection, *operations: Operation) -> None:
    with transaction(connection):
        apply(connection, [encode(operation) for operation in operations])


def column(connection: sqlite3.Connection, query: str) -> list[Any]:
    return [row[0] for row in connection.execute(query)]


def test_a_person_is_forgotten_with_all_that_hangs_on_them(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    """Bystander quotes, answers quoted elsewhere, votes, corrections, consent and settings."""
    cleo = said("cleo asks", CLEO, at(START, 2))
    answer = ChatMessage(
        "assistant", "answer to ben", message_id=at(START, 3), author_id=BOT, subject_id=BEN
    )
    old = ChatMessage(
        "assistant", "unrecorded answer", message_id=at(START, 4), author_id=BOT, subject_id=BEN
    )
    do(
        connection,
        exchange(1, said("ben asks", BEN, at(START, 1)), output="answer to ben"),
        ReplyAttached(at(START, 1), (at(START, 3),)),
        exchange(2, said("ben asks", BEN, at(START, 1)), answer, old, cleo, user_id=CLEO),
        ReplyAttached(at(START, 2), (at(START, 5),)),
        VoteCast(at(START, 5), BEN, 1, START),
        VoteCast(at(START, 3), CLEO, 1, START),
        DemonstrationGiven(at(START, 5), BEN, "ben knows better", START),
    )
    set_consent(connection, BEN, True, START)
    setting = json.dumps({"enabled": True, "by": BEN, "audit": [{"who": str(BEN)}, {"who": "12"}]})
    connection.execute("INSERT INTO settings VALUES ('reasoning', ?)", (setting,))

    kept = person_data(connection, BEN)
    assert [row["content"] for row in kept["messages"]] == ["ben asks"]
    assert [row["answer"] for row in kept["exchanges"]] == ["answer to ben"]
    assert [row["content"] for row in kept["answers"]] == ["unrecorded answer"]
    assert [row["value"] for row in kept["votes"]] == [1]
    assert [row["content"] for row in kept["demonstrations"]] == ["ben knows better"]
    assert [row["recorded"] for row in kept["consents"]] == [1]
    assert kept["settings"] == [{"key": "reasoning"}]
    assert "cleo" not in json.dumps(kept)

    gone = forget_person(connection, BEN)
    wipe(connection)
    assert gone == Forgotten(2, 1, 1, 1, 1, 1)
    assert gone.rows == 7
    assert not any(person_data(connection, BEN).values())
    texts = ("ben asks", "answer to ben", "unrecorded answer", "ben knows better", "name of 11")
    assert files_with(tmp_path, *texts) == []
    assert files_with(tmp_path, "cleo asks") != []
    assert column(connection, "SELECT exchanges FROM counters") == [1]
    (shown,) = column(connection, "SELECT input FROM training_data")
    assert [message["content"] for message in json.loads(shown)] == [
        *("Be kind.", "[deleted]", "[deleted]", "[deleted]", "name of 12: cleo asks")
    ]
    value = json.loads(column(connection, "SELECT value FROM settings")[0])
    assert value == {"enabled": True, "by": 0, "audit": [{"who": "0"}, {"who": "12"}]}
    assert forget_person(connection, BEN) == Forgotten()


def test_what_came_after_is_not_forgotten(connection: sqlite3.Connection) -> None:
    """Forgetting may be done again later, for a restored backup, and takes nothing new."""
    later = START + DAY
    do(
        connection,
        exchange(1, said("before", BEN, at(START, 1))),
        exchange(2, said("after", BEN, at(later, 1)), time=later),
    )
    set_consent(connection, BEN, True, later)
    for _ in range(2):
        forget_person(connection, BEN, until=later)
        kept = person_data(connection, BEN)
        assert [row["content"] for row in kept["messages"]] == ["after"]
        assert len(kept["exchanges"]) == 1
        assert kept["consents"]


def test_an_objection_outlives_forgetting(connection: sqlite3.Connection) -> None:
    set_consent(connection, BEN, False, START)
    forget_person(connection, BEN)
    assert agreements(connection).consents == {BEN: False}


def test_anonymising_leaves_everything_else_alone() -> None:
    value = {"11": [11, "11", 111, "a 11", True, None, 1.5], "by": 11}
    assert anonymised(value, 11) == {"0": [0, "0", 111, "a 11", True, None, 1.5], "by": 0}
    assert anonymised([True, 1], 1) == [True, 0]


def test_a_room_is_forgotten_with_what_was_said_in_it(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    do(
        connection,
        exchange(1, said("said here", BEN, at(START, 1)), output="answered here"),
        exchange(2, said("said there", BEN, at(START, 2)), room_id=OTHER_ROOM),
    )
    for room in (ROOM, OTHER_ROOM):
        note_notice(connection, room, START)
    assert forget_rooms(connection, [ROOM]) == 1
    sweep(connection, START)
    wipe(connection)
    assert files_with(tmp_path, "said here", "answered here") == []
    assert files_with(tmp_path, "said there") != []
    assert agreements(connection).noticed == {OTHER_ROOM}
    assert rooms(connection) == [OTHER_ROOM]
    assert column(connection, "SELECT content FROM texts") == ["Be kind."]


def test_what_nobody_rated_expires_and_is_swept_up(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    """Rated and corrected exchanges stay, and so does every text that they quote."""
    shared = said("quoted by all", CLEO, at(START, 1))
    later = START + 40 * DAY
    do(
        connection,
        exchange(1, shared, said("unrated words", BEN, at(START, 2)), output="unrated answer"),
        exchange(2, shared, said("rated words", BEN, at(START, 3))),
        exchange(3, said("corrected words", BEN, at(START, 4))),
        exchange(4, said("new words", BEN, at(later, 5)), time=later),
        *(ReplyAttached(at(START, n), (at(START, 10 + n),)) for n in (1, 2, 3)),
        VoteCast(at(START, 12), CLEO, -1, START),
        DemonstrationGiven(at(START, 13), CLEO, "better", START),
    )
    assert expire(connection, START) == 0
    assert expire(connection, later - DAY, limit=2) == 1
    assert expire(connection, later - DAY, limit=2) == 0
    assert sweep(connection, later) == 2
    wipe(connection)
    assert files_with(tmp_path, "unrated words", "unrated answer") == []
    for text in ("quoted by all", "rated words", "corrected words", "new words"):
        assert files_with(tmp_path, text) != [], text
    assert column(connection, "SELECT exchanges FROM counters") == [3]


def test_sweeping_spares_what_an_exchange_of_a_negative_id_quotes(
    connection: sqlite3.Connection,
) -> None:
    do(connection, exchange(1, said("kept", BEN, at(START, 1)), id=-5))
    assert sweep(connection, START) == 0
    assert column(connection, "SELECT content FROM messages") == ["kept"]


def test_sweeping_spares_what_is_quoted_meanwhile(connection: sqlite3.Connection) -> None:
    """An exchange that comes while the sweep is under way refers to a text nobody else does."""
    do(connection, exchange(1, said("orphan", BEN, at(START, 1))))
    with transaction(connection):
        connection.execute("DELETE FROM exchanges")
    arrived = False

    def pace() -> None:
        nonlocal arrived
        if not arrived:
            arrived = True
            do(connection, exchange(2, said("orphan", BEN, at(START, 1))))

    do(connection, exchange(3, said("another", BEN, at(START, 2))))
    sweep(connection, START, pace)
    assert arrived
    assert set(column(connection, "SELECT content FROM messages")) == {"orphan", "another"}
    assert sorted(
        json.loads(row)[1]["content"]
        for row in column(connection, "SELECT input FROM training_data")
    ) == ["name of 11: another", "name of 11: orphan"]


def test_a_deleted_message_keeps_its_place_for_a_year(connection: sqlite3.Connection) -> None:
    """So a backup that is merged into the file meanwhile does not bring its text back."""
    do(connection, exchange(1, said("words", BEN, at(START, 1))), ReplyAttached(at(START, 1), (7,)))
    do(connection, MessagesForgotten((at(START, 1),)))
    expire(connection, START + 30 * DAY)
    sweep(connection, START + 31 * DAY)
    assert column(connection, "SELECT message_id FROM messages") == [at(START, 1)]
    assert column(connection, "SELECT content FROM messages") == [None]
    sweep(connection, START + 400 * DAY)
    assert column(connection, "SELECT message_id FROM messages") == []


def test_steps_are_short_transactions(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Between two steps another connection can write."""
    do(connection, *(exchange(n, said(f"text {n}", BEN, at(START, n))) for n in range(1, 700)))
    other = sqlite3.connect(tmp_path / "guilds/1.sqlite3", timeout=0, isolation_level=None)
    turns = 0

    def pace() -> None:
        nonlocal turns
        turns += 1
        other.execute("INSERT OR REPLACE INTO settings VALUES ('turn', ?)", (str(turns),))

    with closing(other):
        forget_person(connection, BEN, pace=pace)
        assert turns >= 7
        expire(connection, START + DAY, pace=pace)
        sweep(connection, START, pace)
    assert turns > 10


@pytest.mark.parametrize("seed", range(4))
def test_nothing_stays_behind_in_pages(tmp_path: Path, seed: int) -> None:
    """secure_delete alone leaves copies of rows that SQLite moved; wiping takes them, too."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    people = list(range(100, 106))
    with closing(open_world(tmp_path, World(WorldKind.GUILD, 1), Engine())) as connection:
        spoken: list[ChatMessage] = []
        left_behind = 0
        for n in range(600):
            who = chance.choice(people)
            text = f"SECRET{who}-{n} " + "x" * chance.randint(0, 1500)
            spoken.append(said(text, who, at(START, n)))
            number = n + 1000 + chance.randint(-20, 20)
            output = f"ANSWER{who}- " + "y" * chance.randint(0, 1500)
            do(connection, exchange(number, *spoken[-6:], user_id=who, output=output))
            edited = chance.choice(spoken)
            longer = f"SECRET{edited.author_id}-e " + "z" * chance.randint(0, 2500)
            do(connection, TextEdited(edited.message_id or 0, longer, START + n))
        for who in people[:-1]:
            forget_person(connection, who)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            left_behind += len(files_with(tmp_path, f"SECRET{who}-", f"ANSWER{who}-"))
            assert not is_clean(connection)
            assert wipe(connection)
            assert is_clean(connection)
            assert files_with(tmp_path, f"SECRET{who}-", f"ANSWER{who}-") == []
        assert files_with(tmp_path, f"SECRET{people[-1]}-") != []
    assert left_behind, "wiping would not be needed, and this test would show nothing"


def test_nothing_of_who_only_voted_stays_behind_in_pages(tmp_path: Path) -> None:
    """As with words: votes are moved from page to page, and their copies have a person's id."""
    voter = 1234567890123456789
    chance = random.Random(2)  # noqa: S311 - the same every time
    world = World(WorldKind.GUILD, 1)
    with closing(open_world(tmp_path, world, Engine())) as connection:
        ids = list(range(1_500))
        chance.shuffle(ids)
        for start in range(0, len(ids), 50):
            do(
                connection,
                *(VoteCast(10**18 + n, voter if n % 2 else n, 1, START) for n in ids[start:][:50]),
            )
        assert forget_person(connection, voter).votes == 750
        assert not is_clean(connection)
        assert wipe(connection)
        assert forget_person(connection, voter).rows == 0
        assert is_clean(connection)
    (path,) = (tmp_path / "guilds").iterdir()
    assert voter.to_bytes(8, "big") not in path.read_bytes()


def test_deleted_messages_and_edits_make_a_file_unclean(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    do(connection, exchange(1, said("first version", BEN, at(START, 1))))
    assert is_clean(connection)
    do(connection, TextEdited(at(START, 1), "second version", START + 1))
    assert not is_clean(connection)
    wipe(connection)
    assert files_with(tmp_path, "first version") == []
    do(connection, MessagesForgotten((at(START, 1),)))
    assert not is_clean(connection)
    wipe(connection)
    assert files_with(tmp_path, "second version") == []
    assert is_clean(connection)
    # The night does nothing to a file that is clean: all of it is to be gone by then.
    assert files_with(tmp_path, "name of 11") == []
    assert column(connection, "SELECT count(author_id) FROM speakers") == [0]


def test_a_correction_that_was_replaced_is_gone(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    do(connection, exchange(1), ReplyAttached(at(START, 1), (7,)))
    do(connection, DemonstrationGiven(7, BEN, "first correction", START))
    do(connection, DemonstrationGiven(7, BEN, "first correction", START + 1))
    assert is_clean(connection)
    do(connection, DemonstrationGiven(7, BEN, "second correction", START + 2))
    assert column(connection, "SELECT content FROM demonstrations") == ["second correction"]
    assert not is_clean(connection)
    wipe(connection)
    assert files_with(tmp_path, "first correction") == []


def test_what_was_quoted_lately_is_found_by_room(connection: sqlite3.Connection) -> None:
    later = START + DAY
    starter = said("a thread began with it", CLEO, ROOM)
    do(
        connection,
        exchange(1, said("long ago", BEN, at(START, 1))),
        exchange(2, starter, said("now", BEN, at(later, 1)), time=later),
        ReplyAttached(at(later, 2), (at(later, 3),)),
        exchange(4, said("there", CLEO, at(later, 4)), room_id=OTHER_ROOM, time=later),
    )
    found = quoted_since(connection, later, 10)
    assert {room: [m.message_id for m in some] for room, some in found.items()} == {
        ROOM: [at(later, 3), at(later, 1)],
        OTHER_ROOM: [at(later, 4)],
    }
    assert len(quoted_since(connection, START, 1)[ROOM]) == 1
    assert sorted(authors(connection)) == [BEN, CLEO]
