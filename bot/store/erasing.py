"""Making sure that what was deleted is gone from the bytes of the file.

`PRAGMA secure_delete` writes zeros over a deleted row where it stands. But SQLite moves rows to
other pages when it balances its tree, and leaves the old copies in the unused middle of a page,
where nothing ever looks for them again. Only VACUUM, which writes the whole file anew, takes those
away. Triggers count what was taken out; a file with nothing taken out is left alone.
https://www.sqlite.org/pragma.html#pragma_secure_delete
"""

import sqlite3

from bot.store.speakers import forget_unheard


def is_clean(connection: sqlite3.Connection) -> bool:
    """Whether nothing was deleted since the file was last written anew."""
    found = connection.execute("SELECT erasures = wiped FROM counters").fetchone()
    return bool(found[0])


def wipe(connection: sqlite3.Connection) -> bool:
    """Write the file anew if anything was deleted from it, and empty its log.

    Names of whom nothing is kept go with it: a file that is clean nobody looks through for them.
    Returns whether the log could be emptied: while somebody reads, it cannot. Takes about a second
    for 500 MB, during which nothing else is written to this file. Raises one of FAILURES.
    """
    if not is_clean(connection):
        forget_unheard(connection)
        (erasures,) = connection.execute("SELECT erasures FROM counters").fetchone()
        connection.execute("VACUUM")
        connection.execute("UPDATE counters SET wiped = ?", (erasures,))
    return empty_log(connection)


def empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the write-ahead log into the file and cut it to nothing. Returns whether that was done.

    https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
    """
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy
