"""A client that only reads: what a server can send, and no cost of a client's own."""

import base64
import json
import os
import socket
import struct
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

INTENTS = 1 << 0 | 1 << 9 | 1 << 15  # guilds, their messages, and what is in those


class Reader:
    """A logged-in gateway connection on a blocking socket, for use as `with`."""

    def __init__(self, gateway: str, token: str, *, compress: str = "") -> None:
        address = urlsplit(gateway)
        self._socket = socket.create_connection((address.hostname, address.port))
        self._buffer = bytearray()
        query = f"?v=10&compress={compress}" if compress else "?v=10"
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {address.path}{query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        del self._buffer[: self._buffer.index(b"\r\n\r\n") + 4]
        self.frame()
        identify = json.dumps({"op": 2, "d": {"token": token, "intents": INTENTS}}).encode()
        # A mask of zeros leaves the data as it is.
        self._socket.sendall(struct.pack("!BBH4x", 0x81, 0x80 | 126, len(identify)) + identify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def frame(self) -> bytes:
        """The payload of the next frame."""
        size, start = self._head()
        while size is None or len(self._buffer) < start + size:
            self._fill()
            size, start = self._head()
        payload = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return payload

    def swallow(self, size: int) -> float:
        """Read that many bytes; answers the seconds from the first of them to the last."""
        view = memoryview(bytearray(1 << 20))
        left = size - self._socket.recv_into(view)
        began = time.perf_counter()
        while left > 0:
            left -= self._socket.recv_into(view)
        return time.perf_counter() - began

    def _fill(self) -> None:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data

    def _head(self) -> tuple[int | None, int]:
        buffer = self._buffer
        if len(buffer) < 2:
            return None, 0
        size = buffer[1]
        if size < 126:
            return size, 2
        width = 2 if size == 126 else 8
        if len(buffer) < 2 + width:
            return None, 0
        return int.from_bytes(buffer[2 : 2 + width], "big"), 2 + width
