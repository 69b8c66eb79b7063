"""Who agreed to be recorded in a world and who objected, and where people were told."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.store.forgetting import ids
from bot.store.message_rows import read_replies
from bot.store.transactions import transaction

SETTING = "privacy"
REMEMBERED_REPLIES = 256


@dataclass(frozen=True, slots=True)
class Agreements:
    """What a world's file says on who may be recorded.

    `setting` is the JSON value of the setting "privacy", None if it was never set. `consents` is
    whether each person agreed (True) or objected (False), `noticed` the rooms where people were
    told. `subjects` is whom the latest recorded answers were for, by message id.
    """

    setting: Any = None
    consents: Mapping[int, bool] = field(default_factory=dict)
    noticed: frozenset[int] = frozenset()
    subjects: Mapping[int, int] = field(default_factory=dict)


def agreements(connection: sqlite3.Connection) -> Agreements:
    """All of it. Raises one of FAILURES (ValueError when the setting makes no sense)."""
    kept = connection.execute("SELECT value FROM settings WHERE key = ?", (SETTING,)).fetchone()
    latest = connection.execute(
        "SELECT user_id, reply_id, parts FROM exchanges ORDER BY id DESC LIMIT ?",
        (REMEMBERED_REPLIES,),
    )
    subjects = {
        message_id: user_id
        for user_id, reply_id, parts in latest
        if user_id is not None
        for message_id in read_replies(reply_id, parts)
    }
    consents = connection.execute("SELECT user_id, recorded FROM consents")
    return Agreements(
        setting=json.loads(kept[0]) if kept else None,
        consents={user_id: bool(recorded) for user_id, recorded in consents},
        noticed=frozenset(ids(connection, "SELECT room_id FROM notices", ())),
        subjects=subjects,
    )


def set_consent(
    connection: sqlite3.Connection, user_id: int, recorded: bool | None, timestamp: int
) -> None:
    """A person agrees, objects, or (None) has said nothing. On return it is on disk."""
    with transaction(connection):
        if recorded is None:
            connection.execute("DELETE FROM consents WHERE user_id = ?", (user_id,))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO consents (user_id, recorded, timestamp) VALUES (?, ?, ?)",
                (user_id, recorded, timestamp),
            )


def note_notice(connection: sqlite3.Connection, room_id: int, timestamp: int) -> None:
    """People were told in this room. On return it is on disk."""
    with transaction(connection):
        connection.execute(
            "INSERT OR IGNORE INTO notices (room_id, timestamp) VALUES (?, ?)",
            (room_id, timestamp),
        )


def set_setting(
    connection: sqlite3.Connection,
    value: Any,  # noqa: ANN401 - any JSON
    *,
    tell_again: bool,
) -> None:
    """Keep the setting "privacy"; with `tell_again` no room was told. On return it is on disk."""
    with transaction(connection):
        if tell_again:
            connection.execute("DELETE FROM notices")
        connection.execute(
            "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)",
            (SETTING, json.dumps(value)),
        )
