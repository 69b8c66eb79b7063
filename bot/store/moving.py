"""The draining thread's end of the mover: gives it worlds, and learns how much it has moved."""

import logging
import os
import select
import socket
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from bot.store.engine import Engine
from bot.store.frames import MOVE, NUMBER, Unpacker, pack, pack_numbers
from bot.store.processes import begin, pack_key
from bot.store.records import World

log = logging.getLogger(__name__)

MOVER = "bot.store.mover"
READ_BYTES = 1 << 16
# One that it moves, and one so that it need not wait for the next.
MOST_GIVEN = 2
# As many as fit into the link beside it, so that giving never waits.
MOST_NUMBERS = 4096
PATIENCE_SECONDS = 60.0

Given = tuple[World, int]
"""A world, and how many operations of it."""


class Moving:
    """A mover, begun when something is given to it first. Used by one thread.

    `keep` are handles that it keeps open for as long as it runs. One that ended early is not begun
    again before `end`: what it was given was moved in part, or not at all.
    """

    def __init__(self, folder: Path, engine: Engine, keep: Sequence[int] = ()) -> None:
        self.given: deque[Given] = deque()
        self._folder = folder
        self._engine = engine
        self._keep = keep
        self._link: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._unpacker = Unpacker()
        self._gone = cores() < 2

    @property
    def takes_more(self) -> bool:
        """Whether it has time for another world."""
        return not self._gone and len(self.given) < MOST_GIVEN

    def give(self, world: World, numbers: Sequence[int]) -> None:
        """Have these moved, at most MOST_NUMBERS; nobody else is to move any of this world."""
        self.given.append((world, len(numbers)))
        try:
            if self._link is None:
                self._begin()
            assert self._link is not None  # noqa: S101 - begun
            self._link.sendall(pack(MOVE, world, pack_numbers(numbers)))
        except OSError as error:
            # What was given comes back with nothing moved.
            self._lost(error)

    def returned(self, *, wait: bool) -> list[tuple[World, int, int]]:
        """Of what was given: the worlds that are done, how much was given, how much was moved."""
        if not self.given:
            return []
        if self._link is not None:
            return self._receive(self._link, PATIENCE_SECONDS if wait else 0.0)
        back = [(world, count, 0) for world, count in self.given]
        self.given.clear()
        return back

    def end(self) -> None:
        """Let it end; what it was given and has not told of is as if it was never given."""
        self.given.clear()
        self._gone = cores() < 2
        self._stop()

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        # One that is stopped takes nothing any more.
        ours.settimeout(PATIENCE_SECONDS)
        self._link = ours
        self._unpacker = Unpacker()
        with theirs:
            self._process = begin(MOVER, theirs, self._folder, self._keep)
        ours.sendall(pack_key(self._engine.key))

    def _receive(self, link: socket.socket, seconds: float) -> list[tuple[World, int, int]]:
        done: list[tuple[World, int, int]] = []
        waiting = select.poll()
        waiting.register(link, select.POLLIN)
        try:
            if not waiting.poll(seconds * 1_000):
                if seconds:
                    self._lost(TimeoutError("it does not answer"))
                return done
            data = link.recv(READ_BYTES)
        except OSError as error:
            self._lost(error)
            return done
        if not data:
            self._lost(EOFError("it ended"))
        for _, _, body in self._unpacker.unpack(data):
            world, count = self.given.popleft()
            done.append((world, count, NUMBER.unpack(body)[0]))
        return done

    def _lost(self, error: Exception) -> None:
        log.warning("The mover is given up, the writer goes on alone: %s", error)
        self._gone = True
        if self._process is not None:
            self._process.kill()
        self._stop()

    def _stop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            try:
                self._process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("The mover does not end by itself, and is killed")
                self._process.kill()
                self._process.wait()
            self._process = None


def cores() -> int:
    """How many processes may run at a time."""
    return os.cpu_count() or 1
