"""The bot's end of the writer: hands operations over, and learns when each is on disk.

What the writer has not taken yet waits here, up to a number of bytes; then the oldest exchange
that was not handed over gives way. What people asked to forget never does.
"""

import asyncio
import contextlib
import logging
import socket
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bot.store.engine import Engine
from bot.store.frames import (
    AT_LEAST,
    DONE,
    DRAIN,
    KEPT,
    LINGERS,
    LOST,
    NUMBER,
    PROBLEM,
    SHARED,
    UNMOVED,
    pack,
)
from bot.store.inbox import FOLDER
from bot.store.link import Link
from bot.store.operations import (
    EXCHANGE,
    FORGETTING,
    KINDS,
    TOO_LARGE,
    Entry,
    Operation,
    encode,
)
from bot.store.problems import StoreError, UnstorableError
from bot.store.processes import begin, pack_key
from bot.store.records import LARGEST, World
from bot.store.shared_memory import SharedMemory
from bot.store.writer import serve

log = logging.getLogger(__name__)

IN_FLIGHT_BYTES = 4 << 20
# The writer flushes one half of a burst while the other is being made; with all of it in one piece
# the two would take turns, and with small pieces there would be more flushes than need be.
SEND_BYTES = 192 << 10
SOCKET_BYTES = 208 << 10
# About what an operation's world, kind and length take.
ENTRY_BYTES = 32
CLOSED = "The store is closed."
ENDS_AGAIN = (
    "The writer of the records ends again and again, soon after it is begun. "
    "Whoever runs the bot finds the reason in its log."
)
RESTART_SECONDS = (0.5, 5.0)
# How long whoever stops the bot is left to wonder what it waits for.
SAY_SECONDS = 1.0
WRITER = "bot.store.writer"
DISPENSABLE = frozenset(range(len(KINDS))) - FORGETTING

Told = Callable[[StoreError | None], None]
"""Called once, on the event loop: None when it is kept, or why it is not."""


class Waiting(Struct, gc=False):
    """What is to be sent: an operation, and who is told of it; or a request, which is a frame."""

    size: int
    entry: Entry | None = None
    told: Told | None = None
    frame: bytes = b""


class Writing:
    """One writer, in a process of its own (or a thread of this one), begun when it is needed.

    `unsettled` is whether an earlier run may have left something of any world in the inbox.
    `problem` says for people why nothing is being kept at present, `problems` why a world's file
    takes nothing, `lingering` why what was forgotten is not gone from its log. `lost` counts what
    was kept, and could not be put into its world's file; under None, where it is not known whose
    it was, and then there may be more if `lost_is_least`. `kept` counts the operations that are on
    disk, since the start; `unmoved` of them wait for their worlds' files, as of the last second.
    """

    def __init__(self, folder: Path, engine: Engine, *, most_bytes: int, in_process: bool) -> None:
        self.problem: str | None = None
        self.problems: dict[World, str] = {}
        self.lingering: dict[World, str] = {}
        self.lost: Counter[World | None] = Counter()
        self.lost_is_least = False
        self.most_bytes = most_bytes
        self.kept = 0
        self.unmoved = 0
        self._folder = folder
        self._engine = engine
        self._in_process = in_process
        self._unsent: deque[Waiting] = deque()
        self._sent: deque[Waiting] = deque()
        self._bytes = 0
        self._bytes_sent = 0
        self._requests: dict[int, asyncio.Future[None]] = {}
        self._last_request = 0
        self._link: Link | None = None
        self._writer: threading.Thread | subprocess.Popen[bytes] | None = None
        self._running: asyncio.Task[None] | None = None
        self._sending = False
        self._closing = False
        self._idle = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None
        self.unsettled = False

    @property
    def waiting(self) -> int:
        """How many operations are not known to be on disk."""
        return len(self._sent) + sum(item.entry is not None for item in self._unsent)

    @property
    def waiting_bytes(self) -> int:
        """How many bytes these are."""
        return self._bytes

    def submit(self, world: World, operation: Operation, told: Told) -> None:
        """Hand an operation over; returns at once. Raises UnstorableError for one that never can,
        StoreError after `close`.
        """
        kind, body = encode(operation)
        if not -LARGEST <= world.id < LARGEST:
            # The inbox would take nothing any more, of any world.
            raise UnstorableError(TOO_LARGE)
        if self._closing:
            raise StoreError(CLOSED)
        self._queue(Waiting(len(body) + ENTRY_BYTES, (world, kind, body), told))
        if self._bytes > self.most_bytes:
            self._give_way()

    def settle(self) -> None:
        """Move what an earlier run left in the inbox into the worlds' files, before long."""
        if self._segments():
            self.unsettled = True
            self._settling = asyncio.create_task(self._settle(), name="store: settle the inbox")

    async def drained(self, world: World | None) -> None:
        """All that was handed over of this world (None: of all) is in its file.

        Raises StoreError when the file does not take it.
        """
        if self._running is None and not self._segments():
            return
        if self._closing:
            raise StoreError(CLOSED)
        if self.problem is not None:
            raise StoreError(self.problem)
        self._last_request += 1
        number = self._last_request
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests[number] = done
        try:
            frame = pack(DRAIN, world, NUMBER.pack(number))
            self._queue(Waiting(len(frame), frame=frame))
            await done
        finally:
            del self._requests[number]

    async def close(self, seconds: float = 10.0) -> None:
        """Hand over what waits and let the writer finish; what it has not taken by then is lost."""
        self._closing = True
        if self._settling is not None:
            self._settling.cancel()
        try:
            if self._running is not None:
                await self._all_on_disk(seconds)
                self._running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._running
        finally:
            # Whoever stops the bot may not wait so long, and is told all the same.
            self._give_up()
        if self._writer is not None and not await asyncio.to_thread(ended, self._writer, seconds):
            log.info("The writer is still moving records into the servers' files, and ends then")

    def take(self, kind: int, world: World | None, body: bytes) -> None:
        """A frame of the writer's."""
        if kind == KEPT:
            kept = [self._sent.popleft() for _ in range(NUMBER.unpack(body)[0])]
            size = sum([item.size for item in kept])
            self.kept += len(kept)
            self._bytes -= size
            self._bytes_sent -= size
            for item in kept:
                self._tell(item, None)
            if self._closing and not self.waiting:
                self._idle.set()
            self._send()
        elif kind == DONE:
            number = NUMBER.unpack_from(body)[0]
            problem = body[NUMBER.size :].decode()
            done = self._requests.get(number)
            if done is not None and not done.done():
                done.set_exception(StoreError(problem)) if problem else done.set_result(None)
        elif kind == LOST:
            self.lost[world] += NUMBER.unpack_from(body)[0]
            self.lost_is_least |= body.endswith(AT_LEAST) and len(body) > NUMBER.size
        elif kind == UNMOVED:
            self.unmoved = NUMBER.unpack(body)[0]
        elif kind == PROBLEM:
            self._note(world, body.decode() or None)
        elif kind == LINGERS and world is not None:
            self.lingering[world] = body.decode()
            if not body:
                del self.lingering[world]

    def send_more(self) -> None:
        """Send what waits, as far as the writer keeps up."""
        if self._link is None or self._link.full:
            return
        entries: list[Entry] = []
        size = 0
        while self._unsent and self._bytes_sent < IN_FLIGHT_BYTES:
            item = self._unsent.popleft()
            if item.entry is not None:
                entries.append(item.entry)
                size += item.size
                self._sent.append(item)
                self._bytes_sent += item.size
            if entries and (item.entry is None or size > SEND_BYTES):
                self._link.send_entries(entries)
                entries, size = [], 0
            if item.entry is None:
                self._link.send(item.frame)
                self._bytes -= item.size
        if entries:
            self._link.send_entries(entries)

    async def _all_on_disk(self, seconds: float) -> None:
        """Wait until nothing waits, so long at most; where that takes its time, the log says so."""
        loop = asyncio.get_running_loop()
        saying = loop.call_later(SAY_SECONDS, self._say_waiting)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while self.waiting:
                        self._idle.clear()
                        await self._idle.wait()
        finally:
            saying.cancel()

    def _say_waiting(self) -> None:
        log.warning("%d records are not on disk yet; they are waited for", self.waiting)

    def _give_up(self) -> None:
        """What is not on disk by now will not be."""
        if self.waiting:
            log.error("%d records were not on disk when the bot was stopped", self.waiting)
        for item in (*self._sent, *self._unsent):
            self._tell(item, StoreError("The bot was stopped before it was on disk."))
        self._sent.clear()
        self._unsent.clear()
        self._refuse(CLOSED)

    def _segments(self) -> bool:
        return any((self._folder / FOLDER).glob("*.sqlite3"))

    async def _settle(self) -> None:
        while self.unsettled:
            try:
                await self.drained(None)
            except StoreError:
                # Said by `problem`.
                await asyncio.sleep(RESTART_SECONDS[1])
            else:
                self.unsettled = False

    def _queue(self, item: Waiting) -> None:
        self._unsent.append(item)
        self._bytes += item.size
        if self._link is not None and self._bytes - self._bytes_sent > SEND_BYTES:
            self.send_more()
        else:
            self._send()

    def _send(self) -> None:
        """Send at the end of this turn of the loop, with all that comes until then."""
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="store: the writer's link")
        elif not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._send_now)

    def _send_now(self) -> None:
        self._sending = False
        self.send_more()

    def _give_way(self) -> None:
        reason = StoreError(
            f"More than {self.most_bytes >> 20} MB of records were waiting for the disk; "
            "the oldest were given up. Is the disk slow or full?"
        )
        # Some at once, as all that must stay is looked through each time.
        enough = self.most_bytes - self.most_bytes // 8
        for may_go in (frozenset({EXCHANGE}), DISPENSABLE):
            kept: deque[Waiting] = deque()
            while self._unsent and self._bytes > enough:
                item = self._unsent.popleft()
                if item.entry is not None and item.entry[1] in may_go:
                    self._bytes -= item.size
                    self._tell(item, reason)
                else:
                    kept.append(item)
            self._unsent.extendleft(reversed(kept))

    def _tell(self, item: Waiting, error: StoreError | None) -> None:
        if item.told is not None:
            try:
                item.told(error)
            except Exception:
                log.exception("Who kept a record could not be told")

    def _note(self, world: World | None, problem: str | None) -> None:
        if world is None:
            self.problem = problem
            if problem is not None:
                self._refuse(problem)
        elif problem is None:
            self.problems.pop(world, None)
        else:
            self.problems[world] = problem

    def _refuse(self, problem: str) -> None:
        """Whoever waits for a file would wait for long."""
        for done in self._requests.values():
            if not done.done():
                done.set_exception(StoreError(problem))

    async def _run(self) -> None:
        """Keep a writer running; one that ended is begun again, with what it had not kept."""
        seconds = RESTART_SECONDS[0]
        try:
            while True:
                began = time.monotonic()
                await self._connect()
                if time.monotonic() - began > RESTART_SECONDS[1]:
                    seconds = RESTART_SECONDS[0]
                elif seconds > RESTART_SECONDS[0] and self.problem is None:
                    self._note(None, ENDS_AGAIN)
                log.error("The writer of the records ended; it is begun again in %g s", seconds)
                await asyncio.sleep(seconds)
                seconds = min(seconds * 2, RESTART_SECONDS[1])
        finally:
            if self._link is not None:
                self._link.close()

    async def _connect(self) -> None:
        """One writer's life."""
        if isinstance(self._writer, subprocess.Popen):
            # The one before: reaped, if it has ended by now.
            self._writer.poll()
        try:
            self._link = await self._begin_link()
        except (OSError, RuntimeError) as error:
            # RuntimeError: no further thread can be begun.
            why = getattr(error, "strerror", None) or error
            self._note(None, f"The writer of the records cannot be started ({why}).")
            log.error("%s", self.problem)
            return
        self.send_more()
        await self._link.lost.wait()
        self._link = None
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._bytes_sent = 0
        # What is still so the next one says again.
        self.problems.clear()
        self.lingering.clear()
        self._refuse("The writer of the records ended; it begins again in a moment.")

    async def _begin_link(self) -> "Link":
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        shared = None if self._in_process else SharedMemory.make()
        try:
            with theirs:
                self._writer = self._begin(theirs, shared)
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(
                lambda: Link(self.take, self.send_more, shared), sock=ours
            )
        except BaseException:
            ours.close()
            if shared is not None:
                shared.close()
            raise
        finally:
            if shared is not None:
                shared.forget_handle()
        if not self._in_process:
            link.send(pack_key(self._engine.key))
        if shared is not None:
            link.send(pack(SHARED, None, NUMBER.pack(shared.handle)))
        return link

    def _begin(
        self, theirs: socket.socket, shared: SharedMemory | None
    ) -> threading.Thread | subprocess.Popen[bytes]:
        if self._in_process:
            link = theirs.dup()
            thread = threading.Thread(
                target=serve, args=(link, self._folder, self._engine), name="writer", daemon=True
            )
            thread.start()
            return thread
        return begin(WRITER, theirs, self._folder, [] if shared is None else [shared.handle])


def ended(writer: "threading.Thread | subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait for a writer to end, this long at most; whether it did."""
    if isinstance(writer, threading.Thread):
        writer.join(seconds)
        return not writer.is_alive()
    with contextlib.suppress(subprocess.TimeoutExpired):
        writer.wait(seconds)
    return writer.returncode is not None
