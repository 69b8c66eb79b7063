"""The inbox of all worlds: what was done to the records and is not in the worlds' files yet.

One flush serves every world. It is a SQLite database itself, cut into segments: when all that a
segment holds is in the worlds' files it is deleted, so that no text stays behind in it. After a
crash the segments that are there are drained again; `applying` does nothing twice.
"""

import contextlib
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bot.store.applying import Stored
from bot.store.engine import Engine
from bot.store.errors import FAILURES, error_name, is_damage
from bot.store.files import make_private
from bot.store.operations import Entry
from bot.store.records import World, WorldKind
from bot.store.room import need_room
from bot.store.segment_reader import (
    PAGE_SIZE,
    SUFFIX,
    SegmentReader,
    first_number,
    read_across,
    segments_in,
)

FOLDER = "inbox"
SCHEMA = """
    CREATE TABLE operations (
        seq INTEGER PRIMARY KEY,
        world_kind TEXT NOT NULL,
        world_id INTEGER NOT NULL,
        kind INTEGER NOT NULL, -- the operation's, see operations.KINDS
        body BLOB NOT NULL
    )
"""
PRAGMAS = (
    "page_size = 16384",
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",
    # It is deleted as a whole, and sooner than copying it out of its log would pay.
    "wal_autocheckpoint = 0",
)
COMPANIONS = ("-wal", "-shm")
# The end of a segment's name from when nothing in it is needed until it is gone.
DELETED = ".deleted"
# Also where the column has lost its name.
READ_ALL = "SELECT rowid, world_kind, world_id, kind, body FROM operations"
INSERT = "INSERT INTO operations VALUES (?, ?, ?, ?, ?)"
READ_CONTENTS = """
    SELECT seq, CAST(world_kind AS BLOB), world_id, typeof(kind), length(body)
    FROM operations ORDER BY seq
"""

# That a row is there does not say that it is found.
COUNT_FOUND = """
    SELECT count(o.seq)
    FROM json_each(?) chosen CROSS JOIN operations o ON o.seq = chosen.value
"""
MOST_TOLD = (1 << 31) - 1

# Plain texts, which SQLite's binding takes at once.
KIND_NAMES = {kind: str(kind.value) for kind in WorldKind}
KINDS_BY_NAME = {name.encode(): kind for kind, name in KIND_NAMES.items()}

Row = tuple[int, str, int, int, bytes]
"""As it is in a segment."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What can still be read of a damaged segment.

    `rows` are whole, in their order. Of those in `worlds`, by their numbers, it can only be read
    whose they are. `last` is the highest number that another vouches for, as one changed bit makes
    any number of one; `end` is that of the last row, where that could be read.
    """

    rows: list[Row]
    worlds: list[tuple[int, World]]
    last: int
    end: int | None


class Segment:
    """One file of the inbox. One thread writes it; another may read it by a connection its own."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.rows = 0
        self.size = 0
        self.deleted = False
        make_private(path)
        need_room(path.parent)
        self._writing = engine.connect(path, page_size=PAGE_SIZE)
        self.reader = SegmentReader(path, engine)
        try:
            for pragma in PRAGMAS:
                self._writing.execute(f"PRAGMA {pragma}")
            if not self._writing.execute("SELECT 1 FROM sqlite_schema").fetchone():
                self._writing.execute(SCHEMA)
        except BaseException:
            self.close()
            raise

    def append(self, first: int, entries: Sequence[Entry]) -> None:
        """Add these, numbered from `first`; on return they are on disk, all or none."""
        self.put(
            [
                (seq, KIND_NAMES[world.kind], world.id, kind, body)
                for seq, (world, kind, body) in enumerate(entries, first)
            ]
        )
        self.rows += len(entries)
        self.size += sum(len(body) for _, _, body in entries)

    def put(self, rows: Sequence[Row]) -> None:
        """Add rows; on return they are on disk, all or none."""
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            self._writing.executemany(INSERT, rows)
            self._writing.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(*FAILURES):
                self._writing.execute("ROLLBACK")
            raise

    def contents(self, first: int) -> list[tuple[int, World, int]]:
        """Number, world and size of every operation, in order; the numbers follow each other.

        Raises DatabaseError, as for a file that is damaged, where that is so of a row.
        """
        found = []
        for at, row in enumerate(self._writing.execute(READ_CONTENTS), first):
            seq, world_kind, world_id, kind, size = row
            name = KINDS_BY_NAME.get(world_kind)
            if name is None or kind != "integer" or not isinstance(world_id, int) or size is None:
                raise damage("A row of the inbox is damaged.")
            if seq != at:
                raise damage("A number in the inbox is damaged.")
            found.append((at, World(name, world_id), size))
        # Backwards, as SQLite looks for none that is just the next one.
        numbers = f"[{','.join(str(at) for at, _, _ in reversed(found))}]"
        if self._writing.execute(COUNT_FOUND, (numbers,)).fetchone() != (len(found),):
            raise damage("Not all that is in the inbox is found by its number.")
        return found

    @property
    def told(self) -> int:
        """How many operations that it does not have any more were counted as lost already."""
        return int(self._writing.execute("PRAGMA user_version").fetchone()[0])

    def note_told(self, count: int) -> None:
        """Note that so many were."""
        self._writing.execute(f"PRAGMA user_version = {min(count, MOST_TOLD)}")

    def close(self) -> None:
        """Let go of the file; it stays."""
        self.reader.close()
        self._writing.close()

    def delete(self) -> None:
        """Let go of the file, and delete it: all of it is elsewhere. Raises OSError."""
        with contextlib.suppress(*FAILURES):
            # What is about to be deleted need not be flushed.
            self._writing.execute("PRAGMA synchronous = OFF")
        self.close()
        # Without its log it would pass for one that has lost what was in it; and a log without
        # its file would never be looked at again.
        doomed = self.path.with_name(self.path.name + DELETED)
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(doomed)
        finish_deleting(doomed)
        self.deleted = True


class Inbox:
    """All segments, and what of each world waits in them. The caller sees to its own locking.

    Raises one of FAILURES if it cannot be opened. A segment that an earlier process left, and that
    is damaged, is set aside: `damaged` names it. What can still be read of it is not lost. `lost`
    counts what cannot, by world, and under None where it is not known whose it was; there may be
    more if `lost_is_least`. Some of it may have been in its world's file already.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder / FOLDER
        self._engine = engine
        self._next = 1
        self._segments: list[tuple[int, Segment]] = []
        self._finished: list[Segment] = []
        self.waiting: dict[World, list[int]] = defaultdict(list)
        self.damaged: list[Path] = []
        self.lost: Counter[World | None] = Counter()
        self.lost_is_least = False
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
        """The operations of these ascending numbers. Raises one of FAILURES.

        Needs no lock: what holds these numbers stays while they wait.
        """
        # Of one moment: another thread may begin a segment meanwhile.
        segments = list(self._segments)
        return read_across([(first, segment.reader) for first, segment in segments], numbers)

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
        if self._segments and self._segments[-1][0] == self._next:
            # Nothing got into it, and its name is the one that the next has.
            self._segments.pop()[1].delete()
        path = self._folder / f"{self._next:020}{SUFFIX}"
        self._segments.append((self._next, Segment(path, self._engine)))

    def finished(self) -> list[Segment]:
        """Take out the segments of which nothing waits any more; they are to be deleted, in order.

        Those that could not be are among them again: where one stayed behind, and a later one with
        what took back what is in it did not, that would come back with the next start. One that
        nothing got into stays: another by its name may be begun before it is deleted.
        """
        oldest = min((numbers[0] for numbers in self.waiting.values() if numbers), default=None)
        ends = [first for first, _ in self._segments[1:]] + [self._next]
        gone = [segment for segment in self._finished if not segment.deleted]
        while self._segments and (oldest is None or ends[0] <= oldest):
            if self._segments[0][0] == self._next:
                break
            gone.append(self._segments.pop(0)[1])
            ends.pop(0)
        self._finished = list(gone)
        return gone

    def carry_over(self) -> None:
        """Append all that waits anew, so that what it stands between can be deleted.

        Raises one of FAILURES; then everything is as it was.
        """
        before = {world: list(numbers) for world, numbers in self.waiting.items() if numbers}
        self.begin_segment()
        for world, numbers in before.items():
            entries = [(world, kind, body) for kind, body in self.read(numbers)]
            # Where some cannot be read they stay, and are counted when they are to be moved.
            if len(entries) == len(numbers):
                self.append(entries)
                del self.waiting[world][: len(numbers)]

    def close(self) -> None:
        """Let go of all files; an inbox of which nothing waits leaves none."""
        empty = not any(self.waiting.values())
        for segment in self.finished() if empty else ():
            segment.delete()
        for _, segment in self._segments:
            segment.delete() if empty else segment.close()
        self._segments.clear()

    def _recover(self) -> None:
        """Take in the segments that an earlier process left."""
        for doomed in self._folder.glob(f"*{SUFFIX}{DELETED}"):
            finish_deleting(doomed)
        paths = segments_in(self._folder)
        firsts = list(map(first_number, paths))
        try:
            for path, first, end in zip_longest(paths, firsts, firsts[1:]):
                self._take_in(path, first, end)
        except BaseException:
            for _, segment in self._segments:
                segment.close()
            raise

    def _take_in(self, path: Path, first: int, end: int | None) -> None:
        segment, contents, left = self._opened(path, first, end)
        self._segments.append((first, segment))
        self._next = max(self._next, first)
        for seq, world, size in contents:
            if end is not None and seq >= end:
                # Its flush was reported as failed; the next segment has it again.
                break
            self.waiting[world].append(seq)
            segment.rows += 1
            segment.size += size
            self._next = seq + 1
        self._count_lost(segment, first, end, left)

    def _count_lost(
        self, segment: Segment, first: int, end: int | None, left: Readable | None
    ) -> None:
        """Count what is missing of the numbers from `first` up to `end`, which follow each other.

        So it shows, too, where a log was cut short, which SQLite takes for its end. What an earlier
        process has counted is not counted again.
        """
        known_end, unseen = end, 0
        if end is None:
            if left is None:
                # What was cut off at the very end cannot be told from what was never there.
                return
            end = max(left.last + 1, first + segment.rows)
            unseen = left.end is None
            self.lost_is_least |= left.end != left.last
        missing = end - first - segment.rows + unseen
        told = segment.told if left is None else 0
        worlds = [] if left is None else [one for seq, one in left.worlds if seq < end]
        self.lost.update(worlds)
        of_nobody = missing - told - len(worlds)
        if of_nobody > 0:
            self.lost[None] += of_nobody
        if known_end is not None and missing > told:
            with contextlib.suppress(*FAILURES):
                segment.note_told(missing)

    def _opened(
        self, path: Path, first: int, end: int | None
    ) -> tuple[Segment, list[tuple[int, World, int]], Readable | None]:
        """A segment, what is in it, and where it was damaged what is left of it."""
        segment: Segment | None = None
        try:
            segment = Segment(path, self._engine)
            return segment, segment.contents(first), None
        except FAILURES as error:
            if segment is not None:
                segment.close()
            encrypted = self._engine.key is not None
            if not garbled(error) and not is_damage(error, path, encrypted=encrypted):
                raise
        left = readable(path, self._engine)
        damaged = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        for suffix in (*COMPANIONS, ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(damaged.with_name(damaged.name + suffix))
        self.damaged.append(damaged)
        segment = Segment(path, self._engine)
        # A flush that was reported as failed is in the next one.
        rows = [row for row in left.rows if end is None or row[0] < end]
        segment.put([(seq, *row[1:]) for seq, row in enumerate(rows, first)])
        return segment, segment.contents(first), left


def damage(what: str) -> sqlite3.DatabaseError:
    """The error that SQLite has for a file that is damaged."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error


def garbled(error: Exception) -> bool:
    """Whether it is that a segment, which we have made, does not know our own words any more."""
    return error_name(error) == "SQLITE_ERROR" or isinstance(error, UnicodeDecodeError)


def readable(path: Path, engine: Engine) -> Readable:
    """What can still be read of a damaged segment: from its beginning, and from its end."""
    forwards: list[tuple[Any, ...]] = []
    backwards: list[tuple[Any, ...]] = []
    known: set[tuple[Any, ...]] = set()
    for direction, rows in (("ASC", forwards), ("DESC", backwards)):
        with (
            contextlib.suppress(*FAILURES),
            contextlib.closing(engine.look_into(path)) as connection,
        ):
            # A text that is none must not hide the rows behind it.
            connection.text_factory = bytes
            for row in connection.execute(f"{READ_ALL} ORDER BY rowid {direction}"):
                rows.append(row)
                if row in known:
                    break
        known.update(forwards)
    # One number that is wrong is no reason to put a row elsewhere.
    everything = forwards + [row for row in reversed(backwards) if row not in known]
    whole: list[Row] = []
    worlds: list[tuple[int, World]] = []
    for seq, world_kind, world_id, *rest in everything:
        kind = KINDS_BY_NAME.get(world_kind)
        if kind is None or not isinstance(world_id, int):
            continue
        if list(map(type, rest)) == [int, bytes]:
            whole.append((seq, KIND_NAMES[kind], world_id, *rest))
        else:
            worlds.append((seq, World(kind, world_id)))
    last = last_vouched_for([row[0] for row in everything], int(number_in(path)))
    return Readable(whole, worlds, last, backwards[0][0] if backwards else None)


def last_vouched_for(numbers: Sequence[int], first: int) -> int:
    """The highest that has the one before it, or is the first; below the first if none is."""
    there = {first - 1, *numbers}
    return max(
        (number for number in numbers if number >= first and number - 1 in there), default=first - 1
    )


def finish_deleting(doomed: Path) -> None:
    """Delete a segment that has its last name, and its log. Raises OSError."""
    path = doomed.with_name(doomed.name.removesuffix(DELETED))
    if not path.exists():
        for suffix in COMPANIONS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    doomed.unlink(missing_ok=True)


def set_aside_in(folder: Path) -> list[Path]:
    """The damaged segments that were set aside below DATA_DIR, the oldest first."""
    found = (folder / FOLDER).glob("*.sqlite3.damaged-*")
    return sorted(
        path for path in found if number_in(path).isdecimal() and not path.name.endswith(COMPANIONS)
    )


def least_lost(path: Path, engine: Engine) -> int:
    """How many operations at least cannot be read of a segment that was set aside."""
    left = readable(path, engine)
    known = max(left.last + 1 - int(number_in(path)) - len(left.rows), 0)
    return known + (left.end is None)


def number_in(path: Path) -> str:
    """A segment's name up to the first dot: the number that its rows begin with."""
    return path.name.partition(".")[0]
