"""What goes through the memory that bot and writer share arrives, and so does what has no room."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store import processes, shared_memory, writing
from bot.store.shared_memory import SharedMemory, share
from bot.store.sqlite import SqliteStore
from tests.store.filling import GUILD, exchange
from tests.waiting import until

SMALL = 4096


@given(st.lists(st.one_of(st.none(), st.integers(1, SMALL + 10))))
def test_what_is_there_stays_as_it_is_until_it_is_released(steps: list[int | None]) -> None:
    """A number puts a body of so many bytes, None releases the first one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_memory, "SIZE", SMALL)
        memory = SharedMemory.make()
    if memory is None:
        pytest.skip("this system has no memory to share")
    with closing(memory):
        other_end = share(memory.handle)
        there: deque[tuple[int, bytes]] = deque()
        for number, size in enumerate(steps):
            if size is None:
                if there:
                    there.popleft()
                    memory.release()
                continue
            body = bytes([number % 256]) * size
            at = memory.put(body)
            if at is None:
                assert there or size > SMALL
            else:
                there.append((at, body))
            for at, body in there:
                assert other_end[at : at + len(body)] == body


def test_all_of_the_memory_is_there_before_something_is_put() -> None:
    """A page that cannot be had when it is written to ends the process."""
    memory = SharedMemory.make()
    if memory is None:
        pytest.skip("this system has no memory to share")
    with closing(memory):
        there = os.fstat(memory.handle).st_blocks * 512
        memory.forget_handle()
        assert there >= shared_memory.SIZE


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="there is none to share")
async def test_where_no_memory_is_left_to_share_all_is_kept_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    async with SqliteStore(tmp_path) as store:
        world = store.world(GUILD)
        await world.write([exchange(number) for number in range(100)])
        assert not open_memory()
        assert (await world.stats()).exchanges == 100


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="there is none to share")
async def test_a_writer_that_cannot_share_it_keeps_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_without(
        module: str, link: socket.socket, folder: Path, _: object
    ) -> "subprocess.Popen[bytes]":
        return processes.begin(module, link, folder)

    monkeypatch.setattr(writing, "begin", begin_without)
    async with SqliteStore(tmp_path) as store:
        world = store.world(GUILD)
        await world.write([exchange(number) for number in range(100)])
        assert store.problem is None
        assert (await world.stats()).exchanges == 100


@pytest.mark.parametrize("size", [SMALL, 1 << 16, 4 << 20])
async def test_all_is_kept_while_the_writer_takes_nothing_for_a_time(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 8 MB some goes through the memory, again and again, and the rest beside it."""
    monkeypatch.setattr(shared_memory, "SIZE", size)
    async with SqliteStore(tmp_path) as store:
        world = store.world(GUILD)
        await world.write([exchange(0)])
        writer = store.writing._writer
        assert isinstance(writer, subprocess.Popen)
        os.kill(writer.pid, signal.SIGSTOP)
        kept: list[object] = []
        for number in range(1, 2_001):
            world.submit(exchange(number, output=f"{number} " * 1_000), kept.append)
        await until(lambda: store.writing._bytes_sent > SMALL)
        os.kill(writer.pid, signal.SIGCONT)
        await until(lambda: len(kept) == 2_000)
        assert set(kept) == {None}
        link = store.writing._link
        assert link is not None
        assert link._shared is not None
        assert not link._shared._used
        assert (await world.stats()).exchanges == 2_001


async def test_a_system_without_such_memory_keeps_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    async with SqliteStore(tmp_path) as store:
        world = store.world(GUILD)
        await world.write([exchange(number) for number in range(100)])
        assert (await world.stats()).exchanges == 100


async def test_a_writer_that_is_begun_again_shares_anew(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path) as store:
        world = store.world(GUILD)
        for round_ in range(3):
            await world.write([exchange(round_ * 50 + number) for number in range(50)])
            writer = store.writing._writer
            assert isinstance(writer, subprocess.Popen)
            os.kill(writer.pid, signal.SIGKILL)
        await world.write([exchange(150)])
        assert (await world.stats()).exchanges == 151
        if sys.platform == "linux":
            assert len(open_memory()) == 1


def open_memory() -> list[str]:
    """What of such memory this process has a handle of."""
    handles = Path("/proc/self/fd")
    links = [os.readlink(link) for link in handles.iterdir() if link.is_symlink()]
    return [link for link in links if "memfd:understudy" in link]
