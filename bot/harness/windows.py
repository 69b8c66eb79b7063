"""How often in how long: the counters behind every limit that Discord keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` times in `seconds`."""

    limit: int
    seconds: float


class Window:
    """Counts for one rate; without one everything fits.

    A window opens with the first use and is over `rate.seconds` later.
    """

    __slots__ = ("_ends", "_used", "rate")

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self._ends = 0.0
        self._used = 0

    def take(self, now: float) -> bool:
        """Use it once; False (and nothing is used) if the window is full."""
        if self.rate is None:
            return True
        if now >= self._ends:
            self._ends, self._used = now + self.rate.seconds, 0
        if self._used >= self.rate.limit:
            return False
        self._used += 1
        return True

    def remaining(self, now: float) -> int:
        """How often it can still be used in this window; 0 where nothing is counted."""
        if self.rate is None:
            return 0
        return self.rate.limit - (self._used if now < self._ends else 0)

    def wait(self, now: float) -> float:
        """Seconds until the window is over; 0 if none is open."""
        return max(self._ends - now, 0.0)
