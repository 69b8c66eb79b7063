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


class TypingIndicator:
    """Shows "is typing" in a channel while the block runs, or until `stop`."""

    def __init__(self, channel: discord.abc.Messageable) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._repeat(), name="typing")
        return self

    async def __aexit__(self, *_: object) -> None:
        task = self._task
        self.stop()
        if task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def stop(self) -> None:
        """Show it no longer; Discord takes it away with the next message, or by itself."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _repeat(self) -> None:
        while True:
            try:
                await self._channel.typing()
            except UNREACHED as error:
                log.debug("Typing is not shown: %s", error)
            await asyncio.sleep(REPEAT_SECONDS)
