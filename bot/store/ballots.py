"""One person's vote on one answer."""

import sqlite3

SELECT = """
    SELECT value FROM votes
    WHERE user_id = ?1 AND (message_id = ?2 OR exchange_id = (
        SELECT exchange_id FROM messages WHERE message_id = ?2
    ))
    ORDER BY timestamp DESC LIMIT 1
"""


def read_vote(connection: sqlite3.Connection, message_id: int, user_id: int) -> int:
    """+1 or -1, by any message that carries the answer; 0 for none. Raises one of FAILURES."""
    found = connection.execute(SELECT, (user_id, message_id)).fetchone()
    return 0 if found is None else int(found[0])
