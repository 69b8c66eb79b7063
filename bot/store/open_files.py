"""The worlds' files that are open for writing: a bounded number, the longest unused gives way."""

import contextlib
import errno
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from bot.store.engine import Engine
from bot.store.errors import FAILURES, error_name
from bot.store.files import identify, open_world, path_of
from bot.store.records import World

OPEN_FILES = 64
NO_HANDLES = (errno.EMFILE, errno.ENFILE)


class OpenFiles:
    """Used by one thread."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._files: OrderedDict[World, OpenFile] = OrderedDict()

    def __contains__(self, world: World) -> bool:
        return world in self._files

    def open(self, world: World) -> sqlite3.Connection:
        """The connection to the file that has the path now, which may not be the one of before.

        Raises what `open_world` does.
        """
        file = self._files.get(world)
        path = path_of(self._folder, world)
        if file is not None and (file.identity is None or identify(path) != file.identity):
            self.close(world)
            file = None
        if file is None:
            while len(self._files) >= OPEN_FILES:
                self.close(next(iter(self._files)))
            file = self._files[world] = OpenFile(self._begin(world), identify(path))
        self._files.move_to_end(world)
        return file.connection

    def _begin(self, world: World) -> sqlite3.Connection:
        try:
            return open_world(self._folder, world, self._engine)
        except FAILURES as error:
            if not self._files or not may_lack_handles(error):
                raise
        # Those that are open may have all that this process is allowed (`ulimit -n`), and would
        # keep them from all other worlds for as long as anything waits.
        self.close_all()
        return open_world(self._folder, world, self._engine)

    def close(self, world: World) -> None:
        """Let go of this one, if it is open."""
        file = self._files.pop(world, None)
        if file is not None:
            with contextlib.suppress(*FAILURES):
                file.connection.close()

    def close_all(self) -> None:
        """Let go of all."""
        for world in list(self._files):
            self.close(world)


def may_lack_handles(error: Exception) -> bool:
    """Whether this is what comes of too many open files. SQLite just says that it cannot open."""
    return (
        error_name(error).startswith("SQLITE_CANTOPEN")
        or getattr(error, "errno", None) in NO_HANDLES
    )


@dataclass(slots=True)
class OpenFile:
    """A world's file while it is open here, and which one it is."""

    connection: sqlite3.Connection
    identity: tuple[int, int] | None
