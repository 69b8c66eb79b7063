"""Working on the files while nobody else does.

Two locks tell: the bot has one for as long as it runs, its writer the other for as long as it
writes, which is longer where the bot was killed, and not at all where nothing was recorded yet.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bot.store.files import make_folder
from bot.store.inbox import FOLDER
from bot.store.problems import StoreError

log = logging.getLogger(__name__)

BOT, WRITER = "bot", "lock"
AGAIN_SECONDS = 0.2
TWO_BOTS = (
    "Another bot uses the records in %s. Stop one of them: with the same token both answer, and "
    "only one can record"
)
LEFT_OVER = " If none runs, a process of an earlier one is not done, or stopped{ending}."
END_IT = ": `kill -9 {pids}` ends it, and loses nothing that was kept"


@asynccontextmanager
async def in_use(folder: Path) -> AsyncIterator[None]:
    """A bot uses the records below this folder; it waits while somebody is `alone` with them.

    That another bot does so, too, is logged. Where no lock can be made, nothing can be recorded
    either, and the bot runs all the same.
    """
    handle: int | None = None
    told = False
    try:
        with contextlib.suppress(OSError):
            handle = open_lock(folder, BOT)
            shared = not take(handle, fcntl.LOCK_EX)
            while not take(handle, fcntl.LOCK_SH):
                if not told:
                    told = True
                    log.warning("Another program works on the records in %s: waiting", folder)
                await asyncio.sleep(AGAIN_SECONDS)
            if shared and not told:
                log.warning(TWO_BOTS, folder)
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody writes the records below this folder meanwhile; a bot that is started waits.

    Raises StoreError while the bot runs.
    """
    handles = []
    try:
        for name in (BOT, WRITER):
            handles.append(open_lock(folder, name))
            if not take(handles[-1], fcntl.LOCK_EX):
                problem = f"The bot is running and has the records in {folder} open. Stop it first."
                raise StoreError(problem + (left_over(handles[-1]) if name == WRITER else ""))
        yield
    finally:
        for handle in handles:
            os.close(handle)


def is_running(folder: Path) -> bool:
    """Whether a bot has the records below this folder open."""
    if not any((folder / FOLDER / name).exists() for name in (BOT, WRITER)):
        return False
    try:
        with alone(folder):
            return False
    except StoreError:
        return True


def open_lock(folder: Path, name: str) -> int:
    """A file of this name to lock. Raises OSError."""
    make_folder(folder / FOLDER)
    return os.open(folder / FOLDER / name, os.O_CREAT | os.O_RDWR, 0o600)


def take(handle: int, how: int) -> bool:
    """Take a lock, shared or not (`how`), if it is free. Raises OSError where there are none."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def left_over(handle: int) -> str:
    """A sentence: what has the writer's lock, where it is no bot."""
    pids = " ".join(map(str, holders(handle)))
    return LEFT_OVER.format(ending=END_IT.format(pids=pids) if pids else "")


def holders(handle: int) -> list[int]:
    """The other processes that have this lock. Only Linux says, and only of this account's."""
    found = []
    with contextlib.suppress(OSError):
        path = os.readlink(f"/proc/self/fd/{handle}")
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if has_locked(process, path):
                        found.append(int(process.name))
    return sorted(found)


def has_locked(process: Path, path: str) -> bool:
    """Whether a process, by its folder in /proc, has a file open that it has locked.

    https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html
    """
    for link in (process / "fd").iterdir():
        # It may close some meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if (
                os.readlink(link) == path
                and "FLOCK" in (process / "fdinfo" / link.name).read_text()
            ):
                return True
    return False
