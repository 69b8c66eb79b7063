"""The inbox of all worlds: what was done to the records and is not in the worlds' files yet.

One flush serves every world. It is a SQLite database itself, cut into segments: when all that a
segment holds is in the worlds' files it is deleted, so that no text stays behind in it. After a
crash the segments that are there are drained again; `applying` does nothing twice.
"""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bot.store.applying import Stored
from bot.store.engine import Engine
from bot.store.errors import FAILURES, is_damage
from bot.store.files import make_private
from bot.store.records import World, WorldKind

FOLDER = "inbox"
PAGE_SIZE = 16384
SCHEMA = """
    CREATE TABLE operations (
        seq INTEGER PRIMARY KEY,
        world_kind TEXT NOT NULL,
        world_id INTEGER NOT NULL,
        kind INTEGER NOT NULL, -- the operation's, see operations.KINDS
        body BLOB NOT NULL
    )
"""
INSERT = "INSERT INTO operations VALUES (?, ?, ?, ?, ?)"
READ = """
    SELECT o.kind, o.body FROM json_each(?) chosen CROSS JOIN operations o ON o.seq = chosen.value
"""

Entry = tuple[World, int, bytes]
"""An operation on a world: the world, and the operation as `operations.encode` gives it."""


class Segment:
    """One file of the inbox. One thread writes it; another may read it by a connection its own."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.rows = 0
        self.size = 0
        make_private(path)
        self._writing = engine.connect(path, page_size=PAGE_SIZE)
        self._reading: sqlite3.Connection | None = None
        self._engine = engine
        for pragma in (
            f"page_size = {PAGE_SIZE}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = ON",
            # It is deleted as a whole, and sooner than copying it out of its log would pay.
            "wal_autocheckpoint = 0",
        ):
            self._writing.execute(f"PRAGMA {pragma}")
        if not self._writing.execute("SELECT 1 FROM sqlite_schema").fetchone():
            self._writing.execute(SCHEMA)

    def append(self, first: int, entries: Sequence[Entry]) -> None:
        """Add these, numbered from `first`; on return they are on disk, all or none."""
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            self._writing.executemany(
                INSERT,
                [
                    (seq, world.kind, world.id, kind, body)
                    for seq, (world, kind, body) in enumerate(entries, first)
                ],
            )
            self._writing.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(*FAILURES):
                self._writing.execute("ROLLBACK")
            raise
        self.rows += len(entries)
        self.size += sum(len(body) for _, _, body in entries)

    def read(self, numbers: Iterable[int]) -> Iterator[Stored]:
        """The operations of these numbers, in their order."""
        if self._reading is None:
            self._reading = self._engine.connect(self.path, read_only=True, page_size=PAGE_SIZE)
        listed = "[" + ",".join(map(str, numbers)) + "]"
        yield from self._reading.execute(READ, (listed,))

    def contents(self) -> Iterator[tuple[int, World, int]]:
        """Number, world and size of every operation, in order."""
        for seq, kind, world_id, size in self._writing.execute(
            "SELECT seq, world_kind, world_id, length(body) FROM operations ORDER BY seq"
        ):
            yield seq, World(WorldKind(kind), world_id), size

    def close(self) -> None:
        """Let go of the file; it stays."""
        for connection in (self._reading, self._writing):
            if connection is not None:
                connection.close()

    def delete(self) -> None:
        """Let go of the file, and delete it: all of it is elsewhere."""
        with contextlib.suppress(*FAILURES):
            # What is about to be deleted need not be flushed.
            self._writing.execute("PRAGMA synchronous = OFF")
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


class Inbox:
    """All segments, and what of each world waits in them. The caller sees to its own locking.

    Raises one of FAILURES if it cannot be opened. A segment that an earlier process left, and that
    is damaged, is set aside: `damaged` names it.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder / FOLDER
        self._engine = engine
        self._next = 1
        self._segments: list[tuple[int, Segment]] = []
        self.waiting: dict[World, list[int]] = defaultdict(list)
        self.damaged: list[Path] = []
        self._recover()

    def append(self, entries: Sequence[Entry]) -> None:
        """Add operations; on return they are on disk, all or none. Raises one of FAILURES."""
        if not self._segments:
            self.begin_segment()
        first = self._next
        self._segments[-1][1].append(first, entries)
        self._next += len(entries)
        for seq, (world, _, _) in enumerate(entries, first):
            self.waiting[world].append(seq)

    def read(self, numbers: Sequence[int]) -> Iterator[Stored]:
        """The operations of these ascending numbers. Raises one of FAILURES."""
        ends = [first for first, _ in self._segments[1:]] + [self._next]
        rest = numbers
        for (_, segment), end in zip(self._segments, ends, strict=True):
            here = [seq for seq in rest if seq < end]
            if here:
                yield from segment.read(here)
                rest = rest[len(here) :]

    @property
    def current(self) -> Segment | None:
        """The segment that is being written, if any."""
        return self._segments[-1][1] if self._segments else None

    @property
    def size(self) -> int:
        """Bytes of all operations that have not been let go of."""
        return sum(segment.size for _, segment in self._segments)

    def begin_segment(self) -> None:
        """What is appended from here on goes into a file of its own."""
        path = self._folder / f"{self._next:020}.sqlite3"
        self._segments.append((self._next, Segment(path, self._engine)))

    def finished(self) -> list[Segment]:
        """Take out the segments of which nothing waits any more; they are to be deleted."""
        oldest = min((numbers[0] for numbers in self.waiting.values() if numbers), default=None)
        ends = [first for first, _ in self._segments[1:]] + [self._next]
        count = sum(oldest is None or end <= oldest for end in ends)
        gone = [segment for _, segment in self._segments[:count]]
        del self._segments[:count]
        return gone

    def carry_over(self) -> None:
        """Append all that waits anew, so that what it stands between can be deleted.

        Raises one of FAILURES; then everything is as it was.
        """
        before = {world: numbers for world, numbers in self.waiting.items() if numbers}
        self.begin_segment()
        for world, numbers in before.items():
            entries = [(world, kind, body) for kind, body in self.read(numbers)]
            self.append(entries)
            del self.waiting[world][: len(numbers)]

    def close(self) -> None:
        """Let go of all files; an inbox of which nothing waits leaves none."""
        empty = not any(self.waiting.values())
        for _, segment in self._segments:
            segment.delete() if empty else segment.close()
        self._segments.clear()

    def _recover(self) -> None:
        """Take in the segments that an earlier process left."""
        for path in sorted(self._folder.glob("*.sqlite3")):
            first = int(path.stem)
            try:
                segment = Segment(path, self._engine)
                contents = list(segment.contents())
            except FAILURES as error:
                if is_damage(error, encrypted=self._engine.key is not None):
                    path.rename(path.with_name(f"{path.name}.damaged"))
                    self.damaged.append(path.with_name(f"{path.name}.damaged"))
                    continue
                raise
            self._segments.append((first, segment))
            self._next = max(self._next, first)
            for seq, world, size in contents:
                self.waiting[world].append(seq)
                segment.rows += 1
                segment.size += size
                self._next = seq + 1
