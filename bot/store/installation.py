"""What holds for the whole installation: who objected everywhere, who was forgotten, who left us.

A small file of its own beside the worlds' files, `DATA_DIR/installation.sqlite3`, with ids and
times and nothing that anybody said. Opened for each call: the calls are few.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import make_private
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.transactions import transaction

FILE = "installation.sqlite3"
# One that is larger was written by a newer version.
VERSION = 1
TABLES = ("installation", "objections", "forgotten", "owed", "departures")
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS installation (id TEXT NOT NULL)",
    # Who does not want to be recorded anywhere.
    "CREATE TABLE IF NOT EXISTS objections (user_id INTEGER PRIMARY KEY, timestamp INTEGER)",
    # Up to when a person is forgotten: nothing that they said before is recorded again.
    "CREATE TABLE IF NOT EXISTS forgotten (user_id INTEGER PRIMARY KEY, timestamp INTEGER)",
    # The worlds in which that could not be done yet.
    """CREATE TABLE IF NOT EXISTS owed (
        user_id INTEGER, world_kind TEXT, world_id INTEGER,
        PRIMARY KEY (user_id, world_kind, world_id)
    ) WITHOUT ROWID""",
    # The servers that the bot was removed from, and since when.
    "CREATE TABLE IF NOT EXISTS departures (guild_id INTEGER PRIMARY KEY, timestamp INTEGER)",
    f"PRAGMA user_version = {VERSION}",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the file says: people and servers by id, each with a time in ms since the epoch."""

    id: str
    objections: Mapping[int, int] = field(default_factory=dict)
    forgotten: Mapping[int, int] = field(default_factory=dict)
    owed: frozenset[tuple[int, World]] = frozenset()
    departures: Mapping[int, int] = field(default_factory=dict)


class Installation:
    """The file. Every call blocks for a moment, and raises StoreError when it could not be done."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._path = folder / FILE
        self._engine = engine

    def read(self) -> Standing:
        """All of it; the installation gets its id with the first call."""

        def work(connection: sqlite3.Connection) -> Standing:
            connection.execute(
                "INSERT INTO installation SELECT ? WHERE NOT EXISTS (SELECT 1 FROM installation)",
                (uuid.uuid4().hex,),
            )
            owed = connection.execute("SELECT user_id, world_kind, world_id FROM owed")
            return Standing(
                id=connection.execute("SELECT id FROM installation").fetchone()[0],
                objections=dict(connection.execute("SELECT * FROM objections").fetchall()),
                forgotten=dict(connection.execute("SELECT * FROM forgotten").fetchall()),
                owed=frozenset((user, World(WorldKind(kind), at)) for user, kind, at in owed),
                departures=dict(connection.execute("SELECT * FROM departures").fetchall()),
            )

        return self._do(work)

    def look_into(self) -> None:
        """Open the file as it is, changing nothing. Does nothing where there is none."""
        if not self._path.exists():
            return
        try:
            with closing(self._engine.connect(self._path, read_only=True)) as connection:
                check_version(connection, self._path)
        except FAILURES as error:
            raise translate(error, self._path) from error

    def object(self, user_id: int, timestamp: int) -> None:
        """A person does not want to be recorded anywhere."""
        self._put("INSERT OR REPLACE INTO objections VALUES (?, ?)", user_id, timestamp)

    def withdraw_objection(self, user_id: int) -> None:
        """A person takes that back."""
        self._put("DELETE FROM objections WHERE user_id = ?", user_id)

    def note_forgotten(self, user_id: int, timestamp: int) -> None:
        """A person is forgotten up to this time."""
        self._put("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", user_id, timestamp)

    def note_owed(self, user_id: int, worlds: Iterable[World]) -> None:
        """These, and no others, are the worlds in which a person is still to be forgotten."""
        places = [(user_id, world.kind, world.id) for world in worlds]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM owed WHERE user_id = ?", (user_id,))
            connection.executemany("INSERT INTO owed VALUES (?, ?, ?)", places)

        self._do(work)

    def note_departure(self, guild_id: int, timestamp: int) -> None:
        """The bot was removed from a server; the first time that it is noted counts."""
        self._put("INSERT OR IGNORE INTO departures VALUES (?, ?)", guild_id, timestamp)

    def forget_departure(self, guild_id: int) -> None:
        """The bot is back in a server, or nothing is left of it."""
        self._put("DELETE FROM departures WHERE guild_id = ?", guild_id)

    def _put(self, statement: str, *values: int) -> None:
        self._do(lambda connection: connection.execute(statement, values))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            make_private(self._path)
            with closing(self._engine.connect(self._path)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                check_version(connection, self._path)
                with transaction(connection):
                    for statement in SCHEMA:
                        connection.execute(statement)
                    return work(connection)
        except FAILURES as error:
            raise translate(error, self._path) from error


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError for a file of a newer version, and one of FAILURES."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        problem = (
            f"was written by a newer version of Understudy ({version}, this one knows {VERSION}). "
            "Update Understudy, or point DATA_DIR elsewhere."
        )
        raise StoreError(f"{path} {problem}", f"The installation's file {problem}")
