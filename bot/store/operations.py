"""What can be done to a world's records, as values, and as the bytes that wait in the inbox."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import msgspec

from bot.store.problems import UnstorableError
from bot.store.records import ChatMessage, Exchange

LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class ReplyAttached:
    """These Discord messages, in order, carry the output of an exchange."""

    exchange_id: int
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextEdited:
    """A member edited a message at `timestamp`."""

    message_id: int
    content: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class MessagesForgotten:
    """Messages are gone in Discord: their texts go, and the outputs that they carried."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VoteCast:
    """A person's vote on an answer, by a message that carries it: 1, -1, or 0 to take it back.

    With `withdrawn` only a vote of that value is taken back, any other stands.
    """

    message_id: int
    user_id: int
    value: int
    timestamp: int
    withdrawn: int | None = None


@dataclass(frozen=True, slots=True)
class DemonstrationGiven:
    """What a person would rather have read, by a message that carries the answer."""

    message_id: int
    user_id: int
    content: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class ExchangeForgotten:
    """An exchange is to be kept no longer: the one of that id.

    Without an id, or where none of that id is kept, the one whose output the message carries.
    """

    message_id: int | None
    exchange_id: int | None = None


Operation = (
    Exchange
    | ReplyAttached
    | TextEdited
    | MessagesForgotten
    | VoteCast
    | DemonstrationGiven
    | ExchangeForgotten
)

# The position is the kind's number in the inbox: a kind is never taken out, only added.
KINDS: tuple[type[Operation], ...] = (
    Exchange,
    ReplyAttached,
    TextEdited,
    MessagesForgotten,
    VoteCast,
    DemonstrationGiven,
    ExchangeForgotten,
)
EXCHANGE = KINDS.index(Exchange)
FORGETTING = frozenset({KINDS.index(MessagesForgotten), KINDS.index(ExchangeForgotten)})

_COLUMNS = [field.name for field in fields(Exchange) if field.name != "input"]
_exchange_values = attrgetter(*_COLUMNS)
_required_values = attrgetter("id", "timestamp", "model_type", "success", "latency_ms")
_message_values = attrgetter(*(field.name for field in fields(ChatMessage)))
_names = {kind: [field.name for field in fields(kind)] for kind in KINDS}
_encode = msgspec.json.encode
_decode = msgspec.json.decode


def encode(operation: Operation) -> tuple[int, bytes]:
    """Its kind's number, and its values as a JSON list in the order of its fields.

    An exchange's `input` comes last. Raises UnstorableError for a value that no file would take.
    """
    try:
        if isinstance(operation, Exchange):
            values: tuple[Any, ...] = _exchange_values(operation)
            body = _encode((*values, [_message_values(message) for message in operation.input]))
        else:
            names = _names[type(operation)]
            values = tuple([getattr(operation, name) for name in names])
            body = _encode(values)
    except UnicodeError:
        # Its own text would quote what somebody said.
        raise UnstorableError("A text is no valid Unicode.") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UnstorableError(f"It cannot be written down ({type(error).__name__}).") from None
    if isinstance(operation, Exchange):
        required = _required_values(operation)
        # What is no number would be written down as none.
        if None in required or operation.latency_ms != operation.latency_ms:
            raise UnstorableError("A value is missing.")
    for value in values:
        # `type`, as this is on the way of every exchange: a bool is never too large.
        if type(value) is int and not -LARGEST <= value < LARGEST:
            raise UnstorableError("A number is too large.")
    return KINDS.index(type(operation)), body


def decode(kind: int, body: bytes) -> Operation:
    """The operation that `encode` took apart."""
    values: list[Any] = _decode(body)
    if kind == EXCHANGE:
        by_name = dict(zip(_COLUMNS, values, strict=False))
        messages = tuple(ChatMessage(*message) for message in values[-1])
        return Exchange(**by_name, input=messages)
    make: Callable[..., Operation] = KINDS[kind]
    return make(*(tuple(value) if isinstance(value, list) else value for value in values))
