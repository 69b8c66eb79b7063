"""What a failure of the file or the disk means, and what to do about it."""

import sqlite3
from pathlib import Path

from bot.store.interface import StoreError, UnstorableError

REMEDIES = {
    "SQLITE_FULL": "the disk is full. Free some space; recording goes on by itself then",
    "SQLITE_READONLY": "it cannot be written. Give this account write permission to it",
    "SQLITE_CANTOPEN": "it cannot be opened. Give this account write permission to its folder",
    "SQLITE_PERM": "it cannot be opened. Give this account write permission to it",
    "SQLITE_NOTADB": "it is damaged or no SQLite file. Move it aside and keep it for repair",
    "SQLITE_CORRUPT": "it is damaged. Move it aside and keep it for repair",
    "SQLITE_BUSY": "another program holds it locked. Close that program",
    "SQLITE_IOERR": "the disk reports an error. Check the disk",
}

# After these a connection may go on failing although the file is in order again.
SPOILING = (
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
    "SQLITE_IOERR",
)

# What the standard library and aiosqlite raise, for values and for closed connections alike.
FAILURES = (sqlite3.Error, OSError, OverflowError, ValueError)


def translate(error: Exception, path: Path) -> StoreError:
    """The StoreError for one of FAILURES: for people without the path, for the log with it."""
    kind = UnstorableError if blames_a_value(error) else StoreError
    text = explain(error)
    return kind(f"{path}: {text}", f"The file of records: {text}")


def explain(error: Exception) -> str:
    """A sentence for people: what is wrong with the file, and what to do."""
    code = getattr(error, "sqlite_errorname", None) or ""
    for name, remedy in REMEDIES.items():
        if code.startswith(name):
            return f"{remedy} ({error})."
    if isinstance(error, OSError):
        return f"its folder cannot be made or used. Check DATA_DIR ({error.strerror})."
    if isinstance(error, UnicodeEncodeError):
        # Its own text would quote what somebody said.
        return f"a text is no valid Unicode ({error.reason})."
    return f"{error}."


def spoils(error: Exception) -> bool:
    """Whether a connection that raised this is better opened anew."""
    if blames_a_value(error):
        return False
    code = getattr(error, "sqlite_errorname", None) or ""
    return code.startswith(SPOILING) or isinstance(
        error, (OSError, ValueError, sqlite3.ProgrammingError)
    )


def blames_a_value(error: Exception) -> bool:
    """Whether it was on account of a value that no file would take."""
    if isinstance(error, sqlite3.ProgrammingError):
        return "binding" in str(error)
    return isinstance(
        error, (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError)
    )
