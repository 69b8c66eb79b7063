"""What a failure of the file or the disk means, and what to do about it."""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from types import ModuleType

from bot.store.problems import StoreError, UnstorableError

FULL = "the disk is full. Free some space; recording goes on by itself then"
READ_ONLY = "its disk is mounted read-only. Mount it so that it can be written"
REMEDIES = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": "it cannot be written. Give this account write permission to it",
    "SQLITE_CANTOPEN": "it cannot be opened. Give this account write permission to it "
    "and its folder",
    "SQLITE_PERM": "it cannot be opened. Give this account write permission to it",
    "SQLITE_NOTADB": "it cannot be read: STORE_KEY is not the one it was encrypted with, or it is "
    "damaged. Set the right key, or run `understudy store repair`",
    "SQLITE_CORRUPT": "it is damaged. Run `understudy store repair`",
    "SQLITE_BUSY": "another program holds it locked. Close that program",
    "SQLITE_IOERR": "the disk reports an error. Check the disk",
}

NOT_ENCRYPTED = (
    "it cannot be read: STORE_KEY is set and it is not encrypted, or it is damaged. Run "
    "`understudy store encrypt`, or `understudy store repair`"
)
PLAIN = b"SQLite format 3\x00"

# After these a connection may go on failing although the file is in order again.
SPOILING = (
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
    "SQLITE_IOERR",
)

NOISE_BYTES, NOISE_DISTINCT = 4096, 240

# SQLite says just that it cannot open or extend a file where the disk has no room for another.
OF_THE_DISK = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY")
NO_ROOM_BYTES = 64 << 10
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

DRIVERS: tuple[ModuleType, ...] = (sqlite3,)
with contextlib.suppress(ImportError):
    from sqlcipher3 import dbapi2

    DRIVERS = (sqlite3, dbapi2)


def of_drivers(*names: str) -> tuple[type[Exception], ...]:
    """The errors of these names, of every driver that may raise them."""
    return tuple(getattr(driver, name) for driver in DRIVERS for name in names)


# What the drivers and aiosqlite raise, for values and for closed connections alike.
FAILURES: tuple[type[Exception], ...] = (*of_drivers("Error"), OSError, OverflowError, ValueError)


def translate(error: Exception, path: Path) -> StoreError:
    """The StoreError for one of FAILURES: for people without the path, for the log with it."""
    kind = UnstorableError if blames_a_value(error) else StoreError
    text = explain(error, path)
    if error_name(error) == "SQLITE_NOTADB" and begins_plain(path):
        text = f"{NOT_ENCRYPTED} ({error})."
    return kind(f"{path}: {text}", f"The file of records: {text}")


def explain(error: Exception, path: Path) -> str:
    """A sentence for people: what is wrong with the file, and what to do."""
    code = error_name(error)
    if code.startswith(OF_THE_DISK) or isinstance(error, OSError):
        remedy = remedy_of_the_disk(error, path)
        if remedy is not None:
            return f"{remedy} ({getattr(error, 'strerror', None) or error})."
    for name, remedy in REMEDIES.items():
        if code.startswith(name):
            return f"{remedy} ({error})."
    if isinstance(error, PermissionError):
        return f"this account may not use it. Give it read and write permission ({error.strerror})."
    if isinstance(error, OSError):
        return f"its folder cannot be made or used. Check DATA_DIR ({error.strerror})."
    if isinstance(error, UnicodeEncodeError):
        # Its own text would quote what somebody said.
        return f"a text is no valid Unicode ({error.reason})."
    return f"{error}."


def explain_folder(error: OSError, folder: Path) -> str:
    """A sentence for people: DATA_DIR, or a folder in it, cannot be looked into, and what to do."""
    place = folder
    with contextlib.suppress(OSError):  # the folder one is in may be gone, too
        place = folder.absolute()
    if isinstance(error, PermissionError):
        remedy = "Use the account that the bot runs as, or give this one permission to all of it."
    else:
        remedy = "Set it to the folder of the records."
    hint = "" if folder.is_absolute() else " It is relative to the folder you are in."
    return f"DATA_DIR: {place} cannot be looked into ({error.strerror}). {remedy}{hint}"


def remedy_of_the_disk(error: Exception, path: Path) -> str | None:
    """What to do where it is the disk that has no room, or cannot be written at all."""
    number = getattr(error, "errno", None)
    if number in NO_ROOM:
        return FULL
    try:
        disk = os.statvfs(next(folder for folder in path.parents if folder.exists()))
    except (OSError, StopIteration):
        return None
    if disk.f_flag & os.ST_RDONLY:
        return READ_ONLY
    no_names = disk.f_files > 0 and disk.f_favail == 0
    if error_name(error).startswith("SQLITE_READONLY") or number is not None:
        return None
    return FULL if no_names or disk.f_bavail * disk.f_frsize < NO_ROOM_BYTES else None


def error_name(error: Exception) -> str:
    """SQLite's name for what went wrong; empty for what is not of SQLite."""
    return getattr(error, "sqlite_errorname", None) or ""


def begins_plain(path: Path) -> bool:
    """Whether the file begins as one that is not encrypted."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(PLAIN)) == PLAIN
    except OSError:
        return False


def spoils(error: Exception) -> bool:
    """Whether a connection that raised this is better opened anew."""
    if blames_a_value(error):
        return False
    code = error_name(error)
    return code.startswith(SPOILING) or isinstance(
        error, (OSError, ValueError, *of_drivers("ProgrammingError"))
    )


def is_damage(error: Exception, path: Path, *, encrypted: bool) -> bool:
    """Whether the file itself is broken, and not just opened with a wrong key, or without its own.

    `encrypted` is whether it was opened with a key.
    """
    code = error_name(error)
    if code.startswith("SQLITE_CORRUPT"):
        return True
    return code == "SQLITE_NOTADB" and not encrypted and not looks_encrypted(path)


def looks_encrypted(path: Path) -> bool:
    """Whether the file begins with noise, in which nearly every byte occurs."""
    try:
        with path.open("rb") as stream:
            begin = stream.read(NOISE_BYTES)
    except OSError:
        return False
    return len(begin) == NOISE_BYTES and len(set(begin)) > NOISE_DISTINCT


def blames_a_value(error: Exception) -> bool:
    """Whether it was on account of a value that no file would take."""
    if isinstance(error, of_drivers("ProgrammingError")):
        return "binding" in str(error)
    return isinstance(
        error, (*of_drivers("IntegrityError", "DataError"), OverflowError, UnicodeError)
    )
