"""What should have been kept of any world, and will not be: counted, and told by the log.

The log has the first of each reason at once, and then a line a minute with how many there were, so
that a full disk does not fill the log, too.
"""

import asyncio
import logging
from dataclasses import dataclass

from bot.store.problems import StoreError
from bot.store.records import World

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
MOST_REASONS = 16


@dataclass(slots=True)
class Loss:
    """What of one world was not kept since the start: exchanges, and changes to them.

    `reason` is the last one's.
    """

    exchanges: int = 0
    changes: int = 0
    reason: str | None = None


class Losses:
    """Of all worlds: `exchanges`, and `changes` to them (edits, deletions, votes).

    Each reason is in the log at once, and again after `quiet_seconds` without any loss.
    """

    def __init__(self, quiet_seconds: float = QUIET_SECONDS) -> None:
        self.exchanges = 0
        self.changes = 0
        self._quiet_seconds = quiet_seconds
        self._worlds: dict[World, Loss] = {}
        self._told: set[str] = set()
        self._untold = 0
        self._timer: asyncio.TimerHandle | None = None

    def of(self, world: World) -> Loss:
        """What this world has lost."""
        return self._worlds.get(world) or Loss()

    def exchange(self, world: World, reason: str, error: Exception) -> None:
        """An exchange is not kept: `reason` for people, `error` for the log."""
        self.exchanges += 1
        loss = self._worlds.setdefault(world, Loss())
        loss.exchanges += 1
        loss.reason = reason
        self._tell("Exchanges are not kept", reason, error)

    def change(self, world: World, error: StoreError) -> None:
        """A change in Discord is not in the records."""
        self.changes += 1
        loss = self._worlds.setdefault(world, Loss())
        loss.changes += 1
        loss.reason = error.public
        self._tell("A change in Discord is not in the records", error.public, error)

    def close(self) -> None:
        """Tell what was not told yet. What is lost later is told as at the start."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sum_up()
        self._told.clear()

    def _tell(self, what: str, reason: str, error: Exception) -> None:
        if reason in self._told or len(self._told) >= MOST_REASONS:
            self._untold += 1
            return
        self._told.add(reason)
        # A StoreError says where it comes from; what is unforeseen is to be looked into.
        unforeseen = None if isinstance(error, StoreError) else error
        log.error("%s: %s", what, error, exc_info=unforeseen)
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._quiet_seconds, self._quiet_is_over)

    def _quiet_is_over(self) -> None:
        self._timer = None
        if self._untold:
            self._sum_up()
            self._wait()
        else:
            self._told.clear()

    def _sum_up(self) -> None:
        if not self._untold:
            return
        log.error(
            "%d more records were not kept; since the start %d exchanges and %d changes to them",
            *(self._untold, self.exchanges, self.changes),
        )
        self._untold = 0
