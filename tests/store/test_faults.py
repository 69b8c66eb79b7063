"""Disks that fail, fill up or stall: chat goes on, nothing that was kept is lost, all recovers."""

import asyncio
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.operations import MessagesForgotten
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.loading import exchange
from tests.waiting import until

ONE, OTHER = World(WorldKind.GUILD, 1), World(WorldKind.GUILD, 2)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


ATTEMPTS = 3


class Disk:
    """What goes wrong with the writer's disk from here on."""

    def __init__(self, plan: Path) -> None:
        self._plan = plan

    def fails(self, number: int, marker: str, *, milliseconds: int = 0) -> None:
        whole = self._plan.with_suffix(".whole")
        whole.write_text(f"{number} {milliseconds} {marker}")
        whole.replace(self._plan)

    def works(self) -> None:
        self._plan.unlink()

    @property
    def failures(self) -> int:
        """How often it failed so far."""
        count = self._plan.with_name(f"{self._plan.name}.count")
        return count.stat().st_size if count.exists() else 0


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to make a disk that fails")
    made = tmp_path_factory.mktemp("shim") / "faulty_disk.so"
    source = Path(__file__).with_name("faulty_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture
def disk(shim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk of the writer's process; this one's is left alone."""
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("FAULTS", str(tmp_path / "plan"))
    return Disk(tmp_path / "plan")


def numbers(store: SqliteStore, world: World) -> list[int]:
    path = Path(store.world(world).location)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in connection.execute("SELECT id FROM training_data ORDER BY id")]


def writer_pid(store: SqliteStore) -> int:
    process = store.writing._writer
    assert isinstance(process, subprocess.Popen)
    return process.pid


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize(
    ("number", "text"),
    [(errno.ENOSPC, "the disk is full"), (errno.EIO, "the disk reports an error")],
    ids=["full", "broken"],
)
@pytest.mark.parametrize("fresh", [True, False], ids=["at the start", "in between"])
async def test_a_disk_that_takes_nothing_is_told_and_waited_for(
    tmp_path: Path, disk: Disk, number: int, text: str, *, fresh: bool
) -> None:
    async with SqliteStore(tmp_path / "data") as store:
        world = store.world(ONE)
        first = [] if fresh else [10]
        if not fresh:
            await world.write([exchange(10, 1)])
        disk.fails(number, "/inbox/")
        waits = asyncio.ensure_future(world.write([exchange(11, 1)]))
        await until(lambda: store.problem is not None)
        assert text in (store.problem or "")
        assert str(tmp_path) not in (store.problem or "")
        with pytest.raises(StoreError):
            await world.drained()
        if not fresh:
            before, failures = open_files(writer_pid(store)), disk.failures
            await until(lambda: disk.failures >= failures + ATTEMPTS)
            assert open_files(writer_pid(store)) <= before + 3
        assert not waits.done()
        disk.works()
        await asyncio.wait_for(waits, 30)
        assert store.problem is None
        await world.write([exchange(12, 1)])
        # Killed here: what is in the inbox is all there is.
        os.kill(writer_pid(store), signal.SIGKILL)
        await store.close()
    async with SqliteStore(tmp_path / "data", in_process=True) as again:
        await again.drained()
        assert numbers(again, ONE) == [*first, 11, 12]


async def test_a_server_s_file_that_takes_nothing_holds_up_no_other(
    tmp_path: Path, disk: Disk
) -> None:
    async with SqliteStore(tmp_path / "data") as store:
        one, other = store.world(ONE), store.world(OTHER)
        disk.fails(errno.EIO, "/guilds/1.")
        await one.write([exchange(10, 1)])
        await other.write([exchange(20, 2)])
        await other.drained()
        with pytest.raises(StoreError, match="disk reports an error"):
            await one.drained()
        await until(lambda: one.held_up is not None)
        assert (store.problem, other.held_up) == (None, None)
        assert numbers(store, OTHER) == [20]
        disk.works()
        await until(lambda: one.held_up is None)
        await one.drained()
        assert numbers(store, ONE) == [10]
        assert (one.lost, other.lost) == (0, 0)


async def test_what_another_writer_found_well_is_not_said_to_be_in_trouble(
    tmp_path: Path, disk: Disk
) -> None:
    async with SqliteStore(tmp_path / "data") as store:
        one = store.world(ONE)
        disk.fails(errno.EIO, "/guilds/1.")
        await one.write([exchange(10, 1)])
        with pytest.raises(StoreError, match="disk reports an error"):
            await one.drained()
        await until(lambda: one.held_up is not None)
        before = writer_pid(store)
        os.kill(before, signal.SIGKILL)
        disk.works()
        await until(lambda: writer_pid(store) != before)
        await one.write([exchange(11, 1)])
        await one.drained()
        assert numbers(store, ONE) == [10, 11]
        assert one.held_up is None


async def test_a_disk_that_stalls_makes_the_oldest_exchanges_give_way(tmp_path: Path) -> None:
    """Chat goes on: handing over takes no longer, and what is held has a bound."""
    bound = 8 << 20
    async with SqliteStore(tmp_path, most_waiting_bytes=bound) as store:
        world = store.world(ONE)
        await world.write([exchange(1, 1)])
        told: dict[int, StoreError | None] = {}
        forgotten: list[StoreError | None] = []
        pid = writer_pid(store)
        os.kill(pid, signal.SIGSTOP)
        slowest = 0.0
        try:
            for number in range(2, 12_002):
                began = time.perf_counter()
                world.submit(exchange(number, 1), lambda error, n=number: told.update({n: error}))  # type: ignore[misc]
                if number % 10 == 0:
                    world.submit(MessagesForgotten((number,)), forgotten.append)
                slowest = max(slowest, time.perf_counter() - began)
                if number % 100 == 0:
                    await asyncio.sleep(0)
                    assert store.writing._bytes <= bound + 4096
        finally:
            os.kill(pid, signal.SIGCONT)
        dropped = {number for number, error in told.items() if error is not None}
        assert dropped
        assert not forgotten
        assert all("were waiting for the disk" in str(told[number]) for number in dropped)
        await until(lambda: len(told) == 12_000 and len(forgotten) == 1_200)
        assert set(forgotten) == {None}
        # Of those that were not handed over the oldest went.
        kept = sorted(set(told) - dropped)
        assert kept[-1] == 12_001
        assert max(dropped) < kept[-1]
        await world.drained()
        assert numbers(store, ONE) == [1, *kept]
        print(f"{len(dropped)} gave way; the slowest hand-over took {slowest * 1e3:.1f} ms")


async def test_a_slow_disk_slows_nobody_but_the_records(tmp_path: Path, disk: Disk) -> None:
    async with SqliteStore(tmp_path / "data") as store:
        world = store.world(ONE)
        await world.write([exchange(1, 1)])
        disk.fails(0, "/inbox/", milliseconds=300)
        waits = asyncio.ensure_future(world.write([exchange(2, 1)]))
        turns = 0
        while not waits.done():
            turns += 1
            await asyncio.sleep(0.001)
        assert turns > 50
        disk.works()
        await world.drained()
        assert numbers(store, ONE) == [1, 2]
