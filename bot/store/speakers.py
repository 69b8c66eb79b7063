"""As whom messages were said: author, role, name and subject, each combination once, by number."""

import json
import sqlite3
from collections.abc import Collection, Iterable

from bot.store.transactions import transaction

Speaker = tuple[int | None, str, str | None, int | None]
"""Author, role, name, and whom a message of the bot's answered, where only that tells."""

NOBODY, ANSWERING = 2, 3
"""The numbers of nobody in particular as a user, and as the bot that answers."""

FIND = """
    SELECT id FROM speakers
    WHERE author_id IS ? AND role = ? AND name IS ? AND subject_id IS ?
"""
INSERT = "INSERT INTO speakers (author_id, role, name, subject_id) VALUES (?, ?, ?, ?)"
NAMELESS = f"""
    coalesce((
        SELECT n.id FROM speakers s JOIN speakers n ON n.role = s.role
            AND n.author_id IS NULL AND n.name IS NULL AND n.subject_id IS NULL
        WHERE s.id = messages.speaker
    ), {NOBODY})
"""  # noqa: S608 - our own number
UNHEARD = """
    SELECT id FROM speakers WHERE coalesce(author_id, name, subject_id) IS NOT NULL
    AND id NOT IN (SELECT speaker FROM messages) AND {condition}
"""
OF_A_PERSON = "? IN (author_id, subject_id)"


def number_speakers(
    connection: sqlite3.Connection, speakers: Iterable[Speaker]
) -> dict[Speaker, int]:
    """The number of each; who has none is given one."""
    numbers = {}
    for speaker in set(speakers):
        found = connection.execute(FIND, speaker).fetchone()
        if found is None:
            numbers[speaker] = int(connection.execute(INSERT, speaker).lastrowid or 0)
        else:
            numbers[speaker] = found[0]
    return numbers


def blank_messages(connection: sqlite3.Connection, numbers: Collection[int]) -> None:
    """Take words, names and authors out of these rows, in the transaction of the caller."""
    connection.execute(
        f"UPDATE messages SET speaker = {NAMELESS}, content = NULL, start = NULL, length = NULL,"  # noqa: S608
        " state = 1 WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )


def forget_unheard(connection: sqlite3.Connection, user_id: int | None = None) -> int:
    """Delete the speakers (of this person) of whom no message is kept. Returns how many.

    Looked for first while others may write: only where there are some, they wait.
    """
    condition, values = ("1", ()) if user_id is None else (OF_A_PERSON, (user_id,))
    unheard = UNHEARD.format(condition=condition)
    found = [row[0] for row in connection.execute(unheard, values)]
    if not found:
        return 0
    unheard = UNHEARD.format(condition="id IN (SELECT value FROM json_each(?))")
    with transaction(connection):
        return connection.execute(
            f"DELETE FROM speakers WHERE id IN ({unheard})",  # noqa: S608 - our own text
            (json.dumps(found),),
        ).rowcount
