"""What plugins can be told of, besides messages: one class an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.agent.rooms import Room


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A member, the author, changed a message; `content` is the new text as a prompt quotes it."""

    message_id: int
    author_id: int
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
class FeedbackGiven:
    """Someone's vote on a reply of the bot, by a button or a reaction.

    `reply_id` is the message that was voted on, any part of an answer; `user_id` has one vote on
    an answer, and the last one counts. `value` is +1, -1, or 0 for a vote taken back; with
    `withdrawn` only a vote of that value is taken back, any other stands.
    """

    reply_id: int
    user_id: int
    value: int
    withdrawn: int | None = None


@dataclass(frozen=True, slots=True)
class ForgetExchange:
    """The exchange behind an answer is to be kept out of the records, for good.

    `request_id` is the id of the model request, `reply_id` the message that carries the answer,
    None where none is known to. `user_id` is who asked for it; they were allowed to.
    """

    request_id: int
    reply_id: int | None
    user_id: int


@dataclass(frozen=True, slots=True)
class DemonstrationSuggested:
    """What a person would rather have read in place of an answer.

    `reply_id` is a message that carries the answer, `content` the better one. Each person has one
    for an answer, the last one.
    """

    reply_id: int
    user_id: int
    content: str


@dataclass(frozen=True, slots=True)
class AnswerComing:
    """The agent is about to answer somebody in this room; nobody was asked for an answer yet."""

    room: Room
