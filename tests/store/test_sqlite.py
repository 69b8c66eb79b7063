"""The store, read back by plain sqlite3 as anybody would read it."""

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.store import writer, writing
from bot.store.engine import Engine
from bot.store.files import look_into, path_of
from bot.store.inbox import Inbox
from bot.store.migrations import MIGRATIONS
from bot.store.operations import (
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)
from bot.store.problems import StoreError, UnstorableError
from bot.store.records import ChatMessage, Exchange, RecordStats, World, WorldKind
from bot.store.sqlite import SqliteStore, SqliteWorldStore
from tests.store.filling import exchange_of
from tests.waiting import until

A, B, C = 1_001, 1_002, 1_003
GUILD = World(WorldKind.GUILD, 1574079678635835395)
DM = World(WorldKind.DM, 42)
SYSTEM = ChatMessage("system", "Be kind.")
QUESTION = ChatMessage("user", "Where is my cat?", name="ben", message_id=71, author_id=9)
COLUMNS = [
    *("id", "timestamp", "guild_id", "room_id", "user_id", "message_id", "reply_id"),
    *("model_type", "provider", "model", "input", "output", "reasoning", "finish_reason"),
    *("success", "error", "fallback_from", "fallback_reason", "latency_ms", "first_token_ms"),
    *("prompt_tokens", "completion_tokens", "thumbs_up", "thumbs_down"),
]


def exchange(exchange_id: int = A, *messages: ChatMessage) -> Exchange:
    return exchange_of(
        id=exchange_id,
        timestamp=1_700_000_000_123,
        message_id=71,
        input=messages or (SYSTEM, QUESTION),
        output="On the sofa.",
        reasoning="Cats like sofas.",
        latency_ms=12.75,
        first_token_ms=3.25,
    )


LATER = 1_700_000_000_999


@pytest.fixture(params=["thread", "process"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path, in_process=request.param == "thread") as home:
        yield home


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteWorldStore]:
    async with SqliteStore(tmp_path, in_process=True) as home:
        yield home.world(GUILD)


async def keep(store: SqliteWorldStore, operations: Sequence[Operation]) -> None:
    """On disk, and in the file."""
    await store.write(operations)
    await store.drained()


SAID = """
    SELECT s.author_id, s.name, m.content FROM messages m JOIN speakers s ON s.id = m.speaker
"""


def rows(store: SqliteWorldStore, query: str = "SELECT * FROM training_data") -> list[Any]:
    connection = sqlite3.connect(f"file:{store.location}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


def inputs(store: SqliteWorldStore) -> list[str]:
    return [message["content"] for row in rows(store) for message in json.loads(row["input"])]


async def test_a_row_of_training_data_has_it_all(home: SqliteStore) -> None:
    store = home.world(GUILD)
    await keep(store, [exchange()])
    await keep(
        store,
        [
            ReplyAttached(
                A,
                (
                    72,
                    73,
                ),
            )
        ],
    )
    (row,) = rows(store)
    assert list(row) == COLUMNS
    assert json.loads(row.pop("input")) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "ben: Where is my cat?"},
    ]
    assert row == {
        "id": A,
        "timestamp": 1_700_000_000_123,
        "guild_id": GUILD.id,
        "room_id": 5,
        "user_id": 9,
        "message_id": 71,
        "reply_id": 72,
        "model_type": "planning",
        "provider": "openai",
        "model": "gpt",
        "output": "On the sofa.",
        "reasoning": "Cats like sofas.",
        "finish_reason": "stop",
        "success": 1,
        "error": None,
        "fallback_from": None,
        "fallback_reason": None,
        "latency_ms": 13,
        "first_token_ms": 3,
        "prompt_tokens": 11,
        "completion_tokens": 4,
        "thumbs_up": 0,
        "thumbs_down": 0,
    }


async def test_one_file_a_world(home: SqliteStore) -> None:
    for world, path in ((GUILD, f"guilds/{GUILD.id}.sqlite3"), (DM, "dms/42.sqlite3")):
        store = home.world(world)
        await keep(store, [exchange()])
        assert Path(store.location) == home.folder / path
        assert rows(store)[0]["guild_id"] == (GUILD.id if world is GUILD else None)


async def test_reading_makes_no_file(store: SqliteWorldStore) -> None:
    assert await store.get_setting("reasoning") is None
    assert await store.stats() == RecordStats()
    await keep(store, [TextEdited(1, "x", LATER)])
    await keep(store, [MessagesForgotten((1,))])
    assert not store.exists
    assert not Path(store.location).exists()


async def test_a_text_is_stored_once_however_often_it_is_quoted(store: SqliteWorldStore) -> None:
    await keep(store, [exchange(n) for n in range(10)])
    await keep(store, [exchange(n) for n in range(10, 20)])
    assert rows(store, "SELECT count(*) AS n FROM messages") == [{"n": 1}]
    assert rows(store, "SELECT count(*) AS n FROM texts") == [{"n": 1}]
    assert inputs(store) == ["Be kind.", "ben: Where is my cat?"] * 20


async def test_an_edit_is_true_for_every_exchange(store: SqliteWorldStore) -> None:
    await keep(store, [exchange(A), exchange(B)])
    await keep(store, [TextEdited(71, "Where is my dog?", LATER)])
    assert inputs(store) == ["Be kind.", "ben: Where is my dog?"] * 2


async def test_a_deletion_is_true_for_every_exchange_and_stays(store: SqliteWorldStore) -> None:
    await keep(store, [exchange(A), exchange(B)])
    await keep(
        store,
        [
            MessagesForgotten(
                (
                    71,
                    999,
                )
            )
        ],
    )
    await keep(store, [exchange(C)])
    await keep(store, [TextEdited(71, "Where is my dog?", LATER)])
    assert inputs(store) == ["Be kind.", "[deleted]"] * 3
    assert rows(store, SAID) == [{"author_id": None, "name": None, "content": None}]


async def test_deleting_any_part_of_a_reply_deletes_the_output(store: SqliteWorldStore) -> None:
    await keep(store, [exchange(A), exchange(B)])
    await keep(
        store,
        [
            ReplyAttached(
                A,
                (
                    72,
                    73,
                ),
            )
        ],
    )
    await keep(store, [ReplyAttached(B, (74,))])
    await keep(store, [MessagesForgotten((73,))])
    assert [(row["output"], row["reasoning"]) for row in rows(store)] == [
        (None, None),
        ("On the sofa.", "Cats like sofas."),
    ]


async def test_the_same_record_twice_is_kept_and_counted_once(store: SqliteWorldStore) -> None:
    failed = replace(
        exchange(B), success=False, fallback_from="custom/x", timestamp=1_600_000_000_000
    )
    await keep(store, [exchange(), failed])
    await keep(store, [exchange(), failed])
    assert len(rows(store)) == 2
    assert await store.stats() == RecordStats(2, 1, 1, 1_700_000_000_123)


async def test_settings_survive_closing(home: SqliteStore) -> None:
    store = home.world(GUILD)
    await store.set_setting("reasoning", {"enabled": True})
    await store.close()
    assert await store.get_setting("reasoning") == {"enabled": True}
    assert await store.get_setting("other") is None


async def test_what_is_kept_is_there_at_the_next_start(home: SqliteStore) -> None:
    await home.world(GUILD).write([exchange()])
    await home.close()
    assert len(rows(home.world(GUILD))) == 1
    assert [path.name for path in (home.folder / "inbox").iterdir()] == ["lock"]
    async with SqliteStore(home.folder, in_process=True) as again:
        await keep(again.world(GUILD), [exchange(B)])
        assert (await again.world(GUILD).stats()).exchanges == 2


async def test_what_a_crash_left_is_moved_at_the_next_start(tmp_path: Path) -> None:
    """Until then any world may have something, and nothing that changes it may be left out."""
    inbox = Inbox(tmp_path, Engine())
    inbox.append([(GUILD, *encode(exchange()))])
    inbox.close()
    async with SqliteStore(tmp_path, in_process=True) as home:
        store = home.world(GUILD)
        assert store.exists
        await store.write([MessagesForgotten((71,))])
        await until(lambda: not home.writing.unsettled)
        assert not home.world(DM).exists
        await store.drained()
        assert inputs(store) == ["Be kind.", "[deleted]"]


async def test_what_a_crash_left_and_no_file_takes_is_still_to_be_changed(tmp_path: Path) -> None:
    """What is deleted meanwhile is noted, as it is to be gone when the file can be made."""
    inbox = Inbox(tmp_path, Engine())
    inbox.append([(GUILD, *encode(exchange()))])
    inbox.close()
    (tmp_path / "guilds").write_text("a file where the folder should be")
    async with SqliteStore(tmp_path, in_process=True) as home:
        await until(lambda: not home.writing.unsettled)
        assert home.world(GUILD).exists
        assert not home.world(DM).exists


async def test_what_waits_is_known_whoever_asks_at_the_same_time(store: SqliteWorldStore) -> None:
    await store.write([exchange()])
    await asyncio.gather(*(store.drained() for _ in range(3)))
    assert store.exists
    for file in Path(store.location).parent.iterdir():
        file.unlink()
    assert not store.exists
    await store.write([exchange(B)])
    assert store.exists


@pytest.mark.parametrize("in_process", [True, False])
async def test_what_cannot_be_read_of_what_a_crash_left_is_counted(
    tmp_path: Path, *, in_process: bool
) -> None:
    left_damaged(tmp_path, [exchange(), exchange(B), exchange(C)])
    async with SqliteStore(tmp_path, in_process=in_process) as home:
        store, other = home.world(GUILD), home.world(DM)
        await store.drained()
        assert [row["id"] for row in rows(store)] == [C]
        assert (store.lost, other.lost) == (1, 0)
        for told in (store.lost_anywhere, other.lost_anywhere):
            assert told is not None
            assert told.startswith("1 records")
            assert "understudy doctor" in told


def left_damaged(folder: Path, exchanges: Sequence[Exchange]) -> None:
    """An inbox of these: of the first one nothing can be read, of the second whose it is."""
    inbox = Inbox(folder, Engine())
    inbox.append([(GUILD, *encode(one)) for one in exchanges])
    inbox.close()
    (path,) = (folder / "inbox").glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET world_kind = 'x' WHERE seq = 1")
        connection.execute("UPDATE operations SET kind = 'x' WHERE seq = 2")


async def test_changes_alone_make_no_file(store: SqliteWorldStore) -> None:
    await keep(store, [MessagesForgotten((71,)), TextEdited(71, "x", LATER)])
    assert not store.exists


async def test_after_the_end_everybody_gets_an_answer(home: SqliteStore) -> None:
    store = home.world(GUILD)
    await store.write([exchange()])
    waiting = asyncio.ensure_future(store.drained())
    await asyncio.sleep(0)
    await home.close()
    await asyncio.wait([waiting], timeout=10)
    assert waiting.done()
    waiting.exception()
    for call in (store.write([exchange(B)]), store.drained(), home.drained()):
        with pytest.raises(StoreError, match="closed"):
            await call


async def test_at_the_end_one_who_cannot_be_told_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(writing, "begin", fails)
    home = SqliteStore(tmp_path)
    told: list[StoreError | None] = []

    def cannot(_: StoreError | None) -> None:
        raise RuntimeError

    home.world(GUILD).submit(exchange(), cannot)
    home.world(GUILD).submit(exchange(B), told.append)
    await home.writing.close(0.01)
    assert [str(error) for error in told] == ["The bot was stopped before it was on disk."]


async def test_two_bots_on_one_folder_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.05)
    async with SqliteStore(tmp_path, in_process=True) as first:
        await first.world(GUILD).write([exchange()])
        second = SqliteStore(tmp_path, in_process=True)
        with pytest.raises(StoreError, match="Another bot"):
            await second.world(GUILD).drained()
        waits = asyncio.ensure_future(second.world(GUILD).write([exchange(B)]))
        await first.close()
        await waits
        await second.world(GUILD).drained()
        assert second.problem is None
        await second.close()
    assert len(rows(first.world(GUILD))) == 2


async def test_a_file_of_a_newer_version_is_left_alone(store: SqliteWorldStore) -> None:
    await keep(store, [exchange()])
    with contextlib.closing(sqlite3.connect(store.location)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    await store._store.close()
    async with SqliteStore(store._store.folder, in_process=True) as home:
        again = home.world(GUILD)
        await again.write([exchange(B)])
        with pytest.raises(StoreError, match="newer version"):
            await again.drained()
        assert "newer version" in (again.held_up or "")
        assert len(rows(again)) == 1


async def test_a_damaged_file_is_reported_and_set_aside(store: SqliteWorldStore) -> None:
    path = Path(store.location)
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    await store.write([exchange()])
    with pytest.raises(StoreError, match=r"set aside.*store repair") as caught:
        await store.drained()
    assert str(path) not in caught.value.public
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    await until(lambda: store.held_up is None and len(rows(store)) == 1)


async def test_a_locked_file_is_reported_and_recovers(store: SqliteWorldStore) -> None:
    await keep(store, [exchange()])
    other = sqlite3.connect(store.location, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await store.write([exchange(B)])
    with pytest.raises(StoreError, match="another program"):
        await store.drained()
    assert "another program" in (store.held_up or "")
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: store.held_up is None and len(rows(store)) == 2)


async def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "guilds").write_text("a file where the folder should be")
    async with SqliteStore(tmp_path, in_process=True) as home:
        store = home.world(GUILD)
        await store.write([exchange()])
        with pytest.raises(StoreError, match="DATA_DIR"):
            await store.drained()
        (tmp_path / "guilds").unlink()
        await until(lambda: store.held_up is None and len(rows(store)) == 1)


async def test_what_is_kept_is_flushed(
    store: SqliteWorldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented guarantee for power loss: WAL with synchronous=FULL syncs every commit."""
    opened: list[sqlite3.Connection] = []
    connect = Engine.connect

    def noted(
        engine: Engine, path: Path, *, read_only: bool = False, page_size: int = 4096
    ) -> sqlite3.Connection:
        connection = connect(engine, path, read_only=read_only, page_size=page_size)
        if not read_only:
            opened.append(connection)
        return connection

    monkeypatch.setattr(Engine, "connect", noted)
    await store.write([exchange()])
    levels = {connection.execute("PRAGMA synchronous").fetchone()[0] for connection in opened}
    modes = {connection.execute("PRAGMA journal_mode").fetchone()[0] for connection in opened}
    assert (levels, modes) == ({2}, {"wal"})


async def test_only_the_operator_can_read_the_folder(store: SqliteWorldStore) -> None:
    await keep(store, [exchange()])
    assert Path(store.location).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("seen", ["Where is my dog?", None])
async def test_the_newest_version_of_a_text_is_kept(
    store: SqliteWorldStore, seen: str | None
) -> None:
    later = replace(QUESTION, content=seen or "half", name="benny", author_id=None)
    older = exchange(B)
    newer = replace(exchange(C, later), timestamp=older.timestamp + 1)
    if seen:
        await keep(store, [older])
        await keep(store, [newer])
    else:
        await keep(store, [newer, older])
    expected = {"author_id": 9, "name": "benny", "content": later.content}
    assert rows(store, SAID) == [expected]


@pytest.mark.parametrize(
    "values",
    [
        {"prompt_tokens": 10**30},
        {"output": "\ud83d"},
        {"input": (ChatMessage("system", "\ud83d"),)},
        {"model_type": None},
        {"latency_ms": None},
        {"provider": object()},
    ],
    ids=["number", "output", "prompt", "null", "no time", "object"],
)
async def test_a_value_that_no_file_takes_is_told_as_such(
    store: SqliteWorldStore, values: dict[str, Any]
) -> None:
    with pytest.raises(UnstorableError):
        await keep(store, [replace(exchange(), **values)])
    await keep(store, [exchange(B)])
    with pytest.raises(UnstorableError):
        await keep(store, [TextEdited(71, "\ud83d", LATER)])
    assert [row["id"] for row in rows(store)] == [B]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
async def test_a_world_that_no_file_takes_holds_up_no_other(
    store: SqliteWorldStore, number: int
) -> None:
    with pytest.raises(UnstorableError):
        # The writer would try again and again.
        async with asyncio.timeout(2):
            await store._store.world(World(WorldKind.GUILD, number)).write([exchange()])
    await keep(store, [exchange(B)])
    assert [row["id"] for row in rows(store)] == [B]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("value", [1, -1])
async def test_a_vote_that_takes_another_back_takes_the_place_of_any(
    store: SqliteWorldStore, value: int, together: bool
) -> None:
    first, second = VoteCast(80, 9, 1, LATER), VoteCast(80, 9, value, LATER + 1, -1)
    for votes in ([first, second],) if together else ([first], [second]):
        await keep(store, [exchange(), ReplyAttached(A, (80,)), *votes])
    assert [row["value"] for row in rows(store, "SELECT value FROM votes")] == [value]
    assert store.lost == 0


async def test_what_people_are_told_has_no_path(store: SqliteWorldStore) -> None:
    Path(store.location).mkdir(parents=True)
    await store.write([exchange()])
    with pytest.raises(StoreError) as caught:
        await store.drained()
    for told in (caught.value.public, store.held_up or ""):
        assert told
        assert str(Path(store.location).parent) not in told


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
async def test_a_file_that_goes_while_it_is_open_is_made_again(
    store: SqliteWorldStore, how: str
) -> None:
    await keep(store, [exchange()])
    path = Path(store.location)
    if how == "deleted":
        for file in list(path.parent.iterdir()):
            file.unlink()
    else:
        for file in list(path.parent.iterdir()):
            file.rename(file.with_name(file.name.replace(path.name, "elsewhere")))
    if how == "replaced":
        async with SqliteStore(path.parents[1] / "other", in_process=True) as other:
            await keep(other.world(GUILD), [exchange(C)])
        Path(other.world(GUILD).location).rename(path)
    assert store.exists == (how == "replaced")
    assert (await store.stats()).exchanges == (how == "replaced")
    await keep(store, [exchange(B)])
    expected = [B] + [C] * (how == "replaced")
    assert sorted(row["id"] for row in rows(store)) == expected


async def test_only_the_operator_can_read_the_files(store: SqliteWorldStore) -> None:
    before = os.umask(0)
    try:
        await keep(store, [exchange()])
    finally:
        os.umask(before)
    files = list(Path(store.location).parent.iterdir())
    files += (Path(store.location).parents[1] / "inbox").iterdir()
    assert len(files) > 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_that_a_full_disk_left_empty_is_no_trouble(tmp_path: Path) -> None:
    path = path_of(tmp_path, GUILD)
    path.parent.mkdir()
    path.touch()
    look_into(path, Engine())


async def test_what_is_to_be_forgotten_does_not_wait_for_its_turn(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path, in_process=True) as home:
        worlds = [World(WorldKind.GUILD, number) for number in range(1, 31)]
        for world in worlds:
            await home.world(world).write([exchange()])
        await home.world(worlds[-1]).write([MessagesForgotten((71,))])

        def files() -> set[str]:
            return {path.stem for path in tmp_path.glob("guilds/*.sqlite3")}

        await until(lambda: bool(files()))
        assert "30" in files()


async def test_what_comes_after_something_was_forgotten_is_moved_too(tmp_path: Path) -> None:
    """Though nobody reads the file, and nothing else waited when it was forgotten."""
    async with SqliteStore(tmp_path, in_process=True) as home:
        store = home.world(GUILD)
        await keep(store, [exchange()])
        await store.write([MessagesForgotten((71,))])
        # Nobody holds the file open: all that waited was moved.
        await until(lambda: not Path(f"{store.location}-wal").exists())
        assert inputs(store)[1:] == ["[deleted]"]
        await store.write([exchange(B)])
        await until(lambda: len(rows(store)) == 2)
