"""WebSocket frames as bytes, so that many can go out in one write.

Format: https://datatracker.ietf.org/doc/html/rfc6455#section-5.2
"""

import struct

_TEXT, _BINARY = 0x81, 0x82


def frame(payload: str | bytes) -> bytes:
    """One whole, unmasked frame: text for str, binary for bytes."""
    first, data = (_TEXT, payload.encode()) if isinstance(payload, str) else (_BINARY, payload)
    size = len(data)
    if size < 126:
        return struct.pack("!BB", first, size) + data
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + data
    return struct.pack("!BBQ", first, 127, size) + data
