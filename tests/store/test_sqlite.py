"""The store, read back by plain sqlite3 as anybody would read it."""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.store.migrations import MIGRATIONS
from bot.store.problems import StoreError, UnstorableError
from bot.store.records import ChatMessage, Exchange, RecordStats, World, WorldKind
from bot.store.sqlite import SqliteStore, SqliteWorldStore

GUILD = World(WorldKind.GUILD, 1574079678635835395)
DM = World(WorldKind.DM, 42)
SYSTEM = ChatMessage("system", "Be kind.")
QUESTION = ChatMessage("user", "Where is my cat?", name="ben", message_id=71, author_id=9)
COLUMNS = [
    *("id", "timestamp", "guild_id", "room_id", "user_id", "message_id", "reply_id"),
    *("model_type", "provider", "model", "input", "output", "reasoning", "success", "error"),
    *("fallback_from", "fallback_reason", "latency_ms", "first_token_ms"),
    *("prompt_tokens", "completion_tokens"),
]


def exchange(exchange_id: str = "a" * 32, *messages: ChatMessage) -> Exchange:
    return Exchange(
        id=exchange_id,
        timestamp=1_700_000_000_123,
        room_id=5,
        user_id=9,
        message_id=71,
        model_type="planning",
        provider="openai",
        model="gpt",
        input=messages or (SYSTEM, QUESTION),
        output="On the sofa.",
        reasoning="Cats like sofas.",
        success=True,
        error=None,
        fallback_from=None,
        fallback_reason=None,
        latency_ms=12.5,
        first_token_ms=3.25,
        prompt_tokens=11,
        completion_tokens=4,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteWorldStore]:
    store = SqliteStore(tmp_path).world(GUILD)
    yield store
    await store.close()


def rows(store: SqliteWorldStore, query: str = "SELECT * FROM training_data") -> list[Any]:
    connection = sqlite3.connect(f"file:{store.location}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


def inputs(store: SqliteWorldStore) -> list[str]:
    return [message["content"] for row in rows(store) for message in json.loads(row["input"])]


async def test_a_row_of_training_data_has_it_all(store: SqliteWorldStore) -> None:
    await store.keep([exchange()])
    await store.attach_reply("a" * 32, [72, 73])
    (row,) = rows(store)
    assert list(row) == COLUMNS
    assert json.loads(row.pop("input")) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "ben: Where is my cat?"},
    ]
    assert row == {
        "id": "a" * 32,
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
        "success": 1,
        "error": None,
        "fallback_from": None,
        "fallback_reason": None,
        "latency_ms": 12.5,
        "first_token_ms": 3.25,
        "prompt_tokens": 11,
        "completion_tokens": 4,
    }


async def test_one_file_a_world(tmp_path: Path) -> None:
    for world, path in ((GUILD, f"guilds/{GUILD.id}.sqlite3"), (DM, "dms/42.sqlite3")):
        store = SqliteStore(tmp_path).world(world)
        await store.keep([exchange()])
        assert Path(store.location) == tmp_path / path
        assert rows(store)[0]["guild_id"] == (GUILD.id if world is GUILD else None)
        await store.close()


async def test_reading_makes_no_file(store: SqliteWorldStore) -> None:
    assert await store.get_setting("reasoning") is None
    assert await store.stats() == RecordStats()
    await store.edit_message(1, "x")
    await store.delete_messages([1])
    assert not store.exists
    assert not Path(store.location).exists()


async def test_a_text_is_stored_once_however_often_it_is_quoted(store: SqliteWorldStore) -> None:
    await store.keep([exchange(f"{n:032}") for n in range(10)])
    await store.keep([exchange(f"{n:032}") for n in range(10, 20)])
    assert rows(store, "SELECT count(*) AS n FROM messages") == [{"n": 1}]
    assert rows(store, "SELECT count(*) AS n FROM texts") == [{"n": 1}]
    assert inputs(store) == ["Be kind.", "ben: Where is my cat?"] * 20


async def test_an_edit_is_true_for_every_exchange(store: SqliteWorldStore) -> None:
    await store.keep([exchange("a" * 32), exchange("b" * 32)])
    await store.edit_message(71, "Where is my dog?")
    assert inputs(store) == ["Be kind.", "ben: Where is my dog?"] * 2


async def test_a_deletion_is_true_for_every_exchange_and_stays(store: SqliteWorldStore) -> None:
    await store.keep([exchange("a" * 32), exchange("b" * 32)])
    await store.delete_messages([71, 999])
    await store.keep([exchange("c" * 32)])
    await store.edit_message(71, "Where is my dog?")
    assert inputs(store) == ["Be kind.", "[deleted]"] * 3
    assert rows(store, "SELECT author_id, name, content FROM messages") == [
        {"author_id": 9, "name": None, "content": None}
    ]


async def test_deleting_any_part_of_a_reply_deletes_the_output(store: SqliteWorldStore) -> None:
    await store.keep([exchange("a" * 32), exchange("b" * 32)])
    await store.attach_reply("a" * 32, [72, 73])
    await store.attach_reply("b" * 32, [74])
    await store.delete_messages([73])
    assert [(row["output"], row["reasoning"]) for row in rows(store)] == [
        (None, None),
        ("On the sofa.", "Cats like sofas."),
    ]


async def test_the_same_record_twice_is_kept_and_counted_once(store: SqliteWorldStore) -> None:
    failed = replace(
        exchange("b" * 32), success=False, fallback_from="custom/x", timestamp=1_600_000_000_000
    )
    await store.keep([exchange(), failed])
    await store.keep([exchange(), failed])
    assert len(rows(store)) == 2
    assert await store.stats() == RecordStats(2, 1, 1, 1_700_000_000_123)


async def test_settings_survive_closing(store: SqliteWorldStore) -> None:
    await store.set_setting("reasoning", {"enabled": True})
    await store.close()
    assert await store.get_setting("reasoning") == {"enabled": True}
    assert await store.get_setting("other") is None


async def test_a_hash_of_digits_is_no_message_id(store: SqliteWorldStore) -> None:
    """Prompts refer to texts by hash and to messages by id; one must never find the other."""
    await store.keep([exchange("a" * 32, ChatMessage("system", "x"), QUESTION)])
    (prompt,) = rows(store, "SELECT prompt FROM exchanges")
    assert all(isinstance(ref, int) or ref[0] == "h" for _, ref in json.loads(prompt["prompt"]))


async def test_a_file_of_a_newer_version_is_left_alone(store: SqliteWorldStore) -> None:
    await store.keep([exchange()])
    await store.close()
    with sqlite3.connect(store.location) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        await store.keep([exchange("b" * 32)])
    assert len(rows(store)) == 1


async def test_a_damaged_file_is_reported_and_left_alone(store: SqliteWorldStore) -> None:
    path = Path(store.location)
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"damaged.*Move it aside"):
        await store.keep([exchange()])
    assert path.read_bytes().startswith(b"this is no database")


async def test_a_locked_file_is_reported_and_recovers(store: SqliteWorldStore) -> None:
    await store.keep([exchange()])
    other = sqlite3.connect(store.location, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program"):
        await store.keep([exchange("b" * 32)])
    other.execute("ROLLBACK")
    other.close()
    await store.keep([exchange("b" * 32)])
    assert len(rows(store)) == 2


async def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "guilds").write_text("a file where the folder should be")
    store = SqliteStore(tmp_path).world(GUILD)
    with pytest.raises(StoreError, match="DATA_DIR"):
        await store.keep([exchange()])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "guilds").mkdir(mode=0o500)
    store = SqliteStore(tmp_path).world(GUILD)
    with pytest.raises(StoreError, match="permission"):
        await store.keep([exchange()])


async def test_a_batch_is_kept_whole_or_not_at_all(store: SqliteWorldStore) -> None:
    broken = replace(exchange("b" * 32), model_type=None)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        await store.keep([exchange(), broken])
    assert not rows(store)
    assert await store.stats() == RecordStats()


async def test_what_is_kept_is_flushed(store: SqliteWorldStore) -> None:
    """The documented guarantee for power loss: WAL with synchronous=FULL syncs every commit."""
    await store.keep([exchange()])
    assert store._connection is not None
    levels = await store._connection.execute_fetchall("PRAGMA synchronous")
    journal = await store._connection.execute_fetchall("PRAGMA journal_mode")
    assert [tuple(row) for row in (*levels, *journal)] == [(2,), ("wal",)]


async def test_only_the_operator_can_read_the_folder(store: SqliteWorldStore) -> None:
    await store.keep([exchange()])
    assert Path(store.location).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("seen", ["Where is my dog?", None])
async def test_the_newest_version_of_a_text_is_kept(
    store: SqliteWorldStore, seen: str | None
) -> None:
    later = replace(QUESTION, content=seen or "half", name="benny", author_id=None)
    older = exchange("b" * 32)
    newer = replace(exchange("c" * 32, later), timestamp=older.timestamp + 1)
    if seen:
        await store.keep([older])
        await store.keep([newer])
    else:
        await store.keep([newer, older])
    expected = {"author_id": 9, "name": "benny", "content": later.content}
    assert rows(store, "SELECT author_id, name, content FROM messages") == [expected]


@pytest.mark.parametrize(
    "values",
    [
        {"prompt_tokens": 10**30},
        {"output": "\ud83d"},
        {"input": (ChatMessage("system", "\ud83d"),)},
        {"model_type": None},
        {"provider": object()},
    ],
    ids=["number", "output", "prompt", "null", "object"],
)
async def test_a_value_that_no_file_takes_is_told_as_such(
    store: SqliteWorldStore, values: dict[str, Any]
) -> None:
    with pytest.raises(UnstorableError):
        await store.keep([replace(exchange(), **values)])
    await store.keep([exchange("b" * 32)])
    with pytest.raises(UnstorableError):
        await store.edit_message(71, "\ud83d")
    assert [row["id"] for row in rows(store)] == ["b" * 32]


async def test_what_people_are_told_has_no_path(store: SqliteWorldStore) -> None:
    path = Path(store.location)
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError) as caught:
        await store.stats()
    assert str(path) in str(caught.value)
    assert str(path) not in caught.value.public
    assert "Move it aside" in caught.value.public


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
async def test_a_file_that_goes_while_it_is_open_is_made_again(
    store: SqliteWorldStore, how: str
) -> None:
    await store.keep([exchange()])
    path = Path(store.location)
    if how == "deleted":
        for file in list(path.parent.iterdir()):
            file.unlink()
    else:
        path.rename(path.with_name("elsewhere"))
    if how == "replaced":
        other = SqliteWorldStore(GUILD, path)
        await other.keep([exchange("c" * 32)])
        await other.close()
    assert store.exists == (how == "replaced")
    assert (await store.stats()).exchanges == (how == "replaced")
    await store.keep([exchange("b" * 32)])
    expected = ["b" * 32] + ["c" * 32] * (how == "replaced")
    assert sorted(row["id"] for row in rows(store)) == expected


async def test_a_file_that_is_repaired_while_it_is_open_is_used_again(
    store: SqliteWorldStore,
) -> None:
    await store.keep([exchange()])
    await store.close()
    path = Path(store.location)
    good = path.read_bytes()
    await store.stats()
    path.write_bytes(b"\xff" * len(good))
    with pytest.raises(StoreError, match="damaged"):
        await store.keep([exchange("b" * 32)])
    for leftover in path.parent.glob("*-*"):
        leftover.unlink()
    path.write_bytes(good)
    await store.keep([exchange("b" * 32)])
    assert len(rows(store)) == 2


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
async def test_who_is_cancelled_while_it_commits_learns_that_it_was_done(
    store: SqliteWorldStore, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """A cancelled BEGIN keeps nothing and leaves no transaction open."""
    await store.keep([exchange()])
    assert store._connection is not None
    execute, reached, go_on = store._connection.execute, asyncio.Event(), threading.Event()
    hold: Any = store._connection._execute

    async def slow(sql: str, *values: object) -> object:
        if sql == statement:
            held = asyncio.ensure_future(hold(go_on.wait, 5.0))
            done = asyncio.ensure_future(execute(sql))
            reached.set()
            await held
            return await done
        return await execute(sql, *values)

    outcome: list[str] = []

    async def keep() -> None:
        await store.keep([exchange("b" * 32)])
        outcome.append("kept")
        await asyncio.Event().wait()

    monkeypatch.setattr(store._connection, "execute", slow)
    task = asyncio.ensure_future(keep())
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    committed = statement == "COMMIT"
    assert outcome == ["kept"] * committed
    assert len(rows(store)) == 1 + committed
    await store.keep([exchange("c" * 32)])
    assert len(rows(store)) == 2 + committed


async def test_only_the_operator_can_read_the_files(store: SqliteWorldStore) -> None:
    before = os.umask(0)
    try:
        await store.keep([exchange()])
    finally:
        os.umask(before)
    files = list(Path(store.location).parent.iterdir())
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
