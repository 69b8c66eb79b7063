"""Cooldowns: how long a person or a channel waits between two answers."""

import math
from collections import OrderedDict
from typing import Literal

REMEMBERED = 10_000

Key = tuple[Literal["person", "channel"], int, int]
"""Whose cooldown: of a person (id) in a server (id), or of a channel (id, and 0)."""


class Cooldowns:
    """When each of the latest was answered last. Times are seconds of `time.monotonic()`."""

    def __init__(self) -> None:
        self._answered: OrderedDict[Key, float] = OrderedDict()
        self._noticed: set[Key] = set()

    def seconds_left(self, key: Key, cooldown: float, now: float) -> int:
        """How many seconds are left to wait, rounded up; 0 when there are none."""
        answered = self._answered.get(key)
        return 0 if answered is None else max(0, math.ceil(answered + cooldown - now))

    def start(self, key: Key, now: float) -> None:
        """An answer begins."""
        self._answered[key] = now
        self._answered.move_to_end(key)
        self._noticed.discard(key)
        if len(self._answered) > REMEMBERED:
            oldest, _ = self._answered.popitem(last=False)
            self._noticed.discard(oldest)

    def notice(self, key: Key) -> bool:
        """Whether they are to be told that they wait: once in each cooldown."""
        if key in self._noticed:
            return False
        self._noticed.add(key)
        return True
