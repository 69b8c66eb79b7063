"""Setting a damaged file aside: it is kept for `understudy store repair`, and a new one begins."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.store.engine import Engine
from bot.store.errors import FAILURES
from bot.store.files import FOLDERS, SUFFIX, open_world, path_of
from bot.store.migrations import MIGRATIONS
from bot.store.records import World

DAMAGED = ".damaged-"
REPAIRED = ".repaired-"
COMPANIONS = ("-shm", "-wal", "-journal")
SMALL_TABLES = ("settings", "consents", "notices")

SmallTables = dict[str, list[Any]]


def set_aside(folder: Path, world: World, engine: Engine) -> Path:
    """Rename a world's damaged file, and begin a new one. Returns the name it has from then on.

    Nobody may have the file open. The new file takes over the settings, the consents and where
    people were told: all of them or, where any can no longer be read whole, none. Without
    settings nothing is recorded; without the consents somebody who objected might be.
    Raises one of FAILURES, StoreError for a file of a newer version.
    """
    path = path_of(folder, world)
    carried = read_small_tables(path, engine)
    with prepared(folder, world, engine, carried) as new:
        aside = rename_aside(path)
        new.rename(path)
    return aside


def rename_aside(path: Path) -> Path:
    """Rename a file of records, with what belongs to it, to a name that nothing has.

    Its time is this moment's from then on: how long it is kept counts from here.
    """
    aside = name_aside(path)
    # The log goes first: beside a new file it would be taken for that file's own.
    for suffix in (*COMPANIONS, ""):
        with contextlib.suppress(FileNotFoundError):
            os.utime(path.with_name(path.name + suffix))
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def name_aside(path: Path) -> Path:
    """The name to set this file aside under."""
    for log in path.parent.glob(f"{path.name}{DAMAGED}*-wal"):
        started = log.with_name(log.name.removesuffix("-wal"))
        if not started.exists():
            # An earlier call was killed between the log and its file.
            return started
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside, count = path.with_name(f"{path.name}{DAMAGED}{stamp}"), 1
    while any(aside.with_name(aside.name + suffix).exists() for suffix in ("", *COMPANIONS)):
        count += 1
        aside = path.with_name(f"{path.name}{DAMAGED}{stamp}-{count}")
    return aside


def set_aside_in(path: Path) -> list[Path]:
    """The files that were set aside in place of `path`, oldest first."""
    found = path.parent.glob(f"{path.name}{DAMAGED}*")
    return sorted(one for one in found if not one.name.endswith(COMPANIONS))


def kept_until(aside: Path, days: int) -> datetime:
    """When a file that was set aside is deleted, where such files are kept for so many days."""
    return datetime.fromtimestamp(aside.stat().st_mtime, UTC) + timedelta(days=days)


def not_repaired_in(folder: Path) -> list[Path]:
    """Every file below DATA_DIR that was set aside and can still be repaired.

    A damaged part of the inbox cannot: what could be read of it is where it belongs.
    """
    found = []
    for name in (*FOLDERS.values(), "."):
        found += sorted((folder / name).glob(f"*{SUFFIX}{DAMAGED}*"))
    return [path for path in found if not path.name.endswith(COMPANIONS)]


def worlds_set_aside_in(folder: Path) -> Iterator[World]:
    """Every world of which a file was set aside."""
    for kind, name in FOLDERS.items():
        for path in (folder / name).glob(f"*{SUFFIX}{DAMAGED}*"):
            number = path.name.partition(SUFFIX)[0]
            if number.isdecimal():
                yield World(kind, int(number))


def read_small_tables(path: Path, engine: Engine) -> SmallTables:
    """The rows of all SMALL_TABLES; nothing at all where one of them is not whole."""
    try:
        connection = engine.connect(path, read_only=True)
    except FAILURES:
        return {}
    try:
        if connection.execute("PRAGMA user_version").fetchone() != (len(MIGRATIONS),):
            return {}
        return {table: read_whole(connection, table) for table in SMALL_TABLES}
    except FAILURES:
        return {}
    finally:
        connection.close()


def read_whole(connection: sqlite3.Connection, table: str) -> list[Any]:
    """All rows of a table. Raises ValueError, or another of FAILURES, if it is damaged."""
    found = connection.execute(f"PRAGMA integrity_check({table})").fetchall()
    if found != [("ok",)]:
        raise ValueError(f"{table} is damaged")
    return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own name


@contextlib.contextmanager
def prepared(folder: Path, world: World, engine: Engine, carried: SmallTables) -> Iterator[Path]:
    """A new file for the world with these rows, whole and closed, not in its place yet."""
    place = path_of(folder, world)
    workshop = place.with_name(f"{place.name}.new")
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        with contextlib.closing(open_world(workshop, world, engine)) as connection:
            connection.execute("BEGIN")
            for table, rows in carried.items():
                for row in rows:
                    values = ", ".join("?" * len(row))
                    connection.execute(f"INSERT INTO {table} VALUES ({values})", row)  # noqa: S608
            connection.execute("COMMIT")
        yield path_of(workshop, world)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
