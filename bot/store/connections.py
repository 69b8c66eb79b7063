"""The bot's own connections to worlds' files: opened for a call, kept a while, few at a time.

A thread and three files each, so they cannot stay open for every world that is in use.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import aiosqlite

from bot.store.engine import Engine
from bot.store.errors import FAILURES, spoils, translate
from bot.store.files import identify, open_world, path_of
from bot.store.patience import to_the_end
from bot.store.records import World

OPEN_FILES = 32
IDLE_SECONDS = 10.0
CHUNK = 64


@dataclass(slots=True)
class Open:
    """A connection that nobody uses at the moment, and which file it is to."""

    connection: aiosqlite.Connection
    identity: tuple[int, int] | None
    timer: asyncio.TimerHandle | None = None


class Connections:
    """Lends out a connection to a world's file, to one caller at a time each."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._unused: OrderedDict[World, Open] = OrderedDict()
        self._turns: WeakValueDictionary[World, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(OPEN_FILES)
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self, world: World) -> AsyncIterator[aiosqlite.Connection]:
        """The connection. Raises StoreError for all that goes wrong with the file meanwhile."""
        turn = self._turns.setdefault(world, asyncio.Lock())
        async with turn, self._slots:
            path = path_of(self._folder, world)
            item: Open | None = None
            try:
                item = await self._take(world, path)
                yield item.connection
            except FAILURES as error:
                if item is not None and (spoils(error) or item.connection.in_transaction):
                    await self._close(item)
                    item = None
                raise translate(error, path) from error
            finally:
                if item is not None:
                    self._put_back(world, item)

    @asynccontextmanager
    async def transaction(self, world: World) -> AsyncIterator[aiosqlite.Connection]:
        """All or nothing. A cancellation that comes while it commits is put off until it has."""
        async with self.opened(world) as connection:
            try:
                await connection.execute("BEGIN IMMEDIATE")
                yield connection
                await to_the_end(connection.execute("COMMIT"))
            except BaseException:
                # Without asking whether there is one: a BEGIN may still be on its way.
                with contextlib.suppress(*FAILURES):
                    await to_the_end(connection.execute("ROLLBACK"))
                raise

    async def close(self, world: World | None = None) -> None:
        """Let go of a world's file, or of all; each opens again when it is needed."""
        for key in list(self._unused) if world is None else [world]:
            item = self._unused.pop(key, None)
            if item is not None:
                await self._close(item)
        if self._closing and world is None:
            await asyncio.wait(self._closing)

    async def _take(self, world: World, path: Path) -> Open:
        """The connection to the file that has the path by now."""
        item = self._unused.pop(world, None)
        found = identify(path)
        if item is not None:
            if item.timer is not None:
                item.timer.cancel()
            if found is not None and found == item.identity:
                return item
            # Deleted or moved away: what is written to that file, nobody would find.
            await self._close(item)
        connection = await aiosqlite.Connection(
            lambda: open_world(self._folder, world, self._engine), iter_chunk_size=CHUNK
        )
        return Open(connection, identify(path))

    def _put_back(self, world: World, item: Open) -> None:
        self._unused[world] = item
        item.timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go, world)
        if len(self._unused) > OPEN_FILES:
            self._let_go(next(iter(self._unused)))

    def _let_go(self, world: World) -> None:
        item = self._unused.pop(world, None)
        if item is not None:
            task = asyncio.create_task(self._close(item), name="store: close a file")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, item: Open) -> None:
        if item.timer is not None:
            item.timer.cancel()
        with contextlib.suppress(*FAILURES):
            await to_the_end(item.connection.close())
