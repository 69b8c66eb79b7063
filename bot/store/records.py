"""What is kept: the values that go into a world's file and come out of it.

Ids are snowflakes (int), times are milliseconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

DISCORD_EPOCH = 1_420_070_400_000
LARGEST = 2**63
"""The first number that SQLite's integers cannot hold."""

Role = Literal["system", "user", "assistant"]

MESSAGE = tuple[str, str, str | None, int | None, int | None, bool, int | None]
"""The values of a message, of their own types."""


class WorldKind(StrEnum):
    """Where a conversation lives: a server, or one person's direct messages."""

    GUILD = "guild"
    DM = "dm"

    # Enum's own is written in Python, and every message's world is looked up.
    __hash__ = str.__hash__


class World(Struct, frozen=True):
    """One island: a guild, or the direct messages of one person (then `id` is the person's).

    Nothing is shared between two worlds; each has a file of its own.
    """

    kind: WorldKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    def is_open_to(self, user_id: int) -> bool:
        """Whether it may have anything of this person: direct messages are of one alone.

        Others are not to learn from an answer who else talks with the bot.
        """
        return self.kind is WorldKind.GUILD or self.id == user_id


class ChatMessage(Struct, frozen=True, array_like=True):
    """One message of a prompt.

    `content` is what was written; `name` is the speaker, put before it for the model.
    `message_id` and `author_id` are given for every text that a person (or the bot) said in
    Discord: such a text is stored once, by that id, and follows its edits and its deletion.
    Without `message_id` it is a text of our own (a system prompt), stored once by its hash.
    `withheld` is for the records: its author does not agree to be recorded, only the place where
    it stood is kept. `subject_id` is whom a message of the bot's answered, where that is known.

    Raises TypeError for what is no text, or no number, and ValueError for an id beyond 64 bits:
    here, where it is made, as it is made once and then recorded with every prompt that quotes it.
    """

    role: Role
    content: str
    name: str | None = None
    message_id: int | None = None
    author_id: int | None = None
    withheld: bool = False
    subject_id: int | None = None

    def __post_init__(self) -> None:
        # Flat: a prompt is made of dozens of these.
        if not (
            isinstance(self.content, str)  # type: ignore[redundant-expr]
            and isinstance(self.role, str)  # type: ignore[redundant-expr]
            and (self.name is None or isinstance(self.name, str))
        ):
            raise TypeError("Role, content and name of a message should be texts.")
        message_id, author_id, subject_id = self.message_id, self.author_id, self.subject_id
        if not (
            (message_id is None or (message_id.__class__ is int and message_id < LARGEST))
            and (author_id is None or (author_id.__class__ is int and author_id < LARGEST))
            and (subject_id is None or (subject_id.__class__ is int and subject_id < LARGEST))
            and self.withheld.__class__ is bool
        ):
            self.check()

    def check(self) -> None:
        """Raises TypeError or ValueError where a value is none that whoever reads it takes.

        5.0 will do for 5: a plugin may count in floats.
        """
        for number in (self.message_id, self.author_id, self.subject_id):
            if number is not None and not number < LARGEST:
                raise ValueError("An id of a message is larger than Discord's ids can be.")
        msgspec.msgpack.decode(msgspec.msgpack.encode(self), type=MESSAGE, strict=False)

    @property
    def prompt_text(self) -> str:
        """The text as a model gets it: `name: content`, or `content` alone."""
        return self.content if self.name is None else f"{self.name}: {self.content}"


class Exchange(Struct, frozen=True, array_like=True, kw_only=True):
    """One call of a model and what came of it, whole: a success or a failure.

    `id` is the id of the request that was made: a snowflake as Discord's, so in order of time.
    `model_type` is the purpose of the call: should_respond, planning or coding.
    `fallback_from` names the model that should have answered and did not; `fallback_reason`
    says why. The texts of `input` were read at `timestamp`. `latency_ms` and `first_token_ms` are
    durations in milliseconds.
    """

    id: int
    timestamp: int
    room_id: int | None
    user_id: int | None
    message_id: int | None
    model_type: str
    provider: str | None
    model: str | None
    output: str | None
    reasoning: str | None
    finish_reason: str | None
    success: bool
    error: str | None
    fallback_from: str | None
    fallback_reason: str | None
    latency_ms: float
    first_token_ms: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    input: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class RecordStats:
    """Counts over the exchanges that are kept; `last_timestamp` is the newest one's time."""

    exchanges: int = 0
    failures: int = 0
    fallbacks: int = 0
    last_timestamp: int | None = None
    thumbs_up: int = 0
    thumbs_down: int = 0


def time_of(snowflake: int) -> int:
    """When what has this id was made, in ms since the epoch.

    https://discord.com/developers/docs/reference#snowflakes
    """
    return (snowflake >> 22) + DISCORD_EPOCH
