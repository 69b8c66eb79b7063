"""The writer: takes operations from the bot, and says of each when it is on disk.

A process of its own, as a thread starves while the bot's event loop is busy (facts: limits).
Each time as much as has come in by then is flushed at once: no timer makes anybody wait. A second
thread moves what was flushed into the worlds' files. When the bot is gone it finishes that and
ends.
"""

import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from bot.store.binding import bind_cheaply
from bot.store.drain import Drain
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.frames import (
    AT_LEAST,
    DONE,
    DRAIN,
    KEPT,
    LINGERS,
    LOST,
    NUMBER,
    OPERATIONS,
    OPERATIONS_AT,
    PLACE,
    PROBLEM,
    SHARED,
    UNMOVED,
    Frame,
    Unpacker,
    decode_entries,
    pack,
)
from bot.store.inbox import FOLDER, Inbox
from bot.store.locking import WRITER, left_over, open_lock, take
from bot.store.moving import Moving
from bot.store.operations import FORGETTING, Entry
from bot.store.problems import StoreError
from bot.store.processes import allow_handles, hung_up, link_of_input, read_key
from bot.store.records import World
from bot.store.shared_memory import share

log = logging.getLogger(__name__)

READ_BYTES = 1 << 19
MOST_UNFLUSHED_BYTES = 8 << 20
DRAIN_SECONDS = 1.0
# After a world the drain rests so many times as long as that took, where little waits; not at all
# where this much does.
REST = 80.0
MUCH_BYTES = 512 << 20
# Worlds that are drained side by side then.
MANY = 16
RETRY_SECONDS = 1.0
SEGMENT_BYTES = 256 << 20
MOST_INBOX_BYTES = 4 << 30
LOCK_SECONDS = 0.02
TELL_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
TAKEN = "Another bot writes to the same DATA_DIR. Stop it, or give this one another folder."
# A process to end is nothing for a status that everybody reads.
IN_THE_LOG = " If none runs, the log says what is left of an earlier one."


def serve(link: socket.socket, folder: Path, engine: Engine, *, helped: bool = False) -> None:
    """Write what comes over `link` until the other end closes it.

    Where not even the inbox can be opened, the other end is told why, and tries again. `helped` is
    whether another process may be begun where much waits.
    """
    with link:
        try:
            with locked(folder, link) as lock:
                moving = Moving(folder, engine, keep=[lock]) if helped else None
                Writer(link, folder, engine, Inbox(folder, engine), moving).run()
        except StoreError as error:
            log.error("%s", error)
        except FAILURES as error:
            problem = translate(error, folder / FOLDER)
            log.error("The inbox cannot be used: %s", problem)
            with contextlib.suppress(OSError):
                link.sendall(pack(PROBLEM, None, problem.public.encode()))


class OtherEndGoneError(Exception):
    """Nobody is left to keep anything for."""


class Incoming:
    """What the other end of a link has sent. It is read between two flushes, by the same thread."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._unpacker = Unpacker()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._ended = False

    def take(self) -> list[Frame]:
        """All that has come in since the last time, once something has; nothing at the end."""
        frames: list[Frame] = []
        while not frames and not self._ended:
            self._receive(frames)
        size = 0
        while size < MOST_UNFLUSHED_BYTES and (more := self._receive(frames, socket.MSG_DONTWAIT)):
            size += more
        return frames

    def stop(self) -> None:
        """Read no more."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RD)

    def _receive(self, frames: list[Frame], flags: int = 0) -> int:
        """Add the frames that are whole now; how many bytes came."""
        try:
            size = self._link.recv_into(self._buffer, 0, flags)
        except BlockingIOError:
            return 0
        except OSError:
            size = 0
        self._ended = size == 0
        frames += self._unpacker.unpack(self._buffer[:size])
        return size


class Writer:
    """Flushes what comes in; a thread of its own drains it."""

    def __init__(
        self,
        link: socket.socket,
        folder: Path,
        engine: Engine,
        inbox: Inbox,
        moving: Moving | None = None,
    ) -> None:
        self._link = link
        self._folder = folder
        self._inbox = inbox
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._drain = Drain(folder, engine, inbox, self._lock, self._report, self._lingers, moving)
        self._requests: SimpleQueue[tuple[World | None, bytes] | None] = SimpleQueue()
        self._awake = threading.Event()
        self._shared = memoryview(b"")
        self._problem: str | None = None
        # At first nothing was told: an earlier writer may have told of some.
        self._told_unmoved = (-1, 0.0)

    def run(self) -> None:
        """Until the other end is closed; then drain what waits, and end."""
        for path in self._inbox.damaged:
            log.error("A damaged part of the inbox was set aside: %s", path)
        self._tell_lost()
        self._send(pack(PROBLEM, None, b""))
        self._tell_unmoved()
        thread = threading.Thread(target=self._drain_along, name="drain")
        thread.start()
        if self._inbox.waiting:
            self._wake()
        incoming = Incoming(self._link)
        try:
            while frames := incoming.take():
                self._take(frames)
        except OtherEndGoneError:
            log.error("The bot is gone and the inbox takes nothing: the last records are lost")
        finally:
            incoming.stop()
            self._requests.put(None)
            thread.join()
            self._inbox.close()

    def _take(self, frames: Sequence[Frame]) -> None:
        entries: list[Entry] = []
        for kind, world, body in frames:
            if kind == OPERATIONS_AT:
                at, size = PLACE.unpack(body)
                entries += decode_entries(self._shared[at : at + size])
            elif kind == OPERATIONS:
                entries += decode_entries(body)
            elif kind == SHARED:
                self._share(NUMBER.unpack(body)[0])
            elif kind == DRAIN:
                self._flush(entries)
                entries = []
                self._requests.put((world, body))
        self._flush(entries)

    def _share(self, handle: int) -> None:
        """Have operations come through memory, where that can be."""
        try:
            self._shared = share(handle)
        except OSError as error:
            log.warning("No memory is shared with the bot, records come without: %s", error)
        else:
            self._send(pack(SHARED, None, b""))

    def _flush(self, entries: Sequence[Entry]) -> None:
        """Put them on disk, however long it takes, and say so."""
        if not entries:
            return
        while True:
            try:
                self._append(entries)
            except FAILURES as error:
                self._tell(translate(error, self._folder / FOLDER))
                time.sleep(RETRY_SECONDS)
                if hung_up(self._link):
                    raise OtherEndGoneError from error
            else:
                break
        self._tell(None)
        self._send(pack(KEPT, None, NUMBER.pack(len(entries))))
        for world in {world for world, kind, _ in entries if kind in FORGETTING}:
            self._requests.put((world, b""))
        self._wake()

    def _append(self, entries: Sequence[Entry]) -> None:
        if self._inbox.size > MOST_INBOX_BYTES:
            raise OSError(0, "records come in faster than this disk takes them")
        with self._lock:
            current = self._inbox.current
            if current is not None and (self._problem or current.size > SEGMENT_BYTES):
                # What failed in one file may go well in another.
                self._inbox.begin_segment()
            self._inbox.append(entries)

    def _tell(self, error: StoreError | None) -> None:
        """Report what is wrong with the inbox, once; None when nothing is."""
        problem = None if error is None else error.public
        if problem != self._problem:
            self._problem = problem
            if error is not None:
                log.error("Nothing is being kept: %s", error)
            self._send(pack(PROBLEM, None, (problem or "").encode()))

    def _report(self, world: World, problem: str | None, lost: int) -> None:
        self._send(pack(PROBLEM, world, (problem or "").encode()))
        if lost:
            self._send(pack(LOST, world, NUMBER.pack(lost)))

    def _tell_lost(self) -> None:
        """Report what an earlier process left in the inbox and cannot be read any more."""
        lost, least = self._inbox.lost, self._inbox.lost_is_least
        if lost:
            count = f"{'at least ' if least else ''}{lost.total():,}"
            log.error("%s operations in the inbox cannot be read. Check the disk", count)
        for world, number in lost.items():
            more = AT_LEAST if world is None and least else b""
            self._send(pack(LOST, world, NUMBER.pack(number) + more))

    def _tell_unmoved(self) -> None:
        """Report how many operations wait for their worlds' files, now and then, and if none do."""
        now = time.monotonic()
        told, at = self._told_unmoved
        with self._lock:
            if any(self._inbox.waiting.values()) and now - at < TELL_SECONDS:
                return
            number = sum(map(len, self._inbox.waiting.values()))
        if number != told:
            self._told_unmoved = (number, now)
            self._send(pack(UNMOVED, None, NUMBER.pack(number)))

    def _lingers(self, world: World, why: str | None) -> None:
        self._send(pack(LINGERS, world, (why or "").encode()))

    def _send(self, frame: bytes) -> None:
        with self._sending:
            try:
                self._link.sendall(frame)
            except OSError:
                # The bot is gone; what came from it is drained all the same.
                return

    def _wake(self) -> None:
        if not self._awake.is_set():
            self._awake.set()
            self._requests.put((None, b""))

    def _drain_along(self) -> None:
        """Carry out requests, and drain what waits soon after it came, until told to end."""
        ahead: deque[World] = deque()
        # When to drain the next world, however many requests come in until then.
        next_at: float | None = None
        while True:
            now = time.monotonic()
            if next_at is not None and next_at <= now:
                pause = self._drain_some(ahead)
                self._tell_unmoved()
                now = time.monotonic()
                next_at = None if pause is None else now + pause
            try:
                pause = None if next_at is None else max(next_at - now, 0.0)
                request = self._requests.get(timeout=pause)
            except Empty:
                continue
            if request is None:
                break
            world, number = request
            if number:
                self._carry_out(world, number)
                self._tell_unmoved()
                continue
            if world is not None:
                # What is to be forgotten does not wait for its turn.
                ahead.appendleft(world)
            if next_at is None:
                next_at = time.monotonic() + DRAIN_SECONDS
        try:
            self._drain.drain_all()
        except Exception:
            log.exception("Draining failed; what waits is drained at the next start")
        self._drain.close_files()

    def _drain_some(self, ahead: deque[World]) -> float | None:
        """Drain the next world. Returns the seconds to wait then; None: until something comes in.

        One at a time, so that whoever wants to read a file need not wait for all the others, and
        with pauses, so that the disk is there for what is to be kept: the shorter, the more waits.
        """
        if not ahead:
            ahead.extend(self._drain.due())
        began = time.monotonic()
        try:
            # What fails is reported, and tried again when it is due.
            many = MANY if self._inbox.size > MUCH_BYTES else 1
            self._drain.drain_each([ahead.popleft() for _ in range(min(many, len(ahead)))])
            if not ahead:
                self._drain.clear()
                self._drain.empty_logs()
        except Exception:
            log.exception("Draining failed; it goes on in a moment")
            return DRAIN_SECONDS
        if ahead:
            patience = max(1.0 - self._inbox.size / MUCH_BYTES, 0.0)
            return min((time.monotonic() - began) * REST * patience, DRAIN_SECONDS)
        # Before looking: what comes in from here on wakes this thread again.
        self._awake.clear()
        with self._lock:
            waits = any(self._inbox.waiting.values())
        if not waits:
            # An idle bot holds nobody's file open.
            self._drain.close_files()
        return DRAIN_SECONDS if waits or self._drain.restless else None

    def _carry_out(self, world: World | None, number: bytes) -> None:
        problem = ""
        try:
            if world is None:
                self._drain.drain_all()
            else:
                self._drain.drain(world)
        except StoreError as error:
            problem = error.public
        except Exception as error:
            log.exception("Draining failed")
            problem = f"{type(error).__name__}"
        self._send(pack(DONE, world, number + problem.encode()))


@contextlib.contextmanager
def locked(folder: Path, link: socket.socket) -> Iterator[int]:
    """One writer a folder: an earlier one, that still finishes, is waited for. Gives the lock."""
    handle = open_lock(folder, WRITER)
    try:
        began = time.monotonic()
        told = False
        while not take(handle, fcntl.LOCK_EX):
            if not told and time.monotonic() - began > PATIENCE_SECONDS:
                told = True
                log.error("%s%s", TAKEN, left_over(handle))
                with contextlib.suppress(OSError):
                    link.sendall(pack(PROBLEM, None, (TAKEN + IN_THE_LOG).encode()))
            if told and hung_up(link):
                raise StoreError("The bot is gone, and another process writes here.")
            time.sleep(LOCK_SECONDS)
        yield handle
    finally:
        os.close(handle)


def main() -> None:
    """The process: its first argument is the folder, its standard input the link; first the key."""
    # Whoever ends the bot does not end the writing of what it has given.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s writer: %(message)s", stream=sys.stderr)
    # Short turns, so that the draining thread does not hold up the flushing one.
    sys.setswitchinterval(0.0005)
    # Nothing here refers to itself; each batch would be looked through many times for nothing.
    gc.freeze()
    gc.set_threshold(100_000)
    allow_handles()
    link = link_of_input()
    try:
        engine = Engine(read_key(link))
    except EOFError:
        # Without the key nothing is to be touched; the next one does all that there is to do.
        return
    bind_cheaply(engine)
    serve(link, Path(sys.argv[1]), engine, helped=True)
