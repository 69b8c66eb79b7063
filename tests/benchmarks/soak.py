"""Whether the store stays as it is for long: `python -m tests.benchmarks.soak [--minutes 10]`.

Several guilds, all kinds of operations, reads, restarts of the store and kills of its writer.
Prints a line a minute: what was kept, memory of the bot and of the writer, open files, threads and
files of the inbox. Fails where these grow, or where anything that was kept is not there in the end.
"""

import argparse
import asyncio
import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bot.store.files import path_of
from bot.store.operations import (
    DemonstrationGiven,
    ExchangeForgotten,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
)
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.loading import exchange

GUILDS = 12
SETTLING = 100
CALLERS = 32
PAUSE_SECONDS = 0.02
MOST_GROWTH_KB = 48 << 10
MOST_FILES = 150


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a process holds."""

    memory_kb: int
    files: int
    threads: int


def sizes_of(pid: int) -> Sizes | None:
    """Of a process; None when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except (OSError, ProcessLookupError):
        return None
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if "VmRSS" not in values:
        return None
    return Sizes(int(values["VmRSS"].split()[0]), files, int(values["Threads"]))


class Soak:
    """Uses a store as a busy bot would, and keeps account of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.kept: Counter[World] = Counter()
        self.forgotten: Counter[World] = Counter()
        self.operations = 0
        self.restarts = 0
        self.kills = 0
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._number = 0
        self._store = SqliteStore(folder)

    async def run(self, seconds: float, every: float) -> list[tuple[Sizes, Sizes]]:
        """Go on for so long. Returns the sizes of the bot and the writer, as time went by."""
        end = time.monotonic() + seconds
        next_line = time.monotonic() + every
        seen = []
        while time.monotonic() < end:
            until = min(end, time.monotonic() + min(5.0, seconds / 4))
            await asyncio.gather(*(self._call(until) for _ in range(CALLERS)))
            if time.monotonic() >= min(next_line, end):
                next_line += every
                sizes = self._sizes()
                if sizes is not None:
                    seen.append(sizes)
                    print(self._line(sizes), flush=True)
            await self._interrupt()
        await self._settle()
        await self._store.close()
        return seen

    async def _settle(self) -> None:
        """All in the files; a writer that was killed a moment ago has to begin again first."""
        for _ in range(SETTLING):
            try:
                await self._store.drained()
            except StoreError:
                await asyncio.sleep(0.1)
            else:
                return
        raise TimeoutError("The writer did not begin again.")

    def check(self) -> None:
        """Everything that was kept is there, and nothing else is left over."""
        assert [path.name for path in (self.folder / "inbox").iterdir()] == ["lock"]
        for world, kept in self.kept.items():
            with contextlib.closing(sqlite3.connect(path_of(self.folder, world))) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                there = connection.execute("SELECT count(*) FROM exchanges").fetchone()
                counted = connection.execute("SELECT exchanges FROM counters").fetchone()
                votes = connection.execute(
                    "SELECT sum(thumbs_up), sum(thumbs_down) FROM training_data"
                ).fetchone()
                assert (
                    votes
                    == connection.execute("SELECT thumbs_up, thumbs_down FROM counters").fetchone()
                )
            assert there == counted == (kept - self.forgotten[world],), world

    async def _call(self, until: float) -> None:
        while time.monotonic() < until:
            self._number += 1
            number = self._number
            world = World(WorldKind.GUILD, number % GUILDS + 1)
            store = self._store.world(world)
            await store.write(self._told_of(number, world))
            self.kept[world] += 1
            if self._chance.random() < 0.02:
                await store.write([ExchangeForgotten(number * 10)])
                self.forgotten[world] += 1
            if self._chance.random() < 0.01:
                await store.stats()
            await asyncio.sleep(PAUSE_SECONDS)

    def _told_of(self, number: int, world: World) -> list[Operation]:
        now = time.time_ns() // 1_000_000
        earlier = self._chance.randint(1, number)
        chosen: list[Operation] = [
            exchange(number, world.id),
            ReplyAttached(number, (number * 10, number * 10 + 1)),
            VoteCast(number * 10, earlier, self._chance.choice([1, -1]), now),
        ]
        if number % 5 == 0:
            chosen.append(TextEdited(world.id * 1_000 + number % 20, f"edited {number}", now))
        if number % 7 == 0:
            chosen.append(DemonstrationGiven(number * 10, 9, f"better {number}", now))
        if number % 11 == 0:
            chosen.append(MessagesForgotten((number * 10 + 1,)))
        self.operations += len(chosen)
        return chosen

    async def _interrupt(self) -> None:
        kind = self._chance.choice(["nothing", "restart", "kill"])
        if kind == "restart":
            self.restarts += 1
            await self._store.close()
            self._store = SqliteStore(self.folder)
        elif kind == "kill" and isinstance(writer := self._store.writing._writer, subprocess.Popen):
            self.kills += 1
            os.kill(writer.pid, signal.SIGKILL)

    def _sizes(self) -> tuple[Sizes, Sizes] | None:
        writer = self._store.writing._writer
        bot = sizes_of(os.getpid())
        other = sizes_of(writer.pid) if isinstance(writer, subprocess.Popen) else None
        return None if bot is None or other is None else (bot, other)

    def _line(self, sizes: tuple[Sizes, Sizes]) -> str:
        bot, writer = sizes
        inbox = list((self.folder / "inbox").glob("*.sqlite3"))
        return (
            f"{sum(self.kept.values()):9,} exchanges, {self.operations:,} operations, "
            f"{self.restarts} restarts, {self.kills} kills; bot {bot.memory_kb >> 10} MB, "
            f"{bot.files} files, {bot.threads} threads; writer {writer.memory_kb >> 10} MB, "
            f"{writer.files} files, {writer.threads} threads; {len(inbox)} inbox segments"
        )


def check_flat(seen: list[tuple[Sizes, Sizes]], files: int, threads: int) -> None:
    """Nothing grew after the first measurement; nothing is left but what was there before."""
    for first, last in zip(seen[0], seen[-1], strict=True):
        assert last.memory_kb - first.memory_kb < MOST_GROWTH_KB, (first, last)
        assert last.files < MOST_FILES, last
    left = sizes_of(os.getpid())
    assert left is not None
    assert left.files <= files + 2, left
    assert threading.active_count() <= threads + 1, threading.enumerate()


async def soak(seconds: float, *, every: float = 60.0, seed: int = 0) -> str:
    """Go on for so long. Raises AssertionError for what went wrong; returns what was done."""
    before = sizes_of(os.getpid())
    assert before is not None
    threads = threading.active_count()
    with tempfile.TemporaryDirectory() as folder:
        run = Soak(Path(folder), seed)
        seen = await run.run(seconds, every)
        run.check()
    check_flat(seen, before.files, threads)
    return f"{sum(run.kept.values()):,} exchanges, {run.restarts} restarts, {run.kills} kills"


async def main() -> None:
    """As long as asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    done = await soak(arguments.minutes * 60, seed=arguments.seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"All there, nothing grew: {done}; at most {peak} MB")


if __name__ == "__main__":
    asyncio.run(main())
