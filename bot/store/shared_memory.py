"""Memory that the bot and the writer's process share: the bodies of large frames go through it.

Sent through the link they would be copied into the kernel's memory and out of it again, and into
memory that is new each time: where a machine's host has yet to find it, that takes ten times as
long as the copying.
"""

import mmap
import os
from collections import deque
from typing import Self

SIZE = 4 << 20


class SharedMemory:
    """The bot's end: a ring. What was put first is released first."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._memory = mmap.mmap(handle, 0)
        self._size = len(self._memory)
        self._used: deque[tuple[int, int]] = deque()

    @classmethod
    def make(cls) -> Self | None:
        """Some; None on a system that has none to share, or none left."""
        # https://man7.org/linux/man-pages/man2/memfd_create.2.html
        if not hasattr(os, "memfd_create"):
            return None
        try:
            handle = os.memfd_create("understudy")
        except OSError:
            return None
        try:
            # All of it at once: where memory is promised to nobody twice and none is left, writing
            # to a page that is not there would end this process.
            os.posix_fallocate(handle, 0, SIZE)
            return cls(handle)
        except OSError:
            os.close(handle)
            return None

    def put(self, body: bytes) -> int | None:
        """Where this was put; None where there is no room for it now."""
        at = self._room_for(len(body))
        if at is not None:
            self._memory[at : at + len(body)] = body
            self._used.append((at, len(body)))
        return at

    def release(self) -> None:
        """What was put first of all that is there is needed no more."""
        self._used.popleft()

    def forget_handle(self) -> None:
        """Whoever was to share it does."""
        os.close(self.handle)

    def close(self) -> None:
        """Let go of it; the other end keeps its own."""
        self._memory.close()

    def _room_for(self, size: int) -> int | None:
        if not self._used:
            # From the beginning, so that little is used of it where little is put at a time.
            return 0 if size <= self._size else None
        first, (last, length) = self._used[0][0], self._used[-1]
        end = last + length
        if last >= first and end + size <= self._size:
            return end
        begin = 0 if last >= first else end
        return begin if begin + size <= first else None


def share(handle: int) -> memoryview:
    """The writer's end of what has this handle, which is closed. Raises OSError."""
    try:
        return memoryview(mmap.mmap(handle, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(handle)
