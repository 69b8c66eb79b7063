"""Whether the disk has room for what SQLite puts beside a file that it opens.

SQLite maps the index of a log into memory: a disk that has no room for a page that is touched there
ends the whole process by a signal, instead of a call by an error. Seen on ext4 of blocks smaller
than a page; `tests/store/mounted.py` shows it. https://www.sqlite.org/mmap.html
"""

import errno
import os
from pathlib import Path

ROOM_BYTES = 128 << 10


def need_room(folder: Path) -> None:
    """Raises OSError where the disk has no room for another database's log and its index."""
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < ROOM_BYTES and not disk.f_flag & os.ST_RDONLY:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def need_room_beside(path: Path) -> None:
    """The same for opening a file, unless somebody has it open: then the index is there."""
    if not path.with_name(f"{path.name}-shm").exists():
        need_room(path.parent)
