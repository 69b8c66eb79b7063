"""The transport compression of a gateway connection, one stream for the life of a socket.

Source: https://discord.com/developers/docs/events/gateway#transport-compression
"""

import importlib
import zlib
from typing import Any, Protocol


class Encoder(Protocol):
    """Turns one gateway message into what goes on the wire: text, or compressed bytes."""

    def __call__(self, text: str) -> str | bytes: ...


def encoder_for(name: str | None) -> Encoder:
    """The encoder for a `compress` parameter.

    A client that asks for what this machine lacks gets text, which every client reads.
    """
    if name == "zlib-stream":
        return _ZlibStream()
    if name == "zstd-stream":
        try:
            return _ZstdStream(importlib.import_module("zstandard"))
        except ImportError:
            return plain
    return plain


def plain(text: str) -> str:
    """No compression."""
    return text


class _ZlibStream:
    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def __call__(self, text: str) -> bytes:
        # A sync flush ends the message with 00 00 ff ff, by which clients know that it is whole.
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class _ZstdStream:
    def __init__(self, library: Any) -> None:  # noqa: ANN401 - an optional, untyped module
        self._flush_block = library.COMPRESSOBJ_FLUSH_BLOCK
        self._stream = library.ZstdCompressor().compressobj()

    def __call__(self, text: str) -> bytes:
        data: bytes = self._stream.compress(text.encode())
        data += self._stream.flush(self._flush_block)
        return data
