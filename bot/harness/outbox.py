"""The sending side of a gateway connection: frames in order, and many of them in one write."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from aiohttp import web

from bot.harness.compression import Encoder, plain
from bot.harness.frames import frame

_BYTES_A_WRITE = 64 * 1024

Write: TypeAlias = Callable[[str], None]


class Tap(Protocol):
    """Stands between an outbox and the wire. While it is `open`, it sees every frame.

    `through` calls `write` as often as the frame is to go out, now or later.
    """

    @property
    def open(self) -> bool: ...

    def through(self, text: str, write: Write) -> Awaitable[None]: ...


class Outbox:
    """What a connection still has to send. `put` never waits; `run` writes for as long as it lives.

    `written` is told of each frame that went out.
    """

    def __init__(
        self, request: web.Request, encode: Encoder, tap: Tap, written: Callable[[str], None]
    ) -> None:
        self._request = request
        self._encode = encode
        self._tap = tap
        self._written = written
        self._waiting: deque[str | bytes] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False

    @property
    def plain(self) -> bool:
        """Whether frames go out uncompressed, so that they can be made before it is their turn."""
        return self._encode is plain

    def put(self, text: str) -> None:
        self._waiting.append(text)
        self._filled.set()

    def put_wire(self, data: bytes) -> None:
        """Send bytes that are frames already, in turn, unseen by the tap."""
        self._waiting.append(data)
        self._filled.set()

    async def run(self) -> None:
        """Write until cancelled. Raises ConnectionError when the connection is gone."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                await self._write_waiting()
                self._emptied.set()
        finally:
            self._ended = True
            self._emptied.set()

    async def emptied(self) -> None:
        """Wait until all was handed to the operating system, but for what it lets us keep."""
        if not self._ended:
            self._emptied.clear()
            self._filled.set()
            await self._emptied.wait()

    def flush(self) -> None:
        """Hand all that waits to the operating system's care, past the tap."""
        while self._waiting:
            self._write_some()

    async def _write_waiting(self) -> None:
        while self._waiting:
            if self._tap.open:
                await self._through_tap(self._waiting.popleft())
            else:
                self._write_some()
            await self._request.writer.drain()

    async def _through_tap(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self._to_wire(item)
        else:
            await self._tap.through(item, self._write)

    def _write(self, text: str) -> None:
        self._written(text)
        self._to_wire(frame(self._encode(text)))

    def _write_some(self) -> None:
        parts: list[bytes] = []
        size = 0
        while self._waiting and size < _BYTES_A_WRITE:
            item = self._waiting.popleft()
            if isinstance(item, str):
                self._written(item)
                item = frame(self._encode(item))
            parts.append(item)
            size += len(item)
        self._to_wire(b"".join(parts))

    def _to_wire(self, data: bytes) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the connection is gone")
        transport.write(data)
