"""What plugins can be told of, besides messages: one class an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.agent.rooms import Room


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A member changed a message; `content` is the new text as a prompt would quote it."""

    message_id: int
    content: str


@dataclass(frozen=True, slots=True)
class MessagesDeleted:
    """Messages are gone from Discord, whoever deleted them."""

    message_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class ReplySent:
    """The answer to a model request was posted, in these messages in this order."""

    request_id: int
    message_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class AnswerComing:
    """The agent is about to answer somebody in this room; nobody was asked for an answer yet."""

    room: Room
