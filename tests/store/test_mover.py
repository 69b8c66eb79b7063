"""A second process that moves records where much waits: the same comes out, whatever happens to it.

What it is given, what it leaves, and what becomes of it when it is killed, stopped or orphaned.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from bot.store import drain as draining
from bot.store import mover as movers
from bot.store import moving as movings
from bot.store import writer
from bot.store.checking import COUNTED
from bot.store.drain import Drain
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.inbox import Inbox
from bot.store.locking import WRITER, alone, has_locked, open_lock, take
from bot.store.moving import Moving
from bot.store.operations import MessagesForgotten, Operation, ReplyAttached, encode
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.loading import exchange
from tests.waiting import until

GUILDS = [World(WorldKind.GUILD, number) for number in range(1, 9)]
EACH = 40


class WatchedMoving(Moving):
    """Counts what was moved by it, and calls `given_to` and `moved_by` in between."""

    def __init__(self, folder: Path, keep: Sequence[int] = ()) -> None:
        super().__init__(folder, Engine(), keep)
        self.moved = 0
        self.given_to: Callable[[World], object] = lambda world: None
        self.moved_by: Callable[[World], object] = lambda world: None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def give(self, world: World, numbers: Sequence[int]) -> None:
        super().give(world, numbers)
        self.given_to(world)

    def returned(self, *, wait: bool) -> list[tuple[World, int, int]]:
        done = super().returned(wait=wait)
        for world, _, moved in done:
            self.moved += moved
            self.moved_by(world)
        return done


class Scene:
    """An inbox, and a drain that has a mover."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Any] = []
        self.inbox = Inbox(folder, Engine())
        self.moving = WatchedMoving(folder)
        self.drain = Drain(
            folder,
            Engine(),
            self.inbox,
            Lock(),
            lambda *what: self.told.append(what),
            moving=self.moving,
        )

    def record(self, world: World, *operations: Operation) -> None:
        self.inbox.append([(world, *encode(operation)) for operation in operations])

    def fill(self, numbers: Sequence[int] = range(EACH)) -> None:
        for number in numbers:
            for world in GUILDS:
                reply = ReplyAttached(number, (number * 10,))
                self.record(world, exchange(number, world.id), reply)

    def ids(self, world: World) -> list[int]:
        return [row[0] for row in self.select(world, "SELECT id FROM training_data ORDER BY id")]

    def select(self, world: World, query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(path_of(self.folder, world))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return connection.execute(query).fetchall()

    def holds_all(self, count: int = EACH) -> None:
        assert {world: self.ids(world) for world in GUILDS} == {
            world: list(range(count)) for world in GUILDS
        }
        assert not any(self.inbox.waiting.values())
        for world in GUILDS:
            assert self.select(world, COUNTED) == self.select(
                world, "SELECT exchanges, failures, fallbacks FROM counters"
            )


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(draining, "MUCH_WAITING", 0)
    monkeypatch.setattr(movings, "cores", lambda: 2)
    scene = Scene(tmp_path)
    yield scene
    scene.drain.close_files()
    scene.inbox.close()


def test_two_move_what_one_would(scene: Scene, tmp_path: Path) -> None:
    scene.fill()
    scene.drain.drain_all()
    scene.holds_all()
    assert 0 < scene.moving.moved < 2 * EACH * len(GUILDS)
    assert scene.told == []
    alone = Scene(tmp_path / "alone")
    alone.fill()
    for world in GUILDS:
        alone.drain.drain(world)
        everything = "SELECT * FROM training_data ORDER BY id"
        assert scene.select(world, everything) == alone.select(world, everything)
    alone.drain.close_files()
    alone.inbox.close()


def test_what_is_to_be_forgotten_is_left_to_the_writer(scene: Scene) -> None:
    scene.fill()
    for world in GUILDS:
        scene.record(world, MessagesForgotten((world.id * 1_000 + 7,)))
    scene.drain.drain_all()
    scene.holds_all()
    assert scene.moving.moved == 0
    for world in GUILDS:
        said = dict(scene.select(world, "SELECT message_id, content FROM messages"))
        assert said[world.id * 1_000 + 7] is None


@pytest.mark.parametrize("when", ["first given", "second given", "moved"])
def test_one_that_is_killed_loses_nothing_and_leaves_nothing_twice(scene: Scene, when: str) -> None:
    scene.fill()
    killed: list[World] = []

    def kill(world: World) -> None:
        if not killed and (when != "second given" or len(scene.moving.given) == 2):
            killed.append(world)
            os.kill(scene.moving.pid, signal.SIGKILL)

    if when == "moved":
        scene.moving.moved_by = kill
    else:
        scene.moving.given_to = kill
    scene.drain.drain_all()
    assert killed
    scene.holds_all()


def test_one_that_does_not_answer_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(movings, "PATIENCE_SECONDS", 0.1)
    scene.fill()
    scene.moving.given_to = lambda _: os.kill(scene.moving.pid, signal.SIGSTOP)
    scene.drain.drain_all()
    scene.holds_all()
    assert scene.moving.moved == 0
    assert "goes on alone" in caplog.text


def test_one_that_takes_nothing_more_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(movings, "PATIENCE_SECONDS", 0.1)
    scene.moving.give(GUILDS[0], [1])
    os.kill(scene.moving.pid, signal.SIGSTOP)
    scene.moving.give(GUILDS[1], list(range(1_000_000)))
    assert "goes on alone" in caplog.text
    assert [moved for _, _, moved in scene.moving.returned(wait=True)] == [0, 0]


def test_one_that_does_not_end_is_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one that is stopped, or waits for a disk that is gone."""
    monkeypatch.setattr(movings, "PATIENCE_SECONDS", 0.1)
    scene.fill()
    scene.drain.drain_all()
    scene.moving.give(GUILDS[0], [1])
    pid = scene.moving.pid
    os.kill(pid, signal.SIGSTOP)
    scene.drain.close_files()
    assert not Path(f"/proc/{pid}").exists()
    assert "is killed" in caplog.text


def test_a_world_that_is_named_twice_is_moved_once(scene: Scene) -> None:
    """As the writer does with one that is to forget and has its turn anyway."""
    scene.fill()
    expected = {world: list(range(EACH)) for world in GUILDS}

    def more(world: World) -> None:
        ids = expected[world]
        late = range(len(ids), len(ids) + EACH)
        scene.record(world, *(exchange(number, world.id) for number in late))
        ids += late

    scene.moving.given_to = more
    scene.drain.drain_each([GUILDS[0], GUILDS[0], GUILDS[1], GUILDS[1]])
    scene.moving.given_to = lambda world: None
    scene.drain.drain_all()
    assert {world: scene.ids(world) for world in GUILDS} == expected


def test_where_none_can_be_begun_the_writer_goes_on_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(movings, "begin", fails)
        scene.fill()
        scene.drain.drain_all()
    scene.holds_all()
    assert "goes on alone" in caplog.text
    # Once nothing waits another may be tried.
    scene.drain.close_files()
    scene.fill(range(EACH, 2 * EACH))
    scene.drain.drain_all()
    scene.holds_all(2 * EACH)
    assert scene.moving.moved > 0


def test_a_file_that_takes_nothing_is_reported_once_and_holds_up_no_other(scene: Scene) -> None:
    path = path_of(scene.folder, GUILDS[0])
    path.parent.mkdir()
    path.write_bytes(b"no database" * 10_000)
    scene.fill()
    scene.drain.drain_all()
    for world in GUILDS[1:]:
        assert scene.ids(world) == list(range(EACH))
    [(world, problem, lost)] = scene.told
    assert (world, lost) == (GUILDS[0], 0)
    assert "damaged" in problem


def test_what_comes_meanwhile_waits_for_the_next_time(scene: Scene) -> None:
    scene.fill(range(EACH))
    late = set(GUILDS)

    def more(world: World) -> None:
        if world in late:
            late.discard(world)
            scene.record(world, *(exchange(number, world.id) for number in range(EACH, EACH + 3)))

    scene.moving.given_to = more
    scene.drain.drain_all()
    for world in list(late):
        more(world)
    scene.drain.drain_all()
    scene.holds_all(EACH + 3)


def test_a_world_with_more_than_is_given_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (draining, movings):
        monkeypatch.setattr(module, "MOST_NUMBERS", 7)
    scene.fill()
    scene.drain.drain_all()
    scene.holds_all()
    assert scene.moving.moved > 0


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are looked at in /proc")
def test_it_lets_go_of_what_is_deleted(scene: Scene) -> None:
    """The room that a segment takes is free, and its text gone, once nobody has it open."""
    scene.fill()
    path = path_of(scene.folder, GUILDS[-1])
    path.parent.mkdir()
    path.mkdir()
    pids: list[int] = []
    scene.moving.given_to = lambda _: pids.append(scene.moving.pid)
    scene.drain.drain_all()
    assert opened_in_inbox(pids[-1])
    scene.inbox.waiting.clear()
    scene.drain.clear()
    assert not list((scene.folder / "inbox").glob("*.sqlite3*"))
    assert not Path(f"/proc/{pids[-1]}").exists()
    assert scene.drain.restless is False


def opened_in_inbox(pid: int) -> list[str]:
    opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [target for target in opened if "/inbox/" in target]


def test_it_reads_a_segment_that_the_disk_takes_for_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file gets the number of one that was deleted, while nobody had that one open."""
    monkeypatch.setattr(movers, "identify", lambda path: (1, 1))
    with contextlib.closing(movers.Mover(scene.folder, Engine())) as mover:
        for first in (0, EACH):
            scene.record(GUILDS[0], *(exchange(n, 1) for n in range(first, first + EACH)))
            # The first time without reading any.
            assert mover.move(GUILDS[0], scene.inbox.waiting[GUILDS[0]] if first else [-1]) == (
                first > 0
            )
            scene.inbox.waiting.clear()
            scene.drain.clear()
    assert scene.ids(GUILDS[0]) == list(range(EACH, 2 * EACH))


async def test_one_whose_writer_is_gone_keeps_the_lock_until_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says which process that is; the status, which everybody reads, does not."""
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.05)
    lock = open_lock(tmp_path, WRITER)
    assert take(lock, fcntl.LOCK_EX)
    moving = WatchedMoving(tmp_path, keep=[lock])
    moving.give(GUILDS[0], [1])
    assert moving.returned(wait=True) == [(GUILDS[0], 1, 0)]
    os.kill(moving.pid, signal.SIGSTOP)
    # As far as others see, this process is gone now.
    assert moving._link is not None
    moving._link.close()
    os.close(lock)
    told = f"`kill -9 {moving.pid}` ends it"
    async with SqliteStore(tmp_path, in_process=True) as store:
        try:
            waits = asyncio.create_task(store.world(GUILDS[0]).write([exchange(1, 1)]))
            await until(lambda: "the log says" in (store.problem or ""))
            assert told in caplog.text
            assert told not in (store.problem or "")
            with pytest.raises(StoreError, match=told), alone(tmp_path):
                pass
        finally:
            os.kill(moving.pid, signal.SIGCONT)
        await waits
        assert store.problem is None
    moving.end()


def test_who_has_the_lock_is_found_while_it_closes_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0

    def closes_one(link: Path) -> str:
        nonlocal seen
        seen += 1
        if seen == 1:
            raise FileNotFoundError
        return read(link)

    lock = open_lock(tmp_path, WRITER)
    assert take(lock, fcntl.LOCK_EX)
    read = os.readlink
    path = read(f"/proc/self/fd/{lock}")
    monkeypatch.setattr(os, "readlink", closes_one)
    assert has_locked(Path("/proc/self"), path)
    os.close(lock)
    assert not has_locked(Path("/proc/self"), path)


def test_where_nobody_can_say_who_has_the_lock_it_is_not_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise FileNotFoundError

    lock = open_lock(tmp_path, WRITER)
    assert take(lock, fcntl.LOCK_EX)
    monkeypatch.setattr(os, "readlink", fails)
    with pytest.raises(StoreError, match=r"If none runs, .* or stopped\.$"), alone(tmp_path):
        pass
    os.close(lock)
