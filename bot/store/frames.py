"""What the bot and the writer say to each other, over one stream of bytes.

A frame is a header (length of the body, kind, world) and a body. Upwards go operations, many in
one frame, and requests; downwards go acknowledgements and reports.
"""

import struct
from collections.abc import Sequence

import msgspec

from bot.store.operations import Entry
from bot.store.records import World, WorldKind

HEADER = struct.Struct(">IBBq")

# Upwards.
SHARED = 197
"""There is shared memory; the body is the number of its handle. Downwards: it is used from here
on; an empty body."""
OPERATIONS_AT = 198
"""As OPERATIONS; its body is in the shared memory. The body here is PLACE: from where, how much."""
OPERATIONS = 199
"""These operations are to be kept; the body is `encode_entries` of them."""
DRAIN = 200
"""Move what waits of this world (or of all) into its file; the body is a request's number."""
MOVE = 201
"""Of the draining thread to the mover: move these of a world; the body is `pack_numbers`."""
# Downwards.
KEPT = 210
"""The first so many operations of those not yet acknowledged are on disk."""
DONE = 211
"""A request was carried out; the body is its number, and what went wrong, if anything."""
PROBLEM = 212
"""Why a world's file (or the inbox) takes nothing; an empty body: it does again."""
LOST = 213
"""So many operations of a world, or of worlds that are not known, were given up; the body is their
number, with AT_LEAST behind it where there may be more."""
LINGERS = 214
"""Why what was forgotten in a world is still in its file's log; an empty body: it is not."""
UNMOVED = 215
"""So many operations are on disk and not in their worlds' files yet; the body is their number."""
MOVED = 216
"""Of the mover: the first so many of what it was given first are in the world's file."""

NUMBER = struct.Struct(">Q")
PLACE = struct.Struct(">QQ")
AT_LEAST = b"+"
EVERYWHERE = 255
KINDS = tuple(WorldKind)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode
_decode_numbers = msgspec.msgpack.Decoder(list[int]).decode

Frame = tuple[int, World | None, bytes]


def pack(kind: int, world: World | None, body: bytes) -> bytes:
    """The bytes of a frame; no world stands for all of them."""
    if world is None:
        return HEADER.pack(len(body), kind, EVERYWHERE, 0) + body
    return HEADER.pack(len(body), kind, KINDS.index(world.kind), world.id) + body


def encode_entries(entries: Sequence[Entry]) -> bytes:
    """These operations as the body of a frame."""
    return _encode(entries)


def decode_entries(body: bytes | memoryview) -> list[Entry]:
    """The operations of such a body."""
    return _decode(body)


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """The numbers of operations in the inbox, as a body."""
    return _encode(numbers)


def unpack_numbers(body: bytes) -> list[int]:
    """The numbers of such a body."""
    return _decode_numbers(body)


class Unpacker:
    """Takes bytes as they come and gives the frames that are whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._worlds: dict[tuple[int, int], World | None] = {(EVERYWHERE, 0): None}

    def unpack(self, data: bytes | memoryview) -> list[Frame]:
        """The frames that are whole with these bytes."""
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        at, end, worlds = 0, len(data), self._worlds
        while end - at >= HEADER.size:
            length, kind, world_kind, world_id = HEADER.unpack_from(data, at)
            body_at = at + HEADER.size
            if end < body_at + length:
                break
            named = (world_kind, world_id)
            if named not in worlds:
                worlds[named] = World(KINDS[world_kind], world_id)
            at = body_at + length
            frames.append((kind, worlds[named], bytes(data[body_at:at])))
        self._rest = bytes(data[at:])
        return frames
