"""What was forgotten, and lingers in a file's log while another program reads the file.

A log can be cut to nothing only while nobody needs what is in it (`erasing.empty_log`).
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.store.engine import BUSY_SECONDS
from bot.store.erasing import empty_log
from bot.store.errors import FAILURES, translate
from bot.store.problems import StoreError
from bot.store.records import World

log = logging.getLogger(__name__)

AGAIN_SECONDS = (1.0, 30.0)
STILL_THERE = (
    "What was forgotten is gone from the records, and still in the bytes of their file or of the "
    "log beside it."
)
LINGERS = (
    f"{STILL_THERE} Another program reads that file, and it goes when that program ends: is an "
    "export, or a `sqlite3`, still open?"
)

Told = Callable[[World, str | None], None]
"""Told why what was forgotten in a world is not gone from its log; None when it is."""


@dataclass(slots=True)
class Attempt:
    """When to try again (`time.monotonic()`), and after how many seconds more then."""

    at: float
    seconds: float


class Lingering:
    """The logs that are still to be emptied. Used by one thread."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._attempts: dict[World, Attempt] = {}

    def __bool__(self) -> bool:
        return bool(self._attempts)

    def due(self) -> list[World]:
        """The worlds whose logs are to be tried again."""
        now = time.monotonic()
        return [world for world, attempt in self._attempts.items() if attempt.at <= now]

    def empty(self, world: World, path: Path, connection: sqlite3.Connection) -> None:
        """Empty a world's log, or note that it is to be tried again. Raises nothing."""
        try:
            # Who waited for the reader once need not hold up the other worlds again.
            patience = BUSY_SECONDS if world not in self._attempts else 0
            connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            try:
                done = empty_log(connection)
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        except FAILURES as error:
            self.put_off(world, path, error)
        else:
            self.gone(world) if done else self._put_off(world, LINGERS)

    def put_off(self, world: World, path: Path, error: Exception) -> None:
        """It is the file that does not take it."""
        problem = error if isinstance(error, StoreError) else translate(error, path)
        self._put_off(world, f"{STILL_THERE} {problem.public}")

    def gone(self, world: World) -> None:
        """Nothing lingers there any more."""
        if self._attempts.pop(world, None) is not None:
            self._told(world, None)

    def _put_off(self, world: World, why: str) -> None:
        """Try again later; what is so at the second attempt is told."""
        before = self._attempts.get(world)
        seconds = AGAIN_SECONDS[0] if before is None else min(before.seconds * 2, AGAIN_SECONDS[1])
        self._attempts[world] = Attempt(time.monotonic() + seconds, seconds)
        if before is not None:
            self._told(world, why)
            if before.seconds == AGAIN_SECONDS[0]:
                log.warning("%s: %s", world, why)
