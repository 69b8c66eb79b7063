"""What was forgotten, and lingers in a file's log while another program reads the file.

A log can be cut to nothing only while nobody needs what is in it (`erasing.empty_log`).
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.store.engine import BUSY_SECONDS
from bot.store.erasing import empty_log
from bot.store.errors import FAILURES
from bot.store.records import World

log = logging.getLogger(__name__)

AGAIN_SECONDS = (1.0, 30.0)
LINGERS = (
    "What was forgotten is gone from the records, and still in the log beside their file, as "
    "another program reads that. It goes when that program ends; is an export, or a `sqlite3`, "
    "still open?"
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

    def empty(self, world: World, connection: sqlite3.Connection) -> None:
        """Empty a world's log, or note that it is to be tried again. Raises nothing."""
        before = self._attempts.get(world)
        done = False
        with contextlib.suppress(*FAILURES):
            # Who waited for the reader once need not hold up the other worlds again.
            patience = BUSY_SECONDS if before is None else 0
            connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            try:
                done = empty_log(connection)
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        if done:
            self.gone(world)
        else:
            self._put_off(world, before)

    def put_off(self, world: World) -> None:
        """It could not even be tried."""
        self._put_off(world, self._attempts.get(world))

    def gone(self, world: World) -> None:
        """Nothing lingers there any more."""
        if self._attempts.pop(world, None) is not None:
            self._told(world, None)

    def _put_off(self, world: World, before: Attempt | None) -> None:
        seconds = AGAIN_SECONDS[0] if before is None else min(before.seconds * 2, AGAIN_SECONDS[1])
        self._attempts[world] = Attempt(time.monotonic() + seconds, seconds)
        if before is not None and before.seconds == AGAIN_SECONDS[0]:
            log.warning("%s: %s", world, LINGERS)
        if before is not None:
            self._told(world, LINGERS)
