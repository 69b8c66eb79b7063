"""What a failure of the file or the disk means, and what to do about it."""

import sqlite3
from pathlib import Path

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


def explain(error: sqlite3.Error | OSError, path: Path) -> str:
    """One sentence for people: which file, what is wrong with it, what to do."""
    code = getattr(error, "sqlite_errorname", "")
    for name, remedy in REMEDIES.items():
        if code.startswith(name):
            return f"{path}: {remedy} ({error})."
    if isinstance(error, OSError):
        return f"{path}: its folder cannot be made or used. Check DATA_DIR ({error.strerror})."
    return f"{path}: {error}."
