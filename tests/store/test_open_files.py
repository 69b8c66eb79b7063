"""The worlds' files that are open for writing, where a process may have few files open."""

import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.open_files import OpenFiles
from bot.store.records import World, WorldKind

WORLDS = [World(WorldKind.GUILD, number) for number in range(1, 11)]


@contextmanager
def few_handles(free: int) -> Iterator[None]:
    """No more than so many further files can be opened."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The numbers of files are given out from the lowest.
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < max(map(int, os.listdir("/dev/fd"))) - 1:
        taken.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] + 1 + free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for handle in taken:
            os.close(handle)


def test_a_few_handles_do_for_many_worlds(tmp_path: Path) -> None:
    files = OpenFiles(tmp_path, Engine())
    with closing_all(files), few_handles(12):
        for _ in range(2):
            for world in WORLDS:
                files.open(world).execute("UPDATE counters SET exchanges = exchanges + 1")
        assert 0 < sum(world in files for world in WORLDS) < len(WORLDS)
    for world in WORLDS:
        with closing(Engine().connect(path_of(tmp_path, world))) as connection:
            assert connection.execute("SELECT exchanges FROM counters").fetchone() == (2,)


def test_a_file_that_cannot_be_opened_anyway_says_so(tmp_path: Path) -> None:
    files = OpenFiles(tmp_path, Engine())
    path_of(tmp_path, WORLDS[1]).mkdir(parents=True)
    with closing_all(files):
        files.open(WORLDS[0])
        with pytest.raises(Exception, match="unable to open database file"):
            files.open(WORLDS[1])
        files.open(WORLDS[0])


@contextmanager
def closing_all(files: OpenFiles) -> Iterator[None]:
    try:
        yield
    finally:
        files.close_all()
