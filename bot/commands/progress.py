"""A line on a terminal that says how far a command is."""

import os
import sys
import time
from types import TracebackType

BAR = 30
EVERY_SECONDS = 0.2
USUAL_COLUMNS = 80


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
        rate = count / max(at - self._began, 0.001)
        words = f" {fraction:4.0%}  {count:,} {self._what}, {rate:,.0f} a second"
        # A line that is wrapped could not be written over.
        width = columns() - 1
        bar = max(0, min(BAR, width - len(words)))
        done = round(bar * min(1.0, max(0.0, fraction)))
        line = f"{'█' * done}{'░' * (bar - done)}{words}"
        sys.stderr.write(f"\r{line[:width]}\x1b[K")
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


def columns() -> int:
    """How wide the terminal is that standard error is; 80 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS
    except OSError:
        return USUAL_COLUMNS
