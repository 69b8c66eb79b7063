"""A heartbeat is acknowledged after its sender knows that it is out."""

import asyncio
import contextlib
import threading
import time
from collections import Counter, defaultdict, deque
from typing import Any

import discord
import pytest
from discord.gateway import KeepAliveHandler

from bot.harness import FakeDiscord

from .conftest import Recorder, running

CLIENTS, BEATS = 8, 100


async def test_an_acknowledgement_takes_a_way_back(
    fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or discord.py, whose thread notes the time when it is told that a heartbeat was sent, would
    count from the one before, and warn that it cannot keep up.
    """
    fake.gateway_server.heartbeat_ms = 100
    sent: defaultdict[KeepAliveHandler, deque[float]] = defaultdict(deque)
    found: Counter[bool] = Counter()
    enough = asyncio.Event()
    get_payload, ack = KeepAliveHandler.get_payload, KeepAliveHandler.ack

    def beginning(self: KeepAliveHandler) -> dict[str, Any]:
        # The loop's own heartbeat, the first of all, is noted before it is sent.
        in_thread = threading.current_thread() is self
        sent[self].append(time.perf_counter() if in_thread else self._last_send)
        return get_payload(self)

    def acknowledged(self: KeepAliveHandler) -> None:
        found[self._last_send >= sent[self].popleft()] += 1
        if found.total() >= BEATS:
            enough.set()
        ack(self)

    monkeypatch.setattr(KeepAliveHandler, "get_payload", beginning)
    monkeypatch.setattr(KeepAliveHandler, "ack", acknowledged)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(CLIENTS):
            await stack.enter_async_context(running(Recorder(discord.Intents.none()), fake))
        await asyncio.wait_for(enough.wait(), 20)
    assert found[True]
    assert not found[False]
