"""The store: one SQLite file a world, `guilds/<guild id>.sqlite3` and `dms/<user id>.sqlite3`.

Write-ahead logging with `synchronous=FULL`: what a call has returned for is on disk.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from bot.store.errors import FAILURES, spoils, translate
from bot.store.interface import StoreError
from bot.store.migrations import MIGRATIONS
from bot.store.patience import to_the_end
from bot.store.records import Exchange, RecordStats, World, WorldKind
from bot.store.rows import exchange_row, message_rows, text_rows

FOLDERS = {WorldKind.GUILD: "guilds", WorldKind.DM: "dms"}

INSERT_TEXT = "INSERT INTO texts (hash, content) VALUES (?, ?) ON CONFLICT DO NOTHING"
INSERT_MESSAGE = """
    INSERT INTO messages (id, author_id, name, content) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        author_id = coalesce(excluded.author_id, author_id),
        name = excluded.name,
        content = excluded.content
    WHERE NOT deleted AND (name IS NOT excluded.name OR content IS NOT excluded.content)
"""
INSERT_EXCHANGE = """
    INSERT INTO exchanges (
        id, timestamp, room_id, user_id, message_id, model_type, provider, model, prompt, output,
        reasoning, success, error, fallback_from, fallback_reason, latency_ms, first_token_ms,
        prompt_tokens, completion_tokens
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
COUNT = """
    UPDATE counters SET
        exchanges = exchanges + ?, failures = failures + ?, fallbacks = fallbacks + ?,
        last_timestamp = max(coalesce(last_timestamp, 0), ?)
"""


class SqliteStore:
    """All worlds' files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def world(self, world: World) -> "SqliteWorldStore":
        """The store of one world; cheap, and opens nothing."""
        return SqliteWorldStore(world, self._folder / FOLDERS[world.kind] / f"{world.id}.sqlite3")


class SqliteWorldStore:
    """One world's file. Calls may overlap: they take turns on one connection."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._turn = asyncio.Lock()

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self._path)

    @property
    def exists(self) -> bool:
        """Whether the file is there, or may be: its folder cannot be looked into."""
        try:
            return identify(self._path) is not None
        except OSError:
            return True

    async def keep(self, exchanges: Sequence[Exchange]) -> None:
        """Keep these, all or none; on return they are on disk. An id that is there is left."""
        async with self._transaction() as connection:
            found = await connection.execute_fetchall(
                "SELECT id FROM exchanges WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps([exchange.id for exchange in exchanges]),),
            )
            known = {row[0] for row in found}
            new = [exchange for exchange in exchanges if exchange.id not in known]
            if not new:
                return
            await connection.executemany(INSERT_TEXT, text_rows(new))
            await connection.executemany(INSERT_MESSAGE, message_rows(new))
            await connection.executemany(INSERT_EXCHANGE, map(exchange_row, new))
            failures = sum(not exchange.success for exchange in new)
            fallbacks = sum(exchange.fallback_from is not None for exchange in new)
            newest = max(exchange.timestamp for exchange in new)
            await connection.execute(COUNT, (len(new), failures, fallbacks, newest))

    async def attach_reply(self, exchange_id: str, message_ids: Sequence[int]) -> None:
        """Note which Discord messages, in order, carry the output of an exchange."""
        async with self._transaction() as connection:
            await connection.executemany(
                "INSERT OR REPLACE INTO replies (message_id, exchange_id, part) VALUES (?, ?, ?)",
                [(message_id, exchange_id, part) for part, message_id in enumerate(message_ids)],
            )

    async def edit_message(self, message_id: int, content: str) -> None:
        """A member edited a message: its text, where it was stored, is the new one."""
        if self.exists:
            async with self._transaction() as connection:
                await connection.execute(
                    "UPDATE messages SET content = ? WHERE id = ? AND NOT deleted",
                    (content, message_id),
                )

    async def delete_messages(self, message_ids: Sequence[int]) -> None:
        """Messages are gone in Discord: their stored texts too, and the outputs they carried."""
        if not self.exists:
            return
        ids = (json.dumps(list(message_ids)),)
        async with self._transaction() as connection:
            await connection.execute(
                "UPDATE messages SET name = NULL, content = NULL, deleted = 1"
                " WHERE id IN (SELECT value FROM json_each(?))",
                ids,
            )
            await connection.execute(
                "UPDATE exchanges SET output = NULL, reasoning = NULL WHERE id IN"
                " (SELECT exchange_id FROM replies"
                "  WHERE message_id IN (SELECT value FROM json_each(?)))",
                ids,
            )

    async def stats(self) -> RecordStats:
        """Counts over all that is kept."""
        if not self.exists:
            return RecordStats()
        async with self._opened() as connection:
            rows = await connection.execute_fetchall(
                "SELECT exchanges, failures, fallbacks, last_timestamp FROM counters"
            )
        return RecordStats(*next(iter(rows)))

    async def get_setting(self, key: str) -> Any:  # noqa: ANN401 - whatever JSON was set
        """The JSON value under `key`, or None."""
        if not self.exists:
            return None
        async with self._opened() as connection:
            rows = list(
                await connection.execute_fetchall(
                    "SELECT value FROM settings WHERE key = ?", (key,)
                )
            )
        try:
            return json.loads(rows[0][0]) if rows else None
        except ValueError as error:
            raise translate(error, self._path) from error

    async def set_setting(self, key: str, value: Any) -> None:  # noqa: ANN401
        """Keep a JSON value under `key`, durably."""
        async with self._transaction() as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)",
                (key, json.dumps(value)),
            )

    async def close(self) -> None:
        """Let go of the file. The next call opens it again."""
        async with self._turn:
            try:
                await self._let_go()
            except FAILURES as error:
                raise translate(error, self._path) from error

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[aiosqlite.Connection]:
        """The connection, for one caller at a time. Raises StoreError for all that goes wrong."""
        async with self._turn:
            try:
                yield await self._connect()
            except FAILURES as error:
                if spoils(error) or (self._connection and self._connection.in_transaction):
                    with contextlib.suppress(*FAILURES):
                        await self._let_go()
                raise translate(error, self._path) from error

    async def _connect(self) -> aiosqlite.Connection:
        """The connection to the file that has the path now, which may not be the one of before."""
        found = identify(self._path)
        if self._connection is not None and (found is None or found != self._identity):
            # Deleted or moved away: what is written to that file now, nobody would find.
            with contextlib.suppress(*FAILURES):
                await self._let_go()
        if self._connection is None:
            self._connection = await open_file(self._path, self._world)
            self._identity = identify(self._path)
        return self._connection

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await to_the_end(connection.close())

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """All or nothing. A cancellation that comes while it commits is put off until it has."""
        async with self._opened() as connection:
            try:
                await connection.execute("BEGIN IMMEDIATE")
                yield connection
                await to_the_end(connection.execute("COMMIT"))
            except BaseException:
                # Without asking whether there is one: a BEGIN may still be on its way.
                with contextlib.suppress(*FAILURES):
                    await to_the_end(connection.execute("ROLLBACK"))
                raise


def identify(path: Path) -> tuple[int, int] | None:
    """Which file has this path (device and inode); None if there is none. Raises OSError."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


async def open_file(path: Path, world: World) -> aiosqlite.Connection:
    """Open a world's file, made or brought up to date where needed.

    Raises one of FAILURES when that fails, StoreError for a file of a newer version.
    """
    # Members' words: nobody but the operator's own account may read them.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Why this fails is better explained by SQLite's failure. Its -wal and -shm get the same mode.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = await aiosqlite.connect(path, isolation_level=None, timeout=2.0)
    try:
        for pragma in (
            "page_size = 8192",
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = ON",
            "secure_delete = ON",
        ):
            await connection.execute(f"PRAGMA {pragma}")
        await migrate(connection, path)
        await connection.execute(
            "INSERT INTO world SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM world)",
            (world.kind, world.id),
        )
    except BaseException:
        await connection.close()
        raise
    return connection


async def migrate(connection: aiosqlite.Connection, path: Path) -> None:
    """Run the steps that this file has not seen, each in a transaction of its own."""
    rows = await connection.execute_fetchall("PRAGMA user_version")
    version: int = next(iter(rows))[0]
    if version > len(MIGRATIONS):
        problem = (
            f"was written by a newer version of Understudy (schema {version}, this one knows "
            f"{len(MIGRATIONS)}). Update Understudy, or point DATA_DIR elsewhere."
        )
        raise StoreError(f"{path} {problem}", f"The file of records {problem}")
    for number in range(version + 1, len(MIGRATIONS) + 1):
        await connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number - 1]} PRAGMA user_version = {number}; COMMIT;"
        )
