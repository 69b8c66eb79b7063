"""The store, read back by plain sqlite3 as anybody would read it."""

import json
import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.store.interface import StoreError
from bot.store.migrations import MIGRATIONS
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
