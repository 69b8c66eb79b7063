"""Copying a file of records while others write it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.store.engine import Engine


def copy_whole(connection: sqlite3.Connection, copy: Path, engine: Engine) -> None:
    """Copy what the connection sees at one moment into an empty file, and put it on disk.

    The copy needs no -wal beside it. Raises one of FAILURES.
    """
    # Not VACUUM INTO: SQLCipher's copies cannot be read.
    with closing(engine.connect(copy)) as target:
        connection.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    flush(copy)
    flush(copy.parent)


def flush(path: Path) -> None:
    """Have the disk keep this file, or this folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
