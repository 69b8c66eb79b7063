"""What people attach: text files become a part of what they said, images go along where they can.

Only what Discord itself serves is fetched, by the address that Discord gave; a size is looked at
before anything is fetched, and what is left out is said so in the text.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import discord

from bot.agent.models import ImageInput
from bot.front.discord_errors import UNREACHED

log = logging.getLogger(__name__)

MOST_TEXT_BYTES = 256 * 1024
MOST_TEXT_CHARACTERS = 16_000
MOST_IMAGE_BYTES = 5 * 1024 * 1024
MOST_IMAGES = 4
MOST_FILES = 3
FETCH_SECONDS = 5.0
REMEMBERED = 64
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-yaml")
TEXT_ENDINGS = re.compile(
    r"\.(txt|md|rst|log|[ct]sv|jsonl?|ya?ml|toml|ini|cfg|xml|html|css|sql|py|[jt]sx?|java|kt|[ch]"
    r"|[ch]pp|cs|go|rs|rb|php|sh|lua|swift)",
    re.IGNORECASE,
)


class Attachments:
    """Reads attachments, and remembers the texts of the latest."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, str] = OrderedDict()

    async def describe(self, message: discord.Message) -> str:
        """What is attached to a message, as text to put behind it; "" for nothing."""
        files = 0
        parts: list[str] = []
        for attachment in message.attachments:
            if is_image(attachment):
                parts.append(f"[image: {label(attachment)}]")
            elif is_text(attachment) and files < MOST_FILES:
                files += 1
                parts.append(await self._text(attachment))
            else:
                parts.append(f"[file: {label(attachment)}]")
        return "\n".join(parts)

    async def _text(self, attachment: discord.Attachment) -> str:
        if (known := self._texts.get(attachment.id)) is not None:
            self._texts.move_to_end(attachment.id)
            return known
        if attachment.size > MOST_TEXT_BYTES:
            return f"[file: {label(attachment)}, too large to read]"
        content = await fetch(attachment)
        if content is None:
            return f"[file: {label(attachment)}, which could not be read]"
        text = content.decode("utf-8-sig", "replace").replace("\0", "")
        if len(text) > MOST_TEXT_CHARACTERS:
            text = f"{text[:MOST_TEXT_CHARACTERS]}\n[cut after {MOST_TEXT_CHARACTERS:,} characters]"
        described = f"[file: {label(attachment)}]\n{text}\n[end of file]"
        self._texts[attachment.id] = described
        if len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)
        return described


async def images_of(messages: Iterable[discord.Message]) -> tuple[ImageInput, ...]:
    """The images of these messages, a few at most; ones that cannot be had are left out."""
    wanted = [
        (message, attachment)
        for message in messages
        for attachment in message.attachments
        if is_image(attachment) and attachment.size <= MOST_IMAGE_BYTES
    ][:MOST_IMAGES]
    contents = await asyncio.gather(*(fetch(attachment) for _, attachment in wanted))
    return tuple(
        ImageInput(message.id, label(attachment), media_type(attachment), content)
        for (message, attachment), content in zip(wanted, contents, strict=True)
        if content is not None
    )


async def fetch(attachment: discord.Attachment) -> bytes | None:
    """An attachment's content from Discord; None (and a line in the log) when it cannot be had."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await attachment.read()
    except UNREACHED as error:
        log.info("The attachment %d is left out: %s", attachment.id, error)
        return None


def label(attachment: discord.Attachment) -> str:
    """A file's name on one line."""
    return " ".join(attachment.filename.replace("]", ")").split())[:100]


def media_type(attachment: discord.Attachment) -> str:
    """An attachment's media type without parameters, as Discord tells it."""
    return (attachment.content_type or "").partition(";")[0].strip().casefold()


def is_image(attachment: discord.Attachment) -> bool:
    """Whether it is a picture of a kind that models take."""
    return media_type(attachment) in IMAGE_TYPES


def is_text(attachment: discord.Attachment) -> bool:
    """Whether it is a text, by its type or its name."""
    kind = media_type(attachment)
    ending = Path(attachment.filename).suffix
    return kind.startswith(TEXT_TYPES) or TEXT_ENDINGS.fullmatch(ending) is not None
