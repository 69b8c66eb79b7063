"""Many messages at once, made before they are sent: to see what a client can take."""

import asyncio
import time
from dataclasses import dataclass

from bot.harness.changes import MessageCreated
from bot.harness.events import dispatches
from bot.harness.frames import frame
from bot.harness.gateway import Connection, Gateway
from bot.harness.model import Channel, Message, User
from bot.harness.session import Session, encode

_BYTES_A_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Blasted:
    """How many frames of how many bytes went out, and what making and sending them took."""

    frames: int
    size: int
    prepare_seconds: float
    send_seconds: float


async def blast(
    gateway: Gateway, channel: Channel, author: User, count: int, content: str
) -> Blasted:
    """Send `count` MESSAGE_CREATE events to each connected bot that sees the channel.

    The messages are in no history and can't be replayed. Frames are made beforehand; only for a
    connection that asked for compression each is compressed in its turn, as streams demand.
    """
    world = gateway.world
    message = Message(world.new_id(), channel.id, channel.guild_id, author.id, content)
    [event] = list(dispatches(world, MessageCreated(message)))
    began = time.perf_counter()
    size = 0
    prepared: list[tuple[Connection, list[str] | list[bytes]]] = []
    for connection in gateway.connections:
        session = connection.session
        if session is None or not connection.bot or not session.takes(event):
            continue
        texts = _texts(gateway, session, encode(event.payload(session.viewer)), message.id, count)
        size += sum(map(len, texts))
        prepared.append((connection, _chunks(texts) if connection.outbox.plain else texts))
    ready = time.perf_counter()
    for connection, items in prepared:
        for item in items:
            if isinstance(item, bytes):
                connection.outbox.put_wire(item)
            else:
                connection.outbox.put(item)
    await asyncio.gather(*(connection.outbox.emptied() for connection, _ in prepared))
    sent = time.perf_counter()
    return Blasted(count * len(prepared), size, ready - began, sent - ready)


def _texts(gateway: Gateway, session: Session, data: str, message_id: int, count: int) -> list[str]:
    before, after = data.split(f'"id":"{message_id}"', 1)
    first = session.skip(count)
    new_id = gateway.world.new_id
    return [
        f'{{"op":0,"t":"MESSAGE_CREATE","s":{number},"d":{before}"id":"{new_id()}"{after}}}'
        for number in range(first, first + count)
    ]


def _chunks(texts: list[str]) -> list[bytes]:
    chunks: list[bytes] = []
    parts: list[bytes] = []
    size = 0
    for text in texts:
        parts.append(frame(text))
        size += len(parts[-1])
        if size >= _BYTES_A_CHUNK:
            chunks.append(b"".join(parts))
            parts, size = [], 0
    return [*chunks, b"".join(parts)]
