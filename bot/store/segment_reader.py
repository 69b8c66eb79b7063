"""Reading what waits in the inbox, by connections of the reader's own."""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from bot.store.applying import Stored
from bot.store.engine import Engine

PAGE_SIZE = 16384
SUFFIX = ".sqlite3"
# One changed bit makes a text of a blob.
READ = """
    SELECT o.kind, CAST(o.body AS BLOB)
    FROM json_each(?) chosen CROSS JOIN operations o ON o.seq = chosen.value
"""


class SegmentReader:
    """Reads one file of the inbox; it is opened when it is first read. Used by one thread."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine
        self._connection: sqlite3.Connection | None = None

    def read(self, numbers: Iterable[int]) -> Iterator[Stored]:
        """The operations of these numbers, in their order. Raises one of FAILURES."""
        if self._connection is None:
            self._connection = self._engine.connect(self.path, read_only=True, page_size=PAGE_SIZE)
        listed = "[" + ",".join(map(str, numbers)) + "]"
        yield from self._connection.execute(READ, (listed,))

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_across(
    segments: Sequence[tuple[int, SegmentReader]], numbers: Sequence[int]
) -> Iterator[Stored]:
    """The operations of these ascending numbers. Raises one of FAILURES.

    The segments each come with the first number that may be in them, in order.
    """
    ends = [first for first, _ in segments[1:]]
    rest = numbers
    for (_, segment), end in zip_longest(segments, ends):
        here = rest if end is None else rest[: bisect_left(rest, end)]
        if here:
            yield from segment.read(here)
            rest = rest[len(here) :]


def first_number(path: Path) -> int:
    """The first number that may be in the segment of this path."""
    return int(path.stem)


def segments_in(folder: Path) -> list[Path]:
    """The segments in the inbox's folder, in order."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal())
