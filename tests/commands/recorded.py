"""What is in the data folder that the commands about records work on."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from bot.store.records import World, WorldKind

COUNT = 200
HIS = World(WorldKind.DM, 91)


@contextlib.contextmanager
def bot_running(folder: Path) -> Iterator[None]:
    """As far as others can see."""
    (folder / "inbox").mkdir(exist_ok=True)
    with (folder / "inbox" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All servers' files by name: what is in them and when they were last changed."""
    found = sorted(path for kind in ("guilds", "dms") for path in (folder / kind).iterdir())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}
