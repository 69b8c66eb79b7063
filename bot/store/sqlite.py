"""The store: one SQLite file a world, `guilds/<guild id>.sqlite3` and `dms/<user id>.sqlite3`.

What is to be kept goes through the inbox, which a writer flushes for all worlds at once and then
moves into their files. What is read is read from the files, after what waits was moved there.
Write-ahead logging with `synchronous=FULL`: what a call has returned for is on disk.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self, TypeVar

from bot.store.activity import Activity, nothing, read_activity
from bot.store.ballots import read_vote
from bot.store.choosing import Choice, Feedback
from bot.store.connections import Connections
from bot.store.counts import StoreCounts
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import identify, path_of, worlds_in
from bot.store.operations import Operation
from bot.store.pages import ExchangeSummary, read_exchange, read_page
from bot.store.problems import StoreError
from bot.store.reading import reading
from bot.store.reasons import carries_output, read_reasoning
from bot.store.records import RecordStats, World
from bot.store.training_rows import LeftOut, read_json_lines
from bot.store.writing import Told, Writing

MOST_WAITING_BYTES = 64 << 20
LOST_ANYWHERE = (
    "{least}{count:,} records that waited for the servers' files could not be read: the disk has "
    "damaged them. It is not known which servers' they were; some may be missing here. Whoever "
    "runs the bot should check the disk; `understudy doctor` says more."
)

T = TypeVar("T")


class SqliteStore:
    """All worlds' files below one folder. Use it as an async context manager.

    `engine` opens the files, and encrypts them if it has a key. `in_process` writes in a thread
    instead of a process: quicker to begin, and slower while the event loop is busy. At most
    `most_waiting_bytes` of what the disk has not taken are held.
    """

    def __init__(
        self,
        folder: Path,
        engine: Engine | None = None,
        *,
        in_process: bool = False,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        engine = Engine() if engine is None else engine
        self.folder = folder
        self.engine = engine
        self.writing = Writing(folder, engine, most_bytes=most_waiting_bytes, in_process=in_process)
        self.connections = Connections(folder, engine)

    async def __aenter__(self) -> Self:
        self.writing.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def problem(self) -> str | None:
        """Why nothing is being kept at present, for people; None when all is well."""
        return self.writing.problem

    def world(self, world: World) -> "SqliteWorldStore":
        """The store of one world; cheap, and opens nothing."""
        return SqliteWorldStore(self, world)

    def worlds(self) -> Iterator[World]:
        """Every world that has a file."""
        return worlds_in(self.folder)

    def counts(self) -> StoreCounts:
        """How the keeping goes in all worlds together. Costs no I/O."""
        writing = self.writing
        return StoreCounts(
            kept=writing.kept,
            unmoved=writing.unmoved,
            lost=writing.lost.total(),
            waiting=writing.waiting,
            waiting_bytes=writing.waiting_bytes,
            most_waiting_bytes=writing.most_bytes,
            well=writing.problem is None,
            held_up=len(writing.problems),
            lingering=len(writing.lingering),
        )

    async def drained(self) -> None:
        """All that was kept is in the worlds' files, and nothing of it in the inbox.

        A world whose file takes nothing is left out; see its `problem`.
        """
        await self.writing.drained(None)

    async def close(self) -> None:
        """Write what waits, and let go of all files."""
        await self.writing.close()
        await self.connections.close()


class SqliteWorldStore:
    """One world's records. Calls may overlap: those that need the file take turns on it."""

    def __init__(self, store: SqliteStore, world: World) -> None:
        self.world = world
        self._store = store
        self._path = path_of(store.folder, world)
        # Of what was handed over: how many, and how many of them are known to be in the file.
        self._submitted = 0
        self._moved = 0

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self._path)

    @property
    def exists(self) -> bool:
        """Whether the file is there, or may be: its folder cannot be looked into, for example."""
        # What an earlier run kept waits, too, where the file cannot be made at present.
        waits = self._submitted > self._moved or self.held_up is not None
        return waits or self._store.writing.unsettled or self._has_file

    @property
    def _has_file(self) -> bool:
        try:
            return identify(self._path) is not None
        except OSError:
            return True

    @property
    def problem(self) -> str | None:
        """Why nothing is being kept at present, for people; None when all is well."""
        return self._store.writing.problem

    @property
    def held_up(self) -> str | None:
        """Why what is kept waits to be put into the file, for people; None when it does not."""
        return self._store.writing.problems.get(self.world)

    @property
    def lingering(self) -> str | None:
        """Why what was forgotten is still in the file's log, for people; None when it is not."""
        return self._store.writing.lingering.get(self.world)

    @property
    def lost(self) -> int:
        """How many operations were given up since the start though they had been kept."""
        return self._store.writing.lost[self.world]

    @property
    def lost_anywhere(self) -> str | None:
        """What was lost since the start and might be anybody's, for people; None for nothing."""
        lost = self._store.writing.lost[None]
        if not lost:
            return None
        return LOST_ANYWHERE.format(
            least="At least " * self._store.writing.lost_is_least, count=lost
        )

    def submit(self, operation: Operation, told: Told) -> None:
        """Hand over what is to be kept; `told` is called once it is on disk, or will never be."""
        self._store.writing.submit(self.world, operation, told)
        self._submitted += 1

    async def write(self, operations: Sequence[Operation]) -> None:
        """Keep these; on return they are on disk. An exchange that is there is left as it is."""
        done = asyncio.get_running_loop().create_future()
        left = len(operations)
        if not left:
            return

        def told(error: StoreError | None) -> None:
            nonlocal left
            left -= 1
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            elif left == 0:
                done.set_result(None)

        for operation in operations:
            self.submit(operation, told)
        await done

    async def drained(self) -> None:
        """What was handed over before is in the file. Raises StoreError if it cannot be."""
        submitted = self._submitted
        await self._store.writing.drained(self.world)
        # Calls overlap, and each has waited for all that was handed over before the earlier ones.
        self._moved = max(self._moved, submitted)

    async def stats(self) -> RecordStats:
        """Counts over all that is kept, as far as it could be put into the file."""
        with contextlib.suppress(StoreError):
            await self.drained()
        if not self._has_file:
            return RecordStats()
        async with self._store.connections.opened(self.world) as connection:
            rows = await connection.execute_fetchall(
                "SELECT exchanges, failures, fallbacks, last_timestamp, thumbs_up, thumbs_down"
                " FROM counters"
            )
        return RecordStats(*next(iter(rows)))

    async def activity(self, since: int, until: int, buckets: int) -> Activity:
        """Counts over the exchanges of a stretch of time (ms), in so many equal parts."""
        empty = nothing(since, until, buckets)
        return await self._read(lambda c: read_activity(c, since, until, buckets), empty)

    async def page(
        self,
        before: int | None,
        limit: int,
        *,
        room_id: int | None = None,
        user_id: int | None = None,
        feedback: Feedback | None = None,
    ) -> list[ExchangeSummary]:
        """Up to `limit` exchanges with ids below `before` (None: the newest), newest first."""

        def read(connection: Connection) -> list[ExchangeSummary]:
            return read_page(
                connection, before, limit, room_id=room_id, user_id=user_id, feedback=feedback
            )

        return await self._read(read, [])

    async def exchange(self, exchange_id: int) -> ExchangeSummary | None:
        """One exchange, if it is kept."""
        return await self._read(lambda c: read_exchange(c, exchange_id), None)

    async def is_answer(self, message_id: int) -> bool:
        """Whether a Discord message carries an output that is kept."""
        return await self._read(lambda c: carries_output(c, message_id), False)

    async def reasoning_of(self, message_id: int) -> str | None:
        """How the model came to the output that a Discord message carries, if that is kept.

        Without the system prompt, which is nobody's business.
        """
        return await self._read(lambda c: read_reasoning(c, message_id), None)

    async def vote_of(self, message_id: int, user_id: int) -> int:
        """A person's vote on the answer that a Discord message carries; 0 for none."""
        return await self._read(lambda c: read_vote(c, message_id, user_id), 0)

    async def json_lines(self, most_bytes: int) -> tuple[bytes, int] | None:
        """All exchanges as JSON lines, and how many are left out, as their prompts are damaged;
        None where the lines come to more than `most_bytes`.
        """
        return await self._read(lambda c: json_lines_up_to(c, most_bytes), (b"", 0))

    async def _read(self, function: Callable[[Connection], T], otherwise: T) -> T:
        """What `function` reads of the file, in a thread; `otherwise` where there is no file.

        What was handed over before is in the file by then, as far as that is possible.
        """
        with contextlib.suppress(StoreError):
            await self.drained()
        if not self._has_file:
            return otherwise

        def work() -> T:
            with reading(self._store.folder, self.world, self._store.engine) as connection:
                try:
                    return function(connection)
                except FAILURES as error:
                    raise translate(error, self._path) from error

        return await asyncio.to_thread(work)

    async def get_setting(self, key: str) -> Any:  # noqa: ANN401 - whatever JSON was set
        """The JSON value under `key`, or None."""
        if not self._has_file:
            return None
        async with self._store.connections.opened(self.world) as connection:
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
        async with self._store.connections.transaction(self.world) as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)",
                (key, json.dumps(value)),
            )

    async def close(self) -> None:
        """Let go of the file. The next call opens it again."""
        await self._store.connections.close(self.world)


def json_lines_up_to(connection: Connection, most_bytes: int) -> tuple[bytes, int] | None:
    """All exchanges as JSON lines, if they come to no more, and how many had to be left out."""
    found, left_out = bytearray(), LeftOut()
    for lines in read_json_lines(connection, Choice(), left_out):
        found += lines.text
        if len(found) > most_bytes:
            return None
    return bytes(found), left_out.count
