"""Files that earlier versions wrote are opened, and nothing in them is lost.

`files/schema-1.sql` is the dump of a file that the code of schema 1 wrote; so are the others.
"""

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.store import files as store_files
from bot.store.choosing import Choice
from bot.store.engine import Engine
from bot.store.files import BEFORE_UPGRADES, open_world, path_of, schema_version
from bot.store.migrations import EMPTY_DAMAGED_PROMPTS, MIGRATIONS
from bot.store.pages import read_page
from bot.store.problems import StoreError
from bot.store.reading import reading
from bot.store.records import DISCORD_EPOCH, World, WorldKind
from bot.store.repair import repair
from bot.store.setting_aside import rename_aside
from bot.store.stretches import number_of, parts_of
from bot.store.training_rows import LeftOut, read_json_lines
from tests.store.filling import GUILD, exchange, fill, training_rows

OTHER = World(WorldKind.GUILD, 7)
DUMPS = Path(__file__).parent / "files"
EARLIER = range(1, len(MIGRATIONS))

Rows = list[dict[str, Any]]
Contents = tuple[list[Any], dict[str, list[Any]]]


def contents(connection: sqlite3.Connection) -> Contents:
    """The whole schema, and all that is in the tables."""
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    tables = [name for kind, name, _, _ in schema if kind == "table"]
    rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608
    return sorted(schema, key=str), rows


@pytest.mark.parametrize("version", EARLIER)
@pytest.mark.parametrize("key", [None, "0" * 32], ids=["plain", "encrypted"])
def test_a_file_that_is_begun_is_what_the_steps_make(
    tmp_path: Path, version: int, key: str | None
) -> None:
    if key is not None:
        pytest.importorskip("sqlcipher3", reason="the extra `encrypted` is not installed")
    engine = Engine(key)
    path = path_of(tmp_path, OTHER)
    path.parent.mkdir(parents=True)
    with contextlib.closing(engine.connect(path)) as connection:
        for step in MIGRATIONS[:version]:
            connection.executescript(step)
        connection.execute(f"PRAGMA user_version = {version}")
    with (
        contextlib.closing(open_world(tmp_path, OTHER, engine)) as stepped,
        contextlib.closing(open_world(tmp_path, GUILD, engine)) as begun,
    ):
        schema, rows = contents(stepped)
        assert rows.pop("world") == [(OTHER.kind, OTHER.id)]
        begun_schema, begun_rows = contents(begun)
        assert begun_rows.pop("world") == [(GUILD.kind, GUILD.id)]
        assert (begun_schema, begun_rows) == (schema, rows)
        assert begun_rows["speakers"]
        assert schema_version(begun, path) == len(MIGRATIONS)


@pytest.mark.parametrize("key", [None, "0" * 32], ids=["plain", "encrypted"])
def test_two_may_begin_a_file_at_once(
    tmp_path: Path, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not wait where another begins to write before the file has a log."""
    if key is not None:
        pytest.importorskip("sqlcipher3", reason="the extra `encrypted` is not installed")
    path = path_of(tmp_path, OTHER)
    path.parent.mkdir(parents=True)
    with contextlib.closing(Engine(key).connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
        with contextlib.closing(open_world(tmp_path, OTHER, Engine(key))) as begun:
            assert begun.execute("SELECT id FROM world").fetchall() == [(OTHER.id,)]
            assert begun.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def write_earlier(folder: Path, version: int) -> Rows:
    """Make the world's file as that version left it. Returns its rows of training_data."""
    path = path_of(folder, GUILD)
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((DUMPS / f"schema-{version}.sql").read_text(encoding="utf-8"))
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        return training_rows(connection)


def as_before(row: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """The row with the columns that there were."""
    return {name: row[name] for name in earlier if name != "id"}


def as_kept(earlier: dict[str, Any]) -> dict[str, Any]:
    """The earlier row without its id, times in whole milliseconds."""
    return {
        name: int(value + 0.5) if isinstance(value, float) else value
        for name, value in earlier.items()
        if name != "id"
    }


@pytest.mark.parametrize("version", EARLIER)
def test_every_row_survives(tmp_path: Path, version: int) -> None:
    expected = write_earlier(tmp_path, version)
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        found = training_rows(connection)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = connection.execute("SELECT exchanges, failures, fallbacks FROM counters")
        assert counted.fetchone() == (6, 1, 1)
        settings = connection.execute("SELECT value FROM settings").fetchall()
        assert [json.loads(value) for (value,) in settings] == [{"enabled": True}]
    assert len(found) == len(expected) == 6
    for row, earlier in zip(found, expected, strict=True):
        assert as_before(row, earlier) == as_kept(earlier)
        if version == 1:
            assert (row["id"] >> 22) + DISCORD_EPOCH == row["timestamp"]
        else:
            assert row["id"] == earlier["id"]


@pytest.mark.parametrize("version", EARLIER)
def test_pages_find_their_rows_after_a_step(tmp_path: Path, version: int) -> None:
    """The SQL of the step makes the same numbers as the code that goes on with them."""
    write_earlier(tmp_path, version)
    if version == len(MIGRATIONS) - 1:
        add_exchanges(path_of(tmp_path, GUILD))
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        asked = connection.execute("SELECT id, room_id, user_id, source FROM exchanges").fetchall()
        stretches = connection.execute("SELECT id, parts FROM stretches").fetchall()
        votes = connection.execute(
            "SELECT v.asked, e.user_id, e.room_id, e.source FROM votes v"
            " JOIN exchanges e ON e.id = v.exchange_id"
        ).fetchall()
        (unplaced,) = connection.execute(
            "SELECT count(*) FROM votes WHERE exchange_id IS NULL AND asked IS NULL"
        ).fetchone()
        assert len(read_page(connection, None, 9, room_id=5, feedback="up")) == (version > 1)
    found = sorted((number, part) for number, parts in stretches for part in parts)
    assert found == sorted(parts_of(asked))
    assert [vote[0] for vote in votes] == [number_of(*vote[1:]) for vote in votes]
    # Schema 1 had none.
    assert len(votes) >= 3 * (version > 1)
    assert unplaced == (version > 1)


def add_exchanges(path: Path) -> None:
    """Put many more into a file of the last version but one, from all over time and space."""
    chance = Random(1)  # noqa: S311 - the same every time
    ids = [None, 0, -5, *(chance.randrange(-(2**63), 2**63) for _ in range(8))]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for _ in range(500):
            near = 1174109861969920005 + chance.randrange(2**49)
            values = (near, chance.choice(ids), chance.choice(ids), chance.randrange(1, 2_000))
            connection.execute(
                "INSERT INTO exchanges (id, asked_after, room_id, user_id, source, prompt, success,"
                " latency_ms) VALUES (?, 0, ?, ?, ?, '[]', 1, 5)",
                values,
            )
        connection.commit()


def test_the_fixture_has_what_matters(tmp_path: Path) -> None:
    rows = write_earlier(tmp_path, 1)
    said = [one for row in rows for one in json.loads(row["input"])]
    assert {"role": "user", "content": "[deleted]"} in said
    assert {"role": "assistant", "content": "[deleted]"} in said
    assert {"role": "user", "content": "ben: second version"} in said
    assert {"role": "assistant", "content": "ben: Where is my cat?"} in said
    assert {one["role"] for one in said if one["content"] == "Be kind."} == {
        *("system", "assistant", "user"),
    }
    assert len({row["timestamp"] for row in rows}) < len(rows)


@pytest.mark.parametrize("table", ["messages", "texts"])
def test_what_was_lost_before_takes_nothing_else_with_it(tmp_path: Path, table: str) -> None:
    """As in a damaged file of schema 1, of which not all could be read."""
    write_earlier(tmp_path, 1)
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
        connection.commit()
        expected = training_rows(connection)
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        found = training_rows(connection)
        exported = b"".join(
            lines.text for lines in read_json_lines(connection, Choice(), LeftOut())
        )
    said = [message for row in expected for message in json.loads(row["input"])]
    kept = [message for row in found for message in json.loads(row["input"])]
    assert None in {message["content"] for message in said}
    assert [message["content"] for message in kept] == [
        message["content"] or "[deleted]" for message in said
    ]
    assert [json.loads(line)["input"] for line in exported.splitlines()] == [
        json.loads(row["input"]) for row in found
    ]


NO_LIST = ("", "[1,", "{}", "7")
NO_REFERENCES = {
    1: ('["user"]', '[["user", "0"], "bare"]', "[5]", '["[1,2]"]'),
    2: ('["bare"]', "[1.5]", '[{"1": 2}]', "[1, [2, 3], 12345678901234567890]"),
}


@pytest.mark.parametrize(
    ("version", "damaged"),
    [
        (step - 1, damaged)
        for step in EMPTY_DAMAGED_PROMPTS
        for damaged in (NO_LIST, NO_REFERENCES[step - 1])
    ],
)
def test_prompts_that_are_damaged_are_told_and_stop_nothing(
    tmp_path: Path, version: int, damaged: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    write_earlier(tmp_path, version)
    path = path_of(tmp_path, GUILD)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM exchanges ORDER BY timestamp")]
        connection.executemany(
            "UPDATE exchanges SET prompt = ? WHERE id = ?", zip(damaged, ids, strict=False)
        )
        connection.commit()
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        prompts = [row[0] for row in connection.execute("SELECT prompt FROM exchanges ORDER BY id")]
        exported = b"".join(
            lines.text for lines in read_json_lines(connection, Choice(), LeftOut())
        )
    assert [prompt == "[]" for prompt in prompts] == [True] * 4 + [False] * 2
    assert len(exported.splitlines()) == 6
    (told,) = caplog.messages
    assert told == f"{path}: 4 prompts were damaged, and are empty from here on"
    caplog.clear()
    open_world(tmp_path, GUILD, Engine()).close()
    assert caplog.messages == []


@pytest.mark.parametrize("version", EARLIER)
def test_a_migrated_file_goes_on(tmp_path: Path, version: int) -> None:
    write_earlier(tmp_path, version)
    fill(tmp_path, [exchange(100_000)]).close()
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert len(training_rows(connection)) == 7
    assert sorted(path.name for path in (tmp_path / "guilds").iterdir()) == [
        path_of(tmp_path, GUILD).name
    ]


@pytest.mark.parametrize("version", EARLIER)
def test_a_copy_of_before_is_kept(tmp_path: Path, version: int) -> None:
    expected = write_earlier(tmp_path, version)
    open_world(tmp_path, GUILD, Engine()).close()
    copy = tmp_path / BEFORE_UPGRADES / f"schema-{version}" / "guilds" / f"{GUILD.id}.sqlite3"
    assert copy.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        assert training_rows(connection) == expected


@pytest.mark.parametrize("version", EARLIER)
def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write_earlier(tmp_path, version)
    broken = (*MIGRATIONS[:-1], MIGRATIONS[-1] + "DROP TABLE nowhere;")
    monkeypatch.setattr(store_files, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_world(tmp_path, GUILD, Engine())
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        assert training_rows(connection) == expected
    monkeypatch.undo()
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert len(training_rows(connection)) == len(expected)


@pytest.mark.parametrize("version", EARLIER)
@pytest.mark.parametrize("statement", [0, 3, 12, -1])
def test_a_kill_in_the_middle_changes_nothing(tmp_path: Path, version: int, statement: int) -> None:
    expected = write_earlier(tmp_path, version)
    script = f"""
import os
from pathlib import Path
from bot.store import files
from bot.store.engine import Engine
from bot.store.records import World, WorldKind
real = files.statements
def dying(step):
    found = list(real(step))
    for number, one in enumerate(found):
        if number == {statement} % len(found):
            os.kill(os.getpid(), 9)
        yield one
files.statements = dying
files.open_world(Path({str(tmp_path)!r}), World(WorldKind.GUILD, {GUILD.id}), Engine())
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -9
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        assert training_rows(connection) == expected
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert len(training_rows(connection)) == len(expected)


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    path = path_of(tmp_path, GUILD)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version of Understudy"):
        open_world(tmp_path, GUILD, Engine())
    with (
        pytest.raises(StoreError, match="newer version of Understudy"),
        reading(tmp_path, GUILD, Engine()),
    ):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", EARLIER)
def test_reading_does_not_migrate(tmp_path: Path, version: int) -> None:
    write_earlier(tmp_path, version)
    with pytest.raises(StoreError, match="store upgrade"), reading(tmp_path, GUILD, Engine()):
        pass
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("version", EARLIER)
def test_a_damaged_file_of_an_earlier_version_is_salvaged(tmp_path: Path, version: int) -> None:
    expected = write_earlier(tmp_path, version)
    aside = rename_aside(path_of(tmp_path, GUILD))
    repair(tmp_path, GUILD, aside, Engine())
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        found = training_rows(connection)
    for row, earlier in zip(found, expected, strict=True):
        assert as_before(row, earlier) == as_kept(earlier)
