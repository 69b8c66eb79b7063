"""200 random SIGKILLs under load: what was reported as kept is there, once, and nothing is torn."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.store.checking import COUNTED
from bot.store.engine import Engine
from bot.store.problems import StoreError
from bot.store.reading import open_to_read
from bot.store.sqlite import SqliteStore
from tests.store.loading import CALLERS, GUILDS

KILLS = 200
PATIENCE = 30.0
# Each life of the bot numbers its exchanges from a multiple of this.
LIFE = 10_000_000

pytestmark = pytest.mark.xdist_group("kill")


class Loaded:
    """A process that loads the store, and what it said."""

    def __init__(self, folder: Path, first: int) -> None:
        self.writer = 0
        self.kept: list[tuple[int, int]] = []
        self.by_caller = [0] * CALLERS
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.loading", str(folder), str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._rest = b""

    def begin(self) -> None:
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def listen(self) -> None:
        """Take in what it has said since the last time."""
        assert self._process.stdout
        while data := self._process.stdout.read(1 << 16):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                what, *numbers = line.split()
                if what == b"writer":
                    self.writer = int(numbers[0])
                else:
                    caller, guild, number = map(int, numbers)
                    self.kept.append((guild, number))
                    self.by_caller[caller] += 1

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, (self.writer, self.by_caller)
            time.sleep(0.002)
            self.listen()

    def until_it_writes(self, *, other_than: int = 0) -> None:
        self.until(lambda: self.writer != other_than)

    def until_all_went_on(self) -> None:
        before = list(self.by_caller)
        self.until(
            lambda: all(now > then for now, then in zip(self.by_caller, before, strict=True))
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        if self._process.returncode is not None:
            return
        self._process.kill()
        self._process.wait()
        self.listen()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def has_ended(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def lose_the_writer(loaded: Loaded, chance: random.Random) -> None:
    """Whoever waits for it gets an answer from the next one."""
    if chance.random() < 0.7:
        loaded.until_all_went_on()
    time.sleep(chance.uniform(0, 0.02))
    before = loaded.writer
    kill(before)
    loaded.until_it_writes(other_than=before)


def lose_the_bot(loaded: Loaded, chance: random.Random, inbox: Path) -> None:
    """With its writer at the same time, or alone: then the writer finishes, and ends."""
    if chance.random() < 0.8:
        loaded.until_all_went_on()
    time.sleep(chance.uniform(0, 0.03))
    loaded.listen()
    if chance.random() < 0.6:
        for pid in chance.sample([loaded.writer, loaded.pid], 2):
            kill(pid)
        loaded.end()
        return
    loaded.end()
    if chance.random() < 0.5:
        end = time.monotonic() + PATIENCE
        while not has_ended(loaded.writer):
            assert time.monotonic() < end
            time.sleep(0.002)
        assert [path.name for path in inbox.iterdir()] == ["lock"]


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_kills_lose_nothing_that_was_reported_as_kept(tmp_path: Path) -> None:
    chance = random.Random()  # noqa: S311 - no secret
    kept: list[tuple[int, int]] = []
    kills, lives = 0, 2
    # The next one is begun ahead, as beginning takes longer than all else.
    loaded, following = Loaded(tmp_path, 1 * LIFE), Loaded(tmp_path, 2 * LIFE)
    try:
        while kills < KILLS:
            loaded.begin()
            loaded.until_it_writes()
            for _ in range(chance.randint(0, 5)):
                lose_the_writer(loaded, chance)
                kills += 1
            lose_the_bot(loaded, chance, tmp_path / "inbox")
            kills += 1
            for path in (tmp_path / "guilds").glob("*.sqlite3"):
                counts_what_is_there(path)
            kept += loaded.kept
            lives += 1
            loaded, following = following, Loaded(tmp_path, lives * LIFE)
    finally:
        for one in (loaded, following):
            one.end()
    async with SqliteStore(tmp_path, in_process=True) as store:
        await store.drained()
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["lock"]
    there: set[tuple[int, int]] = set()
    for guild in range(1, GUILDS + 1):
        there |= in_file(tmp_path / "guilds" / f"{guild}.sqlite3", guild)
    assert len(kept) > KILLS
    assert set(kept) <= there
    print(f"{kills} kills, {len(kept)} reported as kept, {len(there)} there")


def in_file(path: Path, guild: int) -> set[tuple[int, int]]:
    """The exchanges in a guild's file, which is whole."""
    counts_what_is_there(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        torn = connection.execute(
            "SELECT count(*) FROM training_data"
            " WHERE json_array_length(input) <> 7 OR output NOT LIKE 'It is ' || id || '. %'"
        ).fetchone()
        assert torn == (0,)
        return {(guild, number) for (number,) in connection.execute("SELECT id FROM exchanges")}


def counts_what_is_there(path: Path) -> None:
    """That is so at every moment, also while a writer goes on whose bot is gone."""
    try:
        connection = open_to_read(path, Engine())
    except StoreError as error:
        # It is just being made, or whoever made it was killed.
        if "earlier version" not in str(error):
            raise
        return
    with contextlib.closing(connection):
        counted = connection.execute(COUNTED).fetchone()
        time.sleep(0.001)
        kept = connection.execute("SELECT exchanges, failures, fallbacks FROM counters").fetchone()
    assert kept == counted
