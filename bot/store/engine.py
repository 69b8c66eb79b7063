"""Which SQLite opens the files: Python's own, or an encrypting one where there is a key."""

import hashlib
import importlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUSY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Engine:
    """Opens database files. With a `key`, they are encrypted by SQLCipher (extra `encrypted`)."""

    key: str | None = field(default=None, repr=False)

    def connect(self, path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        """A connection in autocommit mode, for any one thread at a time.

        Raises one of FAILURES, and ModuleNotFoundError for a key without the extra.
        """
        module: Any = sqlite3 if self.key is None else importlib.import_module("sqlcipher3.dbapi2")
        connection: sqlite3.Connection = module.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
        )
        if self.key is not None:
            # Stretched here, once and cheaply, so that opening a file need not: the key is to be
            # a random one. https://www.zetetic.net/sqlcipher/sqlcipher-api/#key
            digest = hashlib.sha256(self.key.encode()).hexdigest()
            connection.execute(f"PRAGMA key = \"x'{digest}'\"")
        return connection
