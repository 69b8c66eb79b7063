"""Reading a world's file as it is at one moment, whoever writes it meanwhile."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import path_of, schema_version
from bot.store.migrations import MIGRATIONS
from bot.store.problems import StoreError
from bot.store.records import World

TRIES, TRY_SECONDS = 3, 0.05


@contextmanager
def reading(folder: Path, world: World, engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection that sees one state of the file and changes nothing.

    Raises StoreError where there is no file, or none of this version that can be read.
    """
    path = path_of(folder, world)
    if not path.exists():
        problem = "there is no such file. Nothing was recorded there, or DATA_DIR is another."
        raise StoreError(f"{path}: {problem}", f"The file of records: {problem}")
    connection = open_to_read(path, engine)
    with closing(connection):
        yield connection


def open_to_read(path: Path, engine: Engine) -> sqlite3.Connection:
    """A read-only connection to a file of this version, in a transaction. Raises StoreError."""
    for _ in range(TRIES - 1):
        try:
            return open_as_it_is(path, engine)
        except StoreError:
            # Somebody may be just making the file, or be closing it and taking its log away.
            time.sleep(TRY_SECONDS)
    return open_as_it_is(path, engine)


def open_as_it_is(path: Path, engine: Engine) -> sqlite3.Connection:
    """The same, of the file as it is at this moment."""
    try:
        connection = engine.look_into(path)
    except FAILURES as error:
        raise translate(error, path) from error
    # A letter that the disk changed costs that letter, and not the whole export.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        connection.execute("BEGIN")
        version = schema_version(connection, path)
    except FAILURES as error:
        connection.close()
        raise translate(error, path) from error
    except BaseException:
        connection.close()
        raise
    if version < len(MIGRATIONS):
        connection.close()
        problem = (
            "was written by an earlier version of Understudy. Run `understudy store upgrade`: it "
            "brings the file up to date, and keeps a copy."
        )
        raise StoreError(f"{path} {problem}", f"The file of records {problem}")
    return connection
