"""Working on the files while nobody else does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.store.inbox import FOLDER
from bot.store.problems import StoreError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody writes the records below this folder meanwhile; a bot that is started waits.

    Raises StoreError while the bot runs.
    """
    place = folder / FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(place / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"The bot is running and has the records in {folder} open. Stop it first."
            ) from None
        yield
    finally:
        os.close(handle)


def is_running(folder: Path) -> bool:
    """Whether a bot has the records below this folder open."""
    if not (folder / FOLDER / "lock").exists():
        return False
    try:
        with alone(folder):
            return False
    except StoreError:
        return True
