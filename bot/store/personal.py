"""What people may ask of the records that are about them, in one world's file and in all.

Each call opens the file for itself, in a thread, and works in short steps, so that neither the
event loop nor the writer of the records waits for it.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from sqlite3 import Connection
from typing import Any, TypeVar

from bot.store import consenting, retention
from bot.store.consenting import Agreements
from bot.store.erasing import empty_log, is_clean, wipe
from bot.store.errors import FAILURES, translate
from bot.store.files import FOLDERS, SUFFIX, open_world, path_of
from bot.store.forgetting import (
    Forgotten,
    Pace,
    batches,
    forget_person,
    forget_rooms,
    person_data,
)
from bot.store.inbox import FOLDER as INBOX
from bot.store.presence import has_nothing_of
from bot.store.problems import StoreError
from bot.store.quoting import Quoted, asked_for, authors, quoted_since, rooms
from bot.store.records import World, WorldKind
from bot.store.setting_aside import COMPANIONS, DAMAGED, REPAIRED
from bot.store.sqlite import SqliteStore

AT_ONCE = 2
LOOKED_AT_ONCE = 50
CLOSED = "The bot ended meanwhile; it goes on when it runs again."
PAUSE_SECONDS = 0.002
LARGE_FILE = 256 << 20

T = TypeVar("T")
Work = Callable[[Connection, Pace], T]


class ClosedError(StoreError):
    """The bot ends: what was not done by then is done when it runs again."""


class PersonalRecords:
    """Every call raises StoreError when it could not be done; `close` ends those under way.

    `lingering` are the worlds whose logs still hold what was forgotten, as somebody reads them.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._closing = threading.Event()
        self.lingering: set[World] = set()

    def worlds(self) -> list[World]:
        """Every world of which something is kept in a file."""
        return list(self._store.worlds())

    async def worlds_open_to(self, user_id: int) -> list[World]:
        """Every world with a file that may have something of a person, without a look into it."""
        return [
            world for world in await asyncio.to_thread(self.worlds) if world.is_open_to(user_id)
        ]

    async def worlds_with(self, user_id: int) -> list[World]:
        """Every world that may have something of a person: of the others it is certain.

        As far as all that was kept is in the files: see `settle`.
        """
        worlds = await self.worlds_open_to(user_id)
        # What waits for a file that takes nothing is in none yet.
        waiting = {world for world in self._store.writing.problems if world.is_open_to(user_id)}
        found = [world for world in worlds if world in waiting]
        for some in batches([world for world in worlds if world not in waiting], LOOKED_AT_ONCE):
            async with self._slots:
                found += await asyncio.to_thread(self._may_have, user_id, some)
        return [*found, *sorted(waiting.difference(worlds), key=str)]

    def _may_have(self, user_id: int, worlds: Sequence[World]) -> list[World]:
        store = self._store
        found = []
        for world in worlds:
            if self._closing.is_set():
                raise ClosedError(CLOSED)
            if not has_nothing_of(path_of(store.folder, world), store.engine, user_id):
                found.append(world)
        return found

    def set_aside(self, user_id: int) -> list[str]:
        """The damaged files set aside that may have something of a person, by name.

        No call here reaches them.
        """
        own = f"{FOLDERS[WorldKind.DM]}/{user_id}{SUFFIX}{DAMAGED}*"
        return sorted(
            path.name
            for pattern in (f"{FOLDERS[WorldKind.GUILD]}/*{DAMAGED}*", own, f"{INBOX}/*{DAMAGED}*")
            for path in self._store.folder.glob(pattern)
            if not path.name.endswith(COMPANIONS)
        )

    async def settle(self) -> None:
        """What was kept is in the worlds' files, and the inbox holds nothing of it any more."""
        await self._store.drained()

    async def agreements(self, world: World) -> Agreements:
        """Who may be recorded."""
        return await self._read(world, consenting.agreements, Agreements())

    async def set_consent(self, world: World, user_id: int, recorded: bool | None) -> None:
        """A person agrees, objects, or (None) has said nothing; on return it is on disk."""
        await self._change(world, consenting.set_consent, user_id, recorded, now())

    async def note_notice(self, world: World, room_id: int) -> None:
        """People were told in this room; on return it is on disk."""
        await self._change(world, consenting.note_notice, room_id, now())

    async def set_setting(
        self,
        world: World,
        value: Any,  # noqa: ANN401 - any JSON
        *,
        tell_again: bool,
    ) -> None:
        """Keep the setting "privacy"; with `tell_again` people are to be told anew of it."""
        await self._change(world, partial(consenting.set_setting, tell_again=tell_again), value)

    async def person_data(self, world: World, user_id: int) -> dict[str, list[dict[str, Any]]]:
        """All that is kept of a person, by kind; nothing where there is no file."""
        await self._drained(world)
        return await self._read(world, partial(person_data, user_id=user_id), {})

    async def forget_people(self, world: World, people: Mapping[int, int]) -> Forgotten:
        """Forget all of these from before their time (ms).

        Down to the bytes of the file; of a large one, those wait for the next `expire`.
        """

        def work(connection: Connection, pace: Pace) -> Forgotten:
            gone = Forgotten()
            for user_id, until in people.items():
                gone += forget_person(connection, user_id, until, pace)
            if gone.rows:
                retention.sweep(connection, now(), pace)
            self._wipe_if_small(world, connection)
            return gone

        await self._drained(world)
        return await self._step(world, work, Forgotten())

    async def forget_rooms(self, world: World, room_ids: Sequence[int]) -> int:
        """Forget what was said in these channels and threads, in the same way."""

        def work(connection: Connection, pace: Pace) -> int:
            gone = forget_rooms(connection, room_ids, pace)
            retention.sweep(connection, now(), pace)
            self._wipe_if_small(world, connection)
            return gone

        await self._drained(world)
        return await self._step(world, work, 0)

    async def expire(self, world: World, before: int) -> int:
        """Delete what nobody rated from before that time (ms), down to the bytes of the file."""

        def work(connection: Connection, pace: Pace) -> int:
            gone = retention.expire(connection, before, pace=pace)
            if gone or not is_clean(connection):
                retention.sweep(connection, now(), pace)
            self._note(world, emptied=wipe(connection))
            return gone

        await self._drained(world)
        return await self._step(world, work, 0)

    async def wipe(self, world: World) -> bool:
        """Make sure that what was deleted is gone from the file's bytes, and from its log's.

        Returns whether it is gone from the log: while somebody reads the file, it cannot be.
        """
        await self._drained(world)
        return self._note(
            world, emptied=await self._step(world, lambda connection, _: wipe(connection), True)
        )

    async def empty_log(self, world: World) -> bool:
        """Make sure of that for the file's log, if nobody reads it any more."""
        return self._note(
            world,
            emptied=await self._step(world, lambda connection, _: empty_log(connection), True),
        )

    async def is_clean(self, world: World) -> bool:
        """Whether nothing was deleted since the file was last written anew."""
        return await self._read(world, is_clean, True)

    async def authors(self, world: World) -> list[int]:
        """Everyone of whom something is kept."""
        return await self._read(world, authors, [])

    async def rooms(self, world: World) -> list[int]:
        """Every room with something kept."""
        return await self._read(world, rooms, [])

    async def quoted(self, world: World, since: int, a_room: int) -> dict[int, list[Quoted]]:
        """What was quoted since that time (ms), by room: the newest `a_room` messages of each."""
        return await self._read(world, partial(quoted_since, since=since, a_room=a_room), {})

    async def asked_for(self, world: World, room_id: int, message_ids: Sequence[int]) -> list[int]:
        """The ids of the questions of a room, with texts, whose answers these messages carried."""
        await self._drained(world)
        return await self._read(
            world, partial(asked_for, room_id=room_id, message_ids=message_ids), []
        )

    async def delete_world(self, world: World) -> None:
        """Delete the whole file, damaged ones of it, and what waits to be put into it."""
        await self._drained(world)
        await self._store.world(world).close()
        path = path_of(self._store.folder, world)

        def work() -> None:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            for mark in (DAMAGED, REPAIRED):
                for aside in path.parent.glob(f"{path.name}{mark}*"):
                    aside.unlink(missing_ok=True)

        try:
            await asyncio.to_thread(work)
        except OSError as error:
            raise translate(error, path) from error
        await self.settle()

    def size(self, world: World) -> int:
        """The file's size in bytes; 0 where there is none."""
        try:
            return path_of(self._store.folder, world).stat().st_size
        except OSError:
            return 0

    def _wipe_if_small(self, world: World, connection: Connection) -> None:
        """Write a file anew, unless that would take seconds; its log is emptied either way."""
        small = self.size(world) <= LARGE_FILE
        self._note(world, emptied=wipe(connection) if small else empty_log(connection))

    def _note(self, world: World, *, emptied: bool) -> bool:
        (self.lingering.discard if emptied else self.lingering.add)(world)
        return emptied

    def close(self) -> None:
        """End the calls that are under way, after the step that they are at."""
        self._closing.set()

    async def _drained(self, world: World) -> None:
        await self._store.world(world).drained()

    async def _change(
        self,
        world: World,
        change: Callable[..., None],
        *values: Any,  # noqa: ANN401 - the arguments of `change`
    ) -> None:
        def work(connection: Connection, _: Pace) -> None:
            change(connection, *values)

        await self._step(world, work, None, begin=True)

    async def _read(self, world: World, read: Callable[[Connection], T], nothing: T) -> T:
        return await self._step(world, lambda connection, _: read(connection), nothing)

    async def _step(self, world: World, work: Work[T], nothing: T, *, begin: bool = False) -> T:
        """What `work` returns; `nothing` where there is no file, unless one is to begin."""
        path = path_of(self._store.folder, world)

        def run() -> T:
            try:
                if not begin and not path.exists():
                    return nothing
                with closing(
                    open_world(self._store.folder, world, self._store.engine)
                ) as connection:
                    return work(connection, self._pace)
            except FAILURES as error:
                raise translate(error, path) from error

        async with self._slots:
            return await asyncio.to_thread(run)

    def _pace(self) -> None:
        """Leave the file to others for a moment. In a thread."""
        if self._closing.is_set():
            raise ClosedError(CLOSED)
        time.sleep(PAUSE_SECONDS)


def now() -> int:
    """The time in ms since the epoch."""
    return time.time_ns() // 1_000_000
