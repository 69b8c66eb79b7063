"""From the inbox into the worlds' files: in batches, one world after the other."""

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.store.applying import Stored, apply
from bot.store.batches import batches
from bot.store.engine import Engine
from bot.store.errors import FAILURES, blames_a_value, is_damage, translate
from bot.store.files import identify, path_of
from bot.store.inbox import FOLDER, Inbox, Segment
from bot.store.lingering import Lingering, Told
from bot.store.moving import MOST_NUMBERS, Moving
from bot.store.open_files import OpenFiles
from bot.store.operations import EXCHANGE, FORGETTING
from bot.store.problems import StoreError
from bot.store.records import World
from bot.store.setting_aside import set_aside, set_aside_in, worlds_set_aside_in
from bot.store.tombstones import CHANGING, bury
from bot.store.transactions import transaction

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 30.0)
# A world whose file cannot be written must not fill the disk: then its oldest give way.
MOST_WAITING = 20_000
# From here on a process more is worth its while.
MUCH_WAITING = 20_000
SEGMENT_SECONDS = 60.0

UNDONE: tuple[type[Exception], ...] = (StoreError, *FAILURES)

Report = Callable[[World, str | None, int], None]
"""Told of a world: what is wrong with its file (None: nothing any more), and how many operations
were given up on that account."""


@dataclass(slots=True)
class Trouble:
    """A world whose file does not take anything: why, when it was tried, when it is to be again."""

    problem: StoreError
    tried: float
    seconds: float

    @property
    def until(self) -> float:
        """When to try again (`time.monotonic()`)."""
        return self.tried + self.seconds


class Drain:
    """Moves what waits in the inbox into the worlds' files. Used by one thread.

    `lock` guards the inbox, which another thread appends to. `lingers` is told of logs that
    cannot be emptied of what was forgotten. `moving`, where there is one, helps when much waits.
    """

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        inbox: Inbox,
        lock: threading.Lock,
        report: Report,
        lingers: Told = lambda world, why: None,
        moving: Moving | None = None,
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._inbox = inbox
        self._lock = lock
        self._report = report
        self._files = OpenFiles(folder, engine)
        self._moving = moving
        self._troubled: dict[World, Trouble] = {}
        self._lingering = Lingering(lingers)
        self._segment_since = time.monotonic()
        self._undeleted: StoreError | None = None
        # While somebody drains, nobody else sets files aside.
        self._aside = set(worlds_set_aside_in(folder))

    def drain(self, world: World) -> None:
        """Move all that waits of this world. Raises StoreError when its file does not take it."""
        trouble = self._troubled.get(world)
        if trouble is not None and time.monotonic() < trouble.tried + RETRY_SECONDS[0]:
            raise trouble.problem
        with self._lock:
            numbers = list(self._inbox.waiting.get(world, ()))
        try:
            for batch in batches(numbers):
                lost = self._move(world, batch)
                self._moved(world, len(batch))
                if lost:
                    self._report(world, None, lost)
        except UNDONE as error:
            raise self._trouble(world, error) from error
        if self._troubled.pop(world, None) is not None:
            self._report(world, None, 0)

    def due(self) -> list[World]:
        """The worlds of which something waits, and whose files may take it."""
        now = time.monotonic()
        with self._lock:
            waiting = [world for world, numbers in self._inbox.waiting.items() if numbers]
        return [
            world
            for world in waiting
            if world not in self._troubled or self._troubled[world].until <= now
        ]

    def drain_all(self) -> None:
        """Move all that waits, as far as the files take it, and leave nothing else in the inbox.

        Raises StoreError where something there cannot be deleted.
        """
        with self._lock:
            waiting = [world for world, numbers in self._inbox.waiting.items() if numbers]
        self.drain_each(waiting)
        self.clear()
        if self._undeleted is not None:
            raise self._undeleted

    def drain_each(self, worlds: Iterable[World]) -> None:
        """Move all that waits of these, as far as their files take it. One may be named twice."""
        # What two move at a time would count as moved twice.
        each = dict.fromkeys(worlds)
        # Those first whose files are open: opening others would close them.
        left = deque(sorted(each, key=lambda world: world not in self._files))
        if self._moving is not None and len(left) > 1 and self._much_waits():
            left = self._drain_beside(self._moving, left)
        for world in left:
            with contextlib.suppress(StoreError):
                self.drain(world)

    @property
    def restless(self) -> bool:
        """Whether something is to be tried again though nothing waits in the inbox."""
        return bool(self._lingering) or self._undeleted is not None

    def empty_logs(self) -> None:
        """Try again to empty the logs that somebody's reading has kept from it."""
        for world in self._lingering.due():
            path = path_of(self._folder, world)
            try:
                if identify(path) is None:
                    self._lingering.gone(world)
                else:
                    self._lingering.empty(world, path, self._files.open(world))
            except UNDONE as error:
                self._files.close(world)
                self._lingering.put_off(world, path, error)

    def clear(self) -> None:
        """Delete the segments of which nothing waits; what is stuck does not hold up the others.

        Raises one of FAILURES when another segment is due and cannot be begun.
        """
        with self._lock:
            gone = self._inbox.finished()
            now = time.monotonic()
            age = now - self._segment_since
            if gone or age > SEGMENT_SECONDS:
                self._segment_since = now
            if not gone and age > SEGMENT_SECONDS:
                if self._troubled:
                    self._inbox.carry_over()
                    gone = self._inbox.finished()
                elif self._inbox.current is not None:
                    # Where something always waits, what was forgotten must not stay for long.
                    self._inbox.begin_segment()
        if gone and self._moving is not None:
            # Whoever has them open keeps their room, and what was forgotten.
            self._moving.end()
        self._delete(gone)

    def close_files(self) -> None:
        """Let go of all files, and of whoever helped."""
        self._files.close_all()
        if self._moving is not None:
            self._moving.end()

    def _delete(self, segments: Iterable[Segment]) -> None:
        try:
            for segment in segments:
                segment.delete()
        except FAILURES as error:
            problem = translate(error, self._folder / FOLDER)
            if self._undeleted is None:
                log.error("A part of the inbox is not needed and cannot be deleted: %s", problem)
            self._undeleted = problem
        else:
            self._undeleted = None

    def _much_waits(self) -> bool:
        with self._lock:
            return sum(map(len, self._inbox.waiting.values())) > MUCH_WAITING

    def _drain_beside(self, moving: Moving, worlds: Iterable[World]) -> deque[World]:
        """Move what waits of these, some of it by the mover. Returns those that are left to do."""
        left = deque(world for world in worlds if world not in self._troubled)
        alone = deque(world for world in worlds if world in self._troubled)
        try:
            while left or moving.given:
                while left and moving.takes_more:
                    self._give(moving, left.pop())
                if left:
                    with contextlib.suppress(StoreError):
                        self.drain(left.popleft())
                for world, given, moved in moving.returned(wait=not left):
                    self._moved(world, moved)
                    if moved < given:
                        alone.append(world)
                    elif given == MOST_NUMBERS:
                        left.append(world)
        finally:
            if moving.given:
                # What it does from here on nobody would know of.
                moving.end()
        return alone

    def _give(self, moving: Moving, world: World) -> None:
        with self._lock:
            numbers = list(self._inbox.waiting.get(world, ())[:MOST_NUMBERS])
        moving.give(world, numbers)

    def _move(self, world: World, numbers: Sequence[int]) -> int:
        """Put these into the world's file. Returns how many of them never can be."""
        stored = self._read(numbers)
        lost = len(numbers) - len(stored)
        about_exchanges = any(kind == EXCHANGE for kind, _ in stored)
        if not about_exchanges and not self._has_records(world):
            # Nothing is kept of it that could be changed.
            return lost
        connection = self._files.open(world)
        try:
            with transaction(connection):
                self._apply(world, connection, stored)
        except FAILURES as error:
            if not blames_a_value(error):
                raise
            lost += self._move_singly(world, connection, stored)
        if any(kind in FORGETTING for kind, _ in stored):
            # What is forgotten is to be gone from the log, too.
            self._lingering.empty(world, path_of(self._folder, world), connection)
        return lost

    def _apply(
        self, world: World, connection: sqlite3.Connection, stored: Sequence[Stored]
    ) -> None:
        apply(connection, stored)
        if world not in self._aside or not any(kind in CHANGING for kind, _ in stored):
            return
        aside = set_aside_in(path_of(self._folder, world))
        if aside:
            bury(connection, stored, aside)
        else:
            # Repaired by now, or too old to be kept.
            self._aside.discard(world)

    def _has_records(self, world: World) -> bool:
        return world in self._aside or identify(path_of(self._folder, world)) is not None

    def _read(self, numbers: Sequence[int]) -> Sequence[Stored]:
        """These out of the inbox, as far as they can be read.

        What is wrong with that is nothing about the world's file.
        """
        stored: list[Stored] = []
        try:
            stored += self._inbox.read(numbers)
        except FAILURES as error:
            if not is_damage(error, self._folder / FOLDER, encrypted=self._engine.key is not None):
                raise translate(error, self._folder / FOLDER) from error
            stored.clear()
            for number in numbers:
                with contextlib.suppress(*FAILURES):
                    stored += self._inbox.read([number])
        if len(stored) < len(numbers):
            log.error("The inbox is damaged: %d records are lost", len(numbers) - len(stored))
        return stored

    def _move_singly(
        self, world: World, connection: sqlite3.Connection, stored: Sequence[Stored]
    ) -> int:
        """One of these can never be kept: the others are. Returns how many cannot."""
        lost = 0
        for operation in stored:
            try:
                with transaction(connection):
                    self._apply(world, connection, [operation])
            except FAILURES as error:
                if not blames_a_value(error):
                    raise
                lost += 1
        return lost

    def _moved(self, world: World, count: int) -> None:
        with self._lock:
            waiting = self._inbox.waiting[world]
            del waiting[:count]
            if not waiting:
                del self._inbox.waiting[world]

    def _trouble(self, world: World, error: Exception) -> StoreError:
        """Note that this world's file does not take anything, and why."""
        self._files.close(world)
        path = path_of(self._folder, world)
        problem = error if isinstance(error, StoreError) else translate(error, path)
        if is_damage(error, path, encrypted=self._engine.key is not None):
            problem = self._set_aside(world, problem)
        before = self._troubled.get(world)
        seconds = RETRY_SECONDS[0] if before is None else min(before.seconds * 2, RETRY_SECONDS[1])
        self._troubled[world] = Trouble(problem, time.monotonic(), seconds)
        self._report(world, problem.public, self._give_way(world))
        log.error("%s", problem)
        return problem

    def _set_aside(self, world: World, problem: StoreError) -> StoreError:
        # Also where it then fails halfway.
        self._aside.add(world)
        try:
            aside = set_aside(self._folder, world, self._engine)
        except UNDONE as error:
            log.error("%s cannot be set aside: %s", path_of(self._folder, world), error)
            return problem
        what = (
            "was damaged. It is set aside as {}, and another was begun: run `understudy store "
            "repair` to save what is in it"
        )
        return StoreError(
            f"{path_of(self._folder, world)} {what.format(aside)}.",
            f"The file of records {what.format(aside.name)}.",
        )

    def _give_way(self, world: World) -> int:
        """Give up the oldest that wait, where too many do; never what is to be forgotten."""
        with self._lock:
            waiting = list(self._inbox.waiting.get(world, ()))
        over = len(waiting) - MOST_WAITING
        gone: set[int] = set()
        for number in waiting:
            if len(gone) >= over:
                break
            if not self._forgets(number):
                gone.add(number)
        if gone:
            with self._lock:
                left = [seq for seq in self._inbox.waiting[world] if seq not in gone]
                self._inbox.waiting[world] = left
        return len(gone)

    def _forgets(self, number: int) -> bool:
        with contextlib.suppress(*FAILURES):
            return any(kind in FORGETTING for kind, _ in self._inbox.read([number]))
        return False
