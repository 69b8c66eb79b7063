"""The mover: where much waits, this process moves a part of it into the worlds' files.

The draining thread of the writer gives it worlds, and goes on with others itself. Whatever is more
than adding, or does not go well, is left to that thread, which sees to it and says so. The mover
ends with the writer. Until then it keeps the writer's lock: a later writer must not delete what
this one is about to read, nor forget what it is about to add.
"""

import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from bot.store.applying import apply
from bot.store.batches import batches
from bot.store.binding import bind_cheaply
from bot.store.engine import Engine
from bot.store.errors import FAILURES
from bot.store.files import identify
from bot.store.frames import MOVED, NUMBER, Unpacker, pack, unpack_numbers
from bot.store.inbox import FOLDER
from bot.store.open_files import OpenFiles
from bot.store.operations import EXCHANGE
from bot.store.problems import StoreError
from bot.store.processes import allow_handles, hung_up, link_of_input, read_key
from bot.store.records import World
from bot.store.segment_reader import SegmentReader, first_number, read_across, segments_in
from bot.store.tombstones import CHANGING
from bot.store.transactions import transaction

READ_BYTES = 1 << 16
TROUBLE: tuple[type[Exception], ...] = (StoreError, *FAILURES)

SegmentFile = tuple[Path, tuple[int, int]]
"""A segment's path, and which file has it."""


def serve(link: socket.socket, folder: Path, engine: Engine) -> None:
    """Move what comes over `link`, and say of each how much was moved, until it is closed."""
    mover = Mover(folder, engine)
    unpacker = Unpacker()
    with link, contextlib.closing(mover), contextlib.suppress(OSError):
        while data := link.recv(READ_BYTES):
            for _, world, body in unpacker.unpack(data):
                assert world is not None  # noqa: S101 - each frame is about one
                moved = 0
                for batch in batches(unpack_numbers(body)):
                    if hung_up(link) or not mover.move(world, batch):
                        break
                    moved += len(batch)
                link.sendall(pack(MOVED, world, NUMBER.pack(moved)))


class Mover:
    """Reads what waits in the inbox, and adds it to the worlds' files."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._files = OpenFiles(folder, engine)
        self._segments: dict[SegmentFile, SegmentReader] = {}

    def move(self, world: World, numbers: Sequence[int]) -> bool:
        """Whether these operations are in the world's file; none of them is otherwise."""
        try:
            stored = list(read_across(self._inbox(), numbers))
            kinds = {kind for kind, _ in stored}
            if len(stored) < len(numbers) or EXCHANGE not in kinds or kinds & CHANGING:
                return False
            connection = self._files.open(world)
            with transaction(connection):
                apply(connection, stored)
        except TROUBLE:
            # The writer meets the same, and says so.
            self._files.close(world)
            return False
        return True

    def close(self) -> None:
        """Let go of all files."""
        self._files.close_all()
        for segment in self._segments.values():
            segment.close()

    def _inbox(self) -> list[tuple[int, SegmentReader]]:
        """The segments that are there. Those that are not are let go of: their room is free then.

        Raises OSError.
        """
        paths = segments_in(self._folder / FOLDER)
        # A later one may be the same to the disk, as long as nobody has the earlier one open.
        there = {(path, identity) for path in paths if (identity := identify(path)) is not None}
        for file in self._segments.keys() - there:
            self._segments.pop(file).close()
        for file in there - self._segments.keys():
            self._segments[file] = SegmentReader(file[0], self._engine)
        return sorted(
            ((first_number(segment.path), segment) for segment in self._segments.values()),
            key=itemgetter(0),
        )


def main() -> None:
    """The process: its first argument is the folder, its standard input the link; first the key."""
    # Whoever ends the bot does not end the writing of what it has given.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s mover: %(message)s", stream=sys.stderr)
    # Nothing here refers to itself; each batch would be looked through many times for nothing.
    gc.freeze()
    gc.set_threshold(100_000)
    allow_handles()
    link = link_of_input()
    try:
        engine = Engine(read_key(link))
    except EOFError:
        # Without the key nothing is to be touched; the next one does all that there is to do.
        return
    bind_cheaply(engine)
    serve(link, Path(sys.argv[1]), engine)
