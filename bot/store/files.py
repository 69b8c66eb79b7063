"""A world's file: where it is, and how it is opened, made and brought up to date."""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from bot.store.copying import copy_whole
from bot.store.engine import BUSY_SECONDS, PAGE_SIZE, Engine
from bot.store.errors import FAILURES, error_name
from bot.store.migrations import EMPTY_DAMAGED_PROMPTS, MIGRATIONS
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.room import need_room_beside
from bot.store.schema import statements, whole_schema

log = logging.getLogger(__name__)

FOLDERS = {WorldKind.GUILD: "guilds", WorldKind.DM: "dms"}
SUFFIX = ".sqlite3"
BEFORE_UPGRADES = "backups/before-upgrades"
AGAIN_SECONDS = 0.005
NAME_WORLD = "INSERT INTO world SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM world)"


def path_of(folder: Path, world: World) -> Path:
    """Where this world's file is, or would be, below DATA_DIR."""
    return folder / FOLDERS[world.kind] / f"{world.id}{SUFFIX}"


def worlds_in(folder: Path) -> Iterator[World]:
    """Every world that has a file below DATA_DIR."""
    for kind, name in FOLDERS.items():
        for path in sorted((folder / name).glob(f"*{SUFFIX}")):
            if path.stem.isdecimal():
                yield World(kind, int(path.stem))


def identify(path: Path) -> tuple[int, int] | None:
    """Which file has this path (device and inode); None if there is none. Raises OSError."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def open_world(folder: Path, world: World, engine: Engine) -> sqlite3.Connection:
    """Open a world's file, made or brought up to date where needed.

    Raises one of FAILURES when that fails, StoreError for a file of a newer version.
    """
    path = path_of(folder, world)
    make_private(path)
    need_room_beside(path)
    connection = engine.connect(path)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        keep_log(connection)
        for pragma in ("synchronous = FULL", "fullfsync = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, path, folder / BEFORE_UPGRADES, engine, world)
        connection.execute(NAME_WORLD, (world.kind, world.id))
    except BaseException:
        connection.close()
        raise
    return connection


def keep_log(connection: sqlite3.Connection) -> None:
    """Have changes written to a log first. Raises one of FAILURES.

    Of two that begin the same file at once SQLite fails one here without waiting for the other.
    """
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except FAILURES as error:
            if error_name(error) != "SQLITE_BUSY" or time.monotonic() > end:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return


def look_into(path: Path, engine: Engine) -> None:
    """Open a file as it is and read from it, changing nothing.

    Raises one of FAILURES when that fails, StoreError for a file of a newer version.
    """
    connection = engine.look_into(path)
    try:
        # One that is empty yet, as after a full disk, is filled when it is used.
        if schema_version(connection, path) > 0:
            connection.execute("SELECT * FROM counters").fetchone()
    finally:
        connection.close()


def make_folder(folder: Path) -> None:
    """Make a folder for the operator's own account alone, so that it outlives a power loss."""
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite flushes the folder that a new file is in, and not the one above.
    # https://man7.org/linux/man-pages/man2/fsync.2.html
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private(path: Path) -> None:
    """Make an empty file that is there for the operator's own account alone.

    SQLite gives its -wal and -shm the same mode. Does nothing to a file that is there.
    """
    make_folder(path.parent)
    # Why this fails is better explained by SQLite's own failure.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    backups: Path,
    engine: Engine,
    world: World | None = None,
) -> None:
    """Run the steps that this file has not seen, all or none; a copy of it as it was is kept.

    An empty file is begun, as `world`'s where that is given.
    """
    version = schema_version(connection, path)
    if version == len(MIGRATIONS):
        return
    if version > 0:
        copy_before_upgrade(connection, path, backups / f"schema-{version}", engine)
    damaged = 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        version = schema_version(connection, path)
        if version == 0:
            begin(connection, world)
        else:
            damaged = upgrade(connection, version)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(*FAILURES):
            connection.execute("ROLLBACK")
        raise
    if damaged:
        log.warning("%s: %d prompts were damaged, and are empty from here on", path, damaged)


def begin(connection: sqlite3.Connection, world: World | None) -> None:
    """Make an empty file one of the present schema, in the transaction of the caller."""
    for statement in whole_schema():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    if world is not None:
        # Not by a flush of its own.
        connection.execute(NAME_WORLD, (world.kind, world.id))


def upgrade(connection: sqlite3.Connection, version: int) -> int:
    """Run the steps after that version, in the transaction of the caller.

    Returns how many prompts were damaged, and are empty from here on.
    """
    damaged = 0
    for number in range(version + 1, len(MIGRATIONS) + 1):
        if number in EMPTY_DAMAGED_PROMPTS:
            damaged += connection.execute(EMPTY_DAMAGED_PROMPTS[number]).rowcount
        for statement in statements(MIGRATIONS[number - 1]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    return damaged


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """How many steps this file has seen. Raises StoreError if that is more than there are."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        problem = (
            f"was written by a newer version of Understudy (schema {version}, this one knows "
            f"{len(MIGRATIONS)}). Update Understudy, or point DATA_DIR elsewhere."
        )
        raise StoreError(f"{path} {problem}", f"The file of records {problem}")
    return version


def copy_before_upgrade(
    connection: sqlite3.Connection, path: Path, folder: Path, engine: Engine
) -> None:
    """Keep a copy of the file as it was, unless there is one."""
    copy = folder / path.parent.name / path.name
    if copy.exists():
        return
    partial = copy.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    make_private(partial)
    try:
        copy_whole(connection, partial, engine)
        partial.replace(copy)
    finally:
        # A part of one would keep a full disk full.
        partial.unlink(missing_ok=True)
