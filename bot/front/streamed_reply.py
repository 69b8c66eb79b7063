"""An answer that appears while it is made: posted once there is something, then edited."""

import asyncio
import contextlib
import io
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Self

import discord

from bot.front.discord_errors import UNREACHED, is_final
from bot.front.presenting import presentable
from bot.front.splitting import split_message

log = logging.getLogger(__name__)

FIRST_POST_SECONDS = 0.4
EDIT_SECONDS = 1.1  # Discord takes about five edits in five seconds in a channel.
SLOWEST_EDIT_SECONDS = 10.0
RETRY_SECONDS = (0.5, 2.0, 5.0, 10.0)
MOST_MESSAGES = 6
TOO_LONG = "That was too long for a chat. The whole answer:"
NO_FILES = (
    "That was too long for a chat, and I may not attach files here: someone who manages this "
    "server can give me “Attach Files”."
)

MakeView = Callable[[], discord.ui.View]
Posted = discord.Message | discord.PartialMessage


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: as a reply to `target`, or over `messages` that are there already.

    By its `nonce` (at most 21 characters) Discord knows a message that is sent again because no
    answer came. `show_links` lets Discord unfurl links.
    """

    target: discord.Message
    nonce: str
    messages: Sequence[Posted] = ()
    show_links: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message reads, and which buttons it has: None, those while it grows, or the last."""

    text: str
    buttons: MakeView | None = None


class StreamedReply:
    """A StreamSink that posts to Discord; the last message has the buttons.

    Use it as a context manager around the model call, then `finish` with the whole text: what is
    in Discord then is that text, whatever became of the edits before. A message that cannot be
    edited is posted anew, unless it was deleted: then somebody did not want it. `on_shown` is
    called when something of the answer is there, or all of it is known.
    """

    def __init__(self, place: Place, on_shown: Callable[[], None], growing: MakeView) -> None:
        self.messages: list[Posted] = list(place.messages)
        self.text = ""
        self._place = place
        self._on_shown = on_shown
        self._growing = growing
        self._shown: list[Shown] = []
        self._anew = ""
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether anything of this answer is in Discord."""
        return bool(self._shown)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_following()

    def write(self, piece: str) -> None:
        """Add a piece of the answer."""
        self.text += piece
        self._changed.set()
        if self._task is None and not self._stopped.is_set():
            self._task = asyncio.create_task(self._follow(), name="streamed reply")

    def restart(self) -> None:
        """Take back all pieces: what is posted is overwritten by what comes next."""
        self.text = ""

    async def finish(self, text: str, buttons: MakeView | None = None) -> None:
        """Show exactly `text`, trying again where that may help; what is too long is a file.

        The last message gets the `buttons`. Raises one of UNREACHED if it cannot be shown.
        """
        # From here on nobody thinks, however long Discord takes.
        self._on_shown()
        await self._stop_following()
        parts = parts_of(text)
        too_long = len(parts) > MOST_MESSAGES
        last = None if too_long else buttons
        await self._show_whole(parts[:MOST_MESSAGES], last)
        left_over = self.messages[len(self._shown) :]
        del self.messages[len(self._shown) :]
        await delete_all(left_over)
        if too_long:
            await self._attach(text, buttons)

    async def _show_whole(self, parts: Sequence[str], buttons: MakeView | None) -> None:
        """Show exactly these parts; from the first that cannot be edited on, in new messages."""
        try:
            await persistently(lambda: self._show(parts, buttons))
            return
        except discord.NotFound:
            raise
        except discord.HTTPException as error:
            done = self._shown_of(parts, buttons)
            stale = self.messages[done:]
            if not stale:
                raise
            log.warning("Message %d takes no edit and is posted anew: %s", stale[0].id, error)
        outdated = self._shown[done:]
        del self.messages[done:], self._shown[done:]
        # By the same nonce Discord would give the earlier message back and post nothing.
        self._anew = "e"
        try:
            await persistently(lambda: self._show(parts, buttons))
        except BaseException:
            self.messages.extend(stale)
            self._shown.extend(outdated)
            raise
        await delete_all(stale)

    def _shown_of(self, parts: Sequence[str], buttons: MakeView | None) -> int:
        """How many of these parts are shown as they should be, from the first on."""
        last = len(parts) - 1
        for index, (part, shown) in enumerate(zip(parts, self._shown, strict=False)):
            if shown != Shown(part, buttons if index == last else None):
                return index
        return len(self._shown)

    async def withdraw(self) -> None:
        """Take away all that was posted."""
        await self._stop_following()
        await delete_all(self.messages)
        self.messages.clear()
        self._shown.clear()

    async def _stop_following(self) -> None:
        # Asked to end, not cancelled: a message that was sent but not noted would be sent again.
        self._stopped.set()
        self._changed.set()
        if self._task is not None:
            await self._task

    async def _follow(self) -> None:
        """Show what there is, at a pace that Discord allows."""
        await self._pause(FIRST_POST_SECONDS)
        while not self._stopped.is_set():
            self._changed.clear()
            began = monotonic()
            try:
                await self._show(parts_of(self.text)[:MOST_MESSAGES], self._growing)
            except UNREACHED as error:
                log.info("A part of an answer is not shown yet: %s", error)
            except Exception:
                log.exception("A part of an answer is not shown yet")
            # discord.py waits where Discord says so (429): then the next edit takes its time, too.
            took = monotonic() - began
            await self._pause(min(max(EDIT_SECONDS, 2 * took), SLOWEST_EDIT_SECONDS))
            await self._changed.wait()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    async def _show(self, parts: Sequence[str], buttons: MakeView | None) -> None:
        for index, part in enumerate(parts):
            shown = Shown(part, buttons if index == len(parts) - 1 else None)
            if index < len(self._shown) and self._shown[index] == shown:
                continue
            await self._put(index, shown)
        del self._shown[len(parts) :]

    async def _put(self, index: int, shown: Shown) -> None:
        if index < len(self.messages):
            view = None if shown.buttons is None else shown.buttons()
            message = self.messages[index]
            self.messages[index] = await self._edit(message, shown.text, view)
        else:
            self.messages.append(await self._post(shown))
        self._on_shown()
        self._shown[index:] = [shown]

    async def _edit(
        self, message: Posted, text: str, view: discord.ui.View | None
    ) -> discord.Message:
        if isinstance(message, discord.Message):
            # Not told so, discord.py brings the embeds back.
            show = self._place.show_links
            return await message.edit(content=text, view=view, suppress=not show)
        return await message.edit(content=text, view=view)

    async def _post(self, shown: Shown) -> discord.Message:
        place = self._place
        # A question that was deleted meanwhile is no reason to fail.
        reference = None if self.messages else place.target.to_reference(fail_if_not_exists=False)
        return await send(
            place.target.channel,
            shown.text,
            nonce=f"{place.nonce}-{len(self.messages)}{self._anew}",
            reference=reference,
            suppress_embeds=not place.show_links,
            view=None if shown.buttons is None else shown.buttons(),
        )

    async def _attach(self, text: str, buttons: MakeView | None) -> None:
        nonce = f"{self._place.nonce}-f"
        channel = self._place.target.channel

        async def attach() -> None:
            view = None if buttons is None else buttons()
            whole = discord.File(io.BytesIO(text.encode()), "answer.md")
            try:
                sent = await send(channel, TOO_LONG, nonce=nonce, file=whole, view=view)
            except discord.Forbidden:
                sent = await send(channel, NO_FILES, nonce=f"{nonce}!", view=view)
            self.messages.append(sent)

        await persistently(attach)


async def send(
    channel: discord.abc.Messageable,
    text: str,
    *,
    nonce: str,
    reference: discord.MessageReference | None = None,
    suppress_embeds: bool = True,
    view: discord.ui.View | None = None,
    file: discord.File | None = None,
) -> discord.Message:
    """Send a message that pings nobody. Raises one of UNREACHED."""
    more: dict[str, object] = {}
    if reference is not None:
        more["reference"] = reference
    if view is not None:
        more["view"] = view
    if file is not None:
        more["file"] = file
    message: discord.Message = await channel.send(  # type: ignore[call-overload]
        text, nonce=nonce, mention_author=False, suppress_embeds=suppress_embeds, **more
    )
    return message


async def persistently(attempt: Callable[[], Awaitable[None]]) -> None:
    """Do it, trying again where that may help. Raises one of UNREACHED in the end."""
    for seconds in RETRY_SECONDS:
        try:
            return await attempt()
        except UNREACHED as error:
            if is_final(error):
                raise
            log.info("An answer is not shown yet: %s", error)
        await asyncio.sleep(seconds)
    return await attempt()


async def delete_all(messages: Sequence[Posted]) -> None:
    """Delete messages; those that are gone already, or cannot be reached, are left."""
    for message in messages:
        try:
            await message.delete()
        except discord.NotFound:
            continue
        except UNREACHED as error:
            log.warning("Message %d of an answer is not deleted: %s", message.id, error)


def parts_of(text: str) -> list[str]:
    """The messages that a text makes."""
    return [part for part in split_message(presentable(text)) if part.strip()]
