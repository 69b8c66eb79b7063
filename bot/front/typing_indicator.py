"""The typing indicator: shown until it is stopped, whatever Discord answers to it."""

import asyncio
import contextlib
import logging
from typing import Self

import discord

from bot.front.discord_errors import UNREACHED

log = logging.getLogger(__name__)

# Discord shows it for about ten seconds after each call.
REPEAT_SECONDS = 8.0

# Breaking a call off costs the connection that it was made by, so one that is under way may end.
# What takes longer than this since it began waits to be made again (429, 5xx), which would show
# "is typing" below an answer that is there.
ENDING_SECONDS = 0.5


class TypingIndicator:
    """Shows "is typing" in a channel while the block runs, or until `stop`."""

    def __init__(self, channel: discord.abc.Messageable) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None
        self._called_at: float | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._repeat(), name="typing")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ending is not None:
            self._ending.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def stop(self) -> None:
        """Show it no longer; Discord takes it away with the next message, or by itself."""
        task = self._task
        if task is None or self._ending is not None:
            return
        if self._called_at is None:
            task.cancel()
        else:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_at(self._called_at + ENDING_SECONDS, task.cancel)

    async def _repeat(self) -> None:
        while self._ending is None:
            self._called_at = asyncio.get_running_loop().time()
            try:
                await self._channel.typing()
            except UNREACHED as error:
                log.debug("Typing is not shown: %s", error)
            self._called_at = None
            if self._ending is None:
                await asyncio.sleep(REPEAT_SECONDS)
