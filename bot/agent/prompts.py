"""A conversation as a chat endpoint takes it: turns of alternating roles, speakers told apart.

Many endpoints refuse two turns of a role in a row, and a channel is full of them, so consecutive
messages of a role become one turn. What a person wrote cannot pass for another speaker: only the
first line of a message begins with a name, the others are indented.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.agent.models import ImageInput
from bot.store.records import ChatMessage, Role

DISCORD_EPOCH_MS = 1_420_070_400_000
"""https://discord.com/developers/docs/reference#snowflakes"""

LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""All that a reader, or a model, may take for the end of a line."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One or more messages of a role, as one text, and the images that belong to them."""

    role: Role
    text: str
    images: tuple[ImageInput, ...] = ()


def chat_turns(
    messages: Sequence[ChatMessage], images: Sequence[ImageInput] = ()
) -> tuple[Turn, ...]:
    """The messages as turns; a named turn says when it was said (from the Discord id, in UTC)."""
    turns: list[Turn] = []
    for message in messages:
        shown = tuple(image for image in images if image.message_id == message.message_id)
        if not turns or turns[-1].role != message.role:
            turns.append(Turn(message.role, opening(message) + spoken(message), shown))
            continue
        before = turns[-1]
        gap = "\n" if message.name is not None else "\n\n"
        turns[-1] = Turn(before.role, before.text + gap + spoken(message), before.images + shown)
    return tuple(turns)


def opening(message: ChatMessage) -> str:
    """The line with the time that a turn of named speakers begins with."""
    if message.name is None or message.message_id is None:
        return ""
    seconds = ((message.message_id >> 22) + DISCORD_EPOCH_MS) / 1000
    return f"[{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC]\n"


def spoken(message: ChatMessage) -> str:
    """A message's text; of a named speaker all lines but the first are indented."""
    if message.name is None:
        return message.content
    return LINE_END.sub("\n  ", message.prompt_text)
