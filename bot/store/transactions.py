"""A transaction on a world's file, as a block."""

import contextlib
import sqlite3
from collections.abc import Iterator

from bot.store.errors import FAILURES


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that the block does, or nothing of it. Raises one of FAILURES, or what the block raises.

    The connection is in autocommit mode, as `Engine.connect` makes it.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(*FAILURES):
            connection.execute("ROLLBACK")
        raise
