"""A line on a terminal that says how far a command is."""

import sys
import time
from types import TracebackType

BAR = 30
EVERY_SECONDS = 0.2


class Progress:
    """Shows itself on standard error if that is a terminal; gone when the block ends."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._began = time.monotonic()
        self._last = 0.0

    def show(self, fraction: float, count: int) -> None:
        """`fraction` of the work is done, `count` things of it."""
        at = time.monotonic()
        if not self._shown or at - self._last < EVERY_SECONDS:
            return
        self._last = at
        done = round(BAR * min(1.0, max(0.0, fraction)))
        rate = count / max(at - self._began, 0.001)
        line = f"{'█' * done}{'░' * (BAR - done)} {fraction:4.0%}  {count:,} {self._what}"
        sys.stderr.write(f"\r{line}, {rate:,.0f} a second\x1b[K")
        sys.stderr.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
