"""Whether a world's file may have anything of a person, told without opening it to write.

Most servers' files have nothing of most people, and opening one to write makes and deletes two
more. There is no list of who is where: it would be one more thing to keep right, and to forget.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bot.store.engine import Engine
from bot.store.erasing import is_clean
from bot.store.errors import FAILURES
from bot.store.migrations import MIGRATIONS

SETTLED_NS = 1_000_000_000
"""A file that was changed less long ago may change again without its time telling."""

# Every column with a person's id, and the settings, which may name anybody.
MENTIONED = """
    SELECT EXISTS (SELECT 1 FROM exchanges WHERE user_id = ?1)
        OR EXISTS (SELECT 1 FROM speakers WHERE author_id = ?1 OR subject_id = ?1)
        OR EXISTS (SELECT 1 FROM votes WHERE user_id = ?1)
        OR EXISTS (SELECT 1 FROM demonstrations WHERE user_id = ?1)
        OR EXISTS (SELECT 1 FROM consents WHERE user_id = ?1)
        OR EXISTS (SELECT 1 FROM settings WHERE instr(value, CAST(?1 AS TEXT)))
"""

Moment = tuple[int, int, int, int]


def has_nothing_of(path: Path, engine: Engine, user_id: int) -> bool:
    """Whether it is certain that the file has nothing of a person, not even in unused bytes.

    Reads the file as one that nobody changes, which makes no file beside it; where somebody has
    it open, changes it meanwhile or deleted from it, or where it is of another version or cannot
    be read, nothing is certain. What waits in the inbox is not looked at.
    """
    before = unchanging(path)
    if before is None:
        return False
    try:
        with closing(engine.connect(path, immutable=True)) as connection:
            nothing = (
                connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
                and not is_mentioned(connection, user_id)
                and is_clean(connection)
            )
    except FAILURES:
        return False
    return nothing and unchanging(path) == before


def is_mentioned(connection: sqlite3.Connection, user_id: int) -> bool:
    """Whether any row has this person's id. Raises one of FAILURES."""
    return bool(connection.execute(MENTIONED, (user_id,)).fetchone()[0])


def unchanging(path: Path) -> Moment | None:
    """Which file this is and as of when; None where not all is in it, or was a moment ago."""
    try:
        found = path.stat()
        if time.time_ns() - found.st_mtime_ns < SETTLED_NS or has_log(path):
            return None
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def has_log(path: Path) -> bool:
    """Whether anything is in the log beside the file. Raises OSError."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False
