"""An answer that appears while it is made: posted once there is something, then edited."""

import asyncio
import contextlib
import io
import logging
from collections.abc import Callable
from typing import Self

import discord

from bot.front.discord_errors import UNREACHED, is_final
from bot.front.splitting import split_message

log = logging.getLogger(__name__)

FIRST_POST_SECONDS = 0.4
EDIT_SECONDS = 1.1  # Discord takes about five edits in five seconds in a channel.
RETRY_SECONDS = (0.5, 2.0)
MOST_MESSAGES = 6


class StreamedReply:
    """A StreamSink that posts to Discord as a reply to `question`.

    Use it as a context manager around the model call, then `finish` with the whole text: what is
    in Discord then is that text, whatever became of the edits before. `on_post` is called when
    the first message is there.
    """

    def __init__(self, question: discord.Message, on_post: Callable[[], None]) -> None:
        self.messages: list[discord.Message] = []
        self._question = question
        self._on_post = on_post
        self._text = ""
        self._shown: list[str] = []
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="streamed reply")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_following()

    def write(self, piece: str) -> None:
        """Add a piece of the answer."""
        self._text += piece
        self._changed.set()

    def restart(self) -> None:
        """Take back all pieces: what is posted is overwritten by what comes next."""
        self._text = ""

    async def finish(self, text: str) -> None:
        """Show exactly `text`, trying again where that may help; what is too long is a file.

        Raises one of UNREACHED if it cannot be shown.
        """
        await self._stop_following()
        for seconds in RETRY_SECONDS:
            try:
                await self._show(text)
                break
            except UNREACHED as error:
                if is_final(error):
                    raise
                log.info("An answer is not shown yet: %s", error)
            await asyncio.sleep(seconds)
        else:
            await self._show(text)
        for left_over in self.messages[len(self._shown) :]:
            with contextlib.suppress(*UNREACHED):
                await left_over.delete()
        del self.messages[len(self._shown) :]
        if len(parts_of(text)) > MOST_MESSAGES:
            whole = discord.File(io.BytesIO(text.encode()), "answer.md")
            note = "That was too long for a chat. The whole answer:"
            self.messages.append(await self._question.channel.send(note, file=whole))

    async def _stop_following(self) -> None:
        # Asked to end, not cancelled: a message that was sent but not noted would be sent again.
        self._stopped.set()
        self._changed.set()
        if self._task is not None:
            await self._task

    async def _follow(self) -> None:
        """Show what there is, at a pace that Discord allows."""
        await self._changed.wait()
        await self._pause(FIRST_POST_SECONDS)
        while not self._stopped.is_set():
            self._changed.clear()
            try:
                await self._show(self._text)
            except UNREACHED as error:
                log.info("A part of an answer is not shown yet: %s", error)
            await self._pause(EDIT_SECONDS)
            await self._changed.wait()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    async def _show(self, text: str) -> None:
        parts = parts_of(text)[:MOST_MESSAGES]
        for index, part in enumerate(parts):
            if index < len(self._shown) and self._shown[index] == part:
                continue
            await self._put(index, part)
        del self._shown[len(parts) :]

    async def _put(self, index: int, part: str) -> None:
        if index < len(self.messages):
            self.messages[index] = await self.messages[index].edit(content=part)
        else:
            self.messages.append(await self._post(part))
            self._on_post()
        self._shown[index:] = [part]

    async def _post(self, part: str) -> discord.Message:
        channel = self._question.channel
        # By its nonce Discord knows a message that is sent again because no answer came.
        nonce = f"{self._question.id}-{len(self.messages)}"
        if self.messages:
            return await channel.send(part, nonce=nonce)
        # A question that was deleted meanwhile is still answered.
        reference = self._question.to_reference(fail_if_not_exists=False)
        return await channel.send(part, reference=reference, mention_author=False, nonce=nonce)


def parts_of(text: str) -> list[str]:
    """The messages that a text makes."""
    return [part for part in split_message(text) if part.strip()]
