"""The bot's end of the link to the writer: frames, over a stream and through shared memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from bot.store.frames import (
    KEPT,
    NUMBER,
    OPERATIONS,
    OPERATIONS_AT,
    PLACE,
    SHARED,
    Unpacker,
    encode_entries,
    pack,
)
from bot.store.operations import Entry
from bot.store.records import World
from bot.store.shared_memory import SharedMemory


class Link(asyncio.Protocol):
    """The stream to one writer. `take` is called with each frame of the writer's, `go_on` when it
    takes more after it was `full`; `shared` is memory for it, used once it says that it shares it.
    """

    def __init__(
        self,
        take: Callable[[int, World | None, bytes], None],
        go_on: Callable[[], None],
        shared: SharedMemory | None,
    ) -> None:
        self.full = False
        self.lost = asyncio.Event()
        self._take = take
        self._go_on = go_on
        self._shared = shared
        self._is_shared = False
        # Of each frame of operations how many they are, and whether they are in the memory.
        self._frames: deque[tuple[int, bool]] = deque()
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's it is
        self._transport = transport

    def send(self, data: bytes) -> None:
        """Send, whenever the other end takes it."""
        if self._transport is not None:
            self._transport.write(data)

    def send_entries(self, entries: Sequence[Entry]) -> None:
        """Send these operations, through the memory while there is room in it."""
        body = encode_entries(entries)
        at = self._shared.put(body) if self._shared is not None and self._is_shared else None
        self._frames.append((len(entries), at is not None))
        if at is None:
            self.send(pack(OPERATIONS, None, body))
        else:
            self.send(pack(OPERATIONS_AT, None, PLACE.pack(at, len(body))))

    def close(self) -> None:
        """End the stream after what was sent: the writer finishes then."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """The writer said something."""
        for kind, world, body in self._unpacker.unpack(data):
            if kind == SHARED:
                self._is_shared = True
            elif kind == KEPT:
                self._release(NUMBER.unpack(body)[0])
            self._take(kind, world, body)

    def pause_writing(self) -> None:
        """The writer does not keep up."""
        self.full = True

    def resume_writing(self) -> None:
        """It does again."""
        self.full = False
        self._go_on()

    def connection_lost(self, _: Exception | None) -> None:
        """The writer ended."""
        self.lost.set()
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _release(self, count: int) -> None:
        """So many operations, which are whole frames, have been taken out of the memory."""
        while count > 0:
            number, is_shared = self._frames.popleft()
            count -= number
            if is_shared and self._shared is not None:
                self._shared.release()
