"""A damaged file is kept, and what people decided is not forgotten with it."""

import contextlib
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store.backup import prune_backups
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import open_world, path_of, worlds_in
from bot.store.setting_aside import rename_aside, set_aside, set_aside_in
from tests.store.filling import GUILD, exchange, fill

PAGE = PAGE_SIZE
SMALL: dict[str, list[tuple[object, ...]]] = {
    "settings": [("reasoning", '{"enabled":true}')],
    "consents": [(9, 0, 5), (10, 1, 6)],
    "notices": [(5, 7)],
}


def small_tables(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        for table in SMALL
    }


def make_file(folder: Path, count: int = 300) -> Path:
    """A file with many exchanges and a few decisions, all of it out of the log."""
    with contextlib.closing(fill(folder, [exchange(n) for n in range(count)])) as connection:
        for table, rows in SMALL.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608
    return path_of(folder, GUILD)


def root_page(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
        return int(found.fetchone()[0])


def garble(path: Path, page: int) -> None:
    """Overwrite one page (from 1)."""
    with path.open("r+b") as stream:
        stream.seek((page - 1) * PAGE)
        stream.write(b"\xa5" * PAGE)


def test_decisions_are_carried_over(tmp_path: Path) -> None:
    path = make_file(tmp_path)
    garble(path, root_page(path, "exchanges"))
    damaged = path.read_bytes()
    aside = set_aside(tmp_path, GUILD, Engine())
    assert aside.read_bytes() == damaged
    assert set_aside_in(path) == [aside]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(worlds_in(tmp_path)) == [GUILD]
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert small_tables(connection) == SMALL
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (0,)


@pytest.mark.parametrize("table", SMALL)
def test_of_decisions_all_are_carried_over_or_none(tmp_path: Path, table: str) -> None:
    path = make_file(tmp_path)
    garble(path, root_page(path, table))
    set_aside(tmp_path, GUILD, Engine())
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert not any(small_tables(connection).values())


@pytest.mark.parametrize("kept", [0, 50, PAGE])
def test_a_file_that_is_cut_off_is_set_aside(tmp_path: Path, kept: int) -> None:
    path = make_file(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    aside = set_aside(tmp_path, GUILD, Engine())
    assert aside.stat().st_size == kept
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert not any(small_tables(connection).values())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        path = make_file(tmp_path, 3)
        garble(path, 1)
        names.add(set_aside(tmp_path, GUILD, Engine()))
        path.unlink()
    assert len(names) == 3
    assert set(set_aside_in(path)) == names


def test_the_log_goes_along_also_after_a_kill(tmp_path: Path) -> None:
    path = path_of(tmp_path, GUILD)
    connection = fill(tmp_path, [exchange(1)])
    log = path.with_name(path.name + "-wal")
    words = log.read_bytes()
    assert words
    aside = rename_aside(path)
    connection.close()
    # As if the kill had come after the log: its file is still in its place.
    aside.rename(path)
    log_aside = aside.with_name(aside.name + "-wal")
    log_aside.write_bytes(words)
    assert rename_aside(path) == aside
    with contextlib.closing(sqlite3.connect(aside)) as opened:
        assert opened.execute("SELECT count(*) FROM exchanges").fetchone() == (1,)


def test_how_long_it_is_kept_counts_from_when_it_was_set_aside(tmp_path: Path) -> None:
    path = make_file(tmp_path)
    path.write_bytes(b"no database" * 1000)
    os.utime(path, (1, 1))
    aside = set_aside(tmp_path, GUILD, Engine())
    assert prune_backups(tmp_path, 30, datetime.now(UTC)) == []
    assert prune_backups(tmp_path, 30, datetime.now(UTC) + timedelta(days=31)) == [aside]


def test_an_unfinished_transaction_goes_along(tmp_path: Path) -> None:
    """Beside a new file its journal would be rolled back into that one."""
    path = make_file(tmp_path)
    journal = path.with_name(f"{path.name}-journal")
    journal.write_bytes(b"pages")
    aside = rename_aside(path)
    assert not journal.exists()
    assert aside.with_name(f"{aside.name}-journal").read_bytes() == b"pages"
    assert set_aside_in(path) == [aside]
