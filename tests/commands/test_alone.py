"""Commands that need the records for themselves, and bots on the same ones."""

import asyncio
import contextlib
import fcntl
from pathlib import Path

import pytest

from bot.store.locking import alone, in_use, is_running
from bot.store.problems import StoreError

pytestmark = pytest.mark.usefixtures("folder")


def test_a_bot_that_is_started_meanwhile_waits(folder: Path) -> None:
    assert not is_running(folder)
    with alone(folder), (folder / "inbox" / "lock").open("w") as lock:
        assert is_running(folder)
        for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
    assert not is_running(folder)


async def test_the_second_of_two_bots_on_the_same_records_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with in_use(folder):
        assert not caplog.messages
        async with in_use(folder):
            assert [message for message in caplog.messages if "Stop one of them" in message]
        caplog.clear()
    async with in_use(folder):
        assert not caplog.messages


async def test_a_bot_that_has_recorded_nothing_yet_is_running_too(folder: Path) -> None:
    async with in_use(folder), in_use(folder):
        assert is_running(folder)
        with pytest.raises(StoreError, match="Stop it first"), alone(folder):
            pass
    with alone(folder):
        waiting = asyncio.create_task(enter(in_use(folder)))
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 10)


async def enter(place: contextlib.AbstractAsyncContextManager[None]) -> None:
    async with place:
        pass
