"""Which SQLite opens the files: Python's own, or an encrypting one where there is a key."""

import contextlib
import hashlib
import importlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from bot.store.room import need_room_beside

BUSY_SECONDS = 2.0
PAGE_SIZE = 16384


@dataclass(frozen=True, slots=True)
class Engine:
    """Opens database files. With a `key`, they are encrypted by SQLCipher (extra `encrypted`)."""

    key: str | None = field(default=None, repr=False)

    def connect(
        self,
        path: Path,
        *,
        read_only: bool = False,
        immutable: bool = False,
        create: bool = True,
        page_size: int = PAGE_SIZE,
    ) -> sqlite3.Connection:
        """A connection in autocommit mode, for any one thread at a time.

        `immutable` reads without looking whether somebody writes: the caller has to.

        Raises one of FAILURES, and ModuleNotFoundError for a key without the extra.
        """
        connection: sqlite3.Connection = self.module.connect(
            f"{path.absolute().as_uri()}?{'immutable=1&' if immutable else ''}"
            f"mode={'ro' if read_only or immutable else 'rwc' if create else 'rw'}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
        )
        if self.key is not None:
            # What is wrong is said by the error, and in our words.
            # https://www.zetetic.net/sqlcipher/sqlcipher-api/#cipher_log_level
            connection.execute("PRAGMA cipher_log_level = NONE")
            connection.execute(f'PRAGMA key = "{self.raw_key}"')
            # Where an encrypted file says how large its pages are is encrypted, too.
            connection.execute(f"PRAGMA cipher_page_size = {page_size}")
        return connection

    def look_into(self, path: Path) -> sqlite3.Connection:
        """A connection that changes nothing, and leaves nothing beside a file at rest.

        SQLite makes a log and its index beside a file that is read, and takes them away with the
        last connection that may write, by locks that every other process sees. Where something is
        in the log, as after a crash, that one would put it into the file: there it may not.
        https://www.sqlite.org/walformat.html Raises what `connect` does, and OSError.
        """
        need_room_beside(path)
        connection = self.connect(path, read_only=not is_at_rest(path), create=False)
        connection.execute("PRAGMA query_only = ON")
        return connection

    @property
    def module(self) -> ModuleType:
        """Python's own, or the encrypting one. Raises ModuleNotFoundError without the extra."""
        return sqlite3 if self.key is None else importlib.import_module("sqlcipher3.dbapi2")

    @property
    def raw_key(self) -> str:
        """The key as SQLCipher takes it; empty without one."""
        if self.key is None:
            return ""
        # Stretched here, once and cheaply, so that opening a file need not: the key is to be
        # a random one. https://www.zetetic.net/sqlcipher/sqlcipher-api/#key
        return f"x'{hashlib.sha256(self.key.encode()).hexdigest()}'"


def is_at_rest(path: Path) -> bool:
    """Whether nothing beside the file waits to be put into it. Raises OSError."""
    for suffix in ("-wal", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            if path.with_name(path.name + suffix).stat().st_size:
                return False
    return True
