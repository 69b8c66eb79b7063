"""What can be done to a world's records, as values, and as the bytes that wait in the inbox."""

from collections.abc import Iterable
from enum import StrEnum
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, fields

from bot.store.problems import UnstorableError
from bot.store.records import LARGEST, MESSAGE, Exchange, World

TOO_LARGE = "A number is too large."


class ReplyAttached(Struct, frozen=True, array_like=True):
    """These Discord messages, in order, carry the output of an exchange."""

    exchange_id: int
    message_ids: tuple[int, ...]


class TextEdited(Struct, frozen=True, array_like=True):
    """A member edited a message at `timestamp`."""

    message_id: int
    content: str
    timestamp: int


class MessagesForgotten(Struct, frozen=True, array_like=True):
    """Messages are gone in Discord: their texts go, and the outputs that they carried."""

    message_ids: tuple[int, ...]


class VoteCast(Struct, frozen=True, array_like=True):
    """A person's vote on an answer, by a message that carries it: 1, -1, or 0 to take it back.

    With `withdrawn` only a vote of that value is taken back, any other stands; one that is cast
    takes the place of any.
    """

    message_id: int
    user_id: int
    value: int
    timestamp: int
    withdrawn: int | None = None


class DemonstrationGiven(Struct, frozen=True, array_like=True):
    """What a person would rather have read, by a message that carries the answer."""

    message_id: int
    user_id: int
    content: str
    timestamp: int


class ExchangeForgotten(Struct, frozen=True, array_like=True):
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

Entry = tuple[World, int, bytes]
"""An operation on a world, as it is on its way there: the world, and what `encode` gives."""

KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}

_encode = msgspec.msgpack.Encoder().encode
_decoders = [msgspec.msgpack.Decoder(kind) for kind in KINDS]
# Earlier versions wrote JSON, and an inbox may be older than the bot that drains it.
_json_decoders = [msgspec.json.Decoder(kind) for kind in KINDS]
JSON_LIST = b"["
LATENCY = Exchange.__struct_fields__.index("latency_ms")
# An exchange's values, of its own types: MessagePack with a byte changed is often something else
# that can be read. 5.0 will do for 5. Its messages are left as they are.
_VALUES = tuple.__class_getitem__(
    (*(field.type for field in fields(Exchange)[:-1]), list[msgspec.Raw])
)
_values_decoder = msgspec.msgpack.Decoder(_VALUES, strict=False)
_json_values_decoder = msgspec.json.Decoder(_VALUES, strict=False)
_message_decoder = msgspec.msgpack.Decoder(MESSAGE, strict=False)
_json_message_decoder = msgspec.json.Decoder(MESSAGE, strict=False)


def encode(operation: Operation) -> tuple[int, bytes]:
    """Its kind's number, and its values as a MessagePack array in the order of its fields.

    Raises UnstorableError for a value that no file would take.
    """
    try:
        body = _encode(operation)
        if isinstance(operation, Exchange):
            check(operation, body)
        elif not (isinstance(operation, ReplyAttached) and are_ids(operation)):
            # Rare, and small: by its types, as whoever reads it will.
            values = astuple(decode(KIND_NUMBERS[type(operation)], body))
            for some in (values, *(value for value in values if isinstance(value, tuple))):
                check_numbers(some)
    except UnicodeError:
        # Its own text would quote what somebody said.
        raise UnstorableError("A text is no valid Unicode.") from None
    except msgspec.ValidationError as error:
        # It says types and places, and no value.
        raise UnstorableError(f"A value is of a wrong type ({error}).") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UnstorableError(f"It cannot be written down ({type(error).__name__}).") from None
    return KIND_NUMBERS[type(operation)], body


def are_ids(reply: ReplyAttached) -> bool:
    """Whether it has plain ids alone. Cheaper than reading it: as many come as exchanges do."""
    if reply.message_ids.__class__ is not tuple:
        return False
    for number in (reply.exchange_id, *reply.message_ids):
        if not (number.__class__ is int and number < LARGEST):
            return False
    return True


def check(exchange: Exchange, body: bytes) -> None:
    """Raises UnstorableError or ValueError where a value is none that a file takes.

    Of what `input` holds nothing is said: messages are checked where they are made.
    """
    # fmt: off
    (
        exchange_id, timestamp, room_id, user_id, message_id, model_type, provider, model,
        output, reasoning, finish_reason, success, error, fallback_from, fallback_reason,
        latency_ms, first_token_ms, prompt_tokens, completion_tokens, messages,
    ) = astuple(exchange)
    # fmt: on
    # Flat, and by class: this is on every exchange's way. Smaller than the smallest cannot be
    # encoded.
    if not (
        (exchange_id.__class__ is int and exchange_id < LARGEST)
        and (timestamp.__class__ is int and timestamp < LARGEST)
        and (room_id is None or (room_id.__class__ is int and room_id < LARGEST))
        and (user_id is None or (user_id.__class__ is int and user_id < LARGEST))
        and (message_id is None or (message_id.__class__ is int and message_id < LARGEST))
        and (model_type.__class__ is str or isinstance(model_type, StrEnum))
        and (provider is None or provider.__class__ is str)
        and (model is None or model.__class__ is str)
        and (output is None or output.__class__ is str)
        and (reasoning is None or reasoning.__class__ is str)
        and (finish_reason is None or finish_reason.__class__ is str)
        and success.__class__ is bool
        and (error is None or error.__class__ is str)
        and (fallback_from is None or fallback_from.__class__ is str)
        and (fallback_reason is None or fallback_reason.__class__ is str)
        and (latency_ms.__class__ is float and isfinite(latency_ms))
        and (
            first_token_ms is None
            or (first_token_ms.__class__ is float and isfinite(first_token_ms))
        )
        and (prompt_tokens is None or (prompt_tokens.__class__ is int and prompt_tokens < LARGEST))
        and (
            completion_tokens is None
            or (completion_tokens.__class__ is int and completion_tokens < LARGEST)
        )
        and messages.__class__ is tuple
    ):
        # 5.0 will do for 5: as whoever reads it will.
        values = _values_decoder.decode(body)
        check_durations(values[LATENCY], values[LATENCY + 1])
        check_numbers(values)


def check_durations(latency_ms: float, first_token_ms: float | None) -> None:
    """Raises UnstorableError for one that is no finite number."""
    if not (isfinite(latency_ms) and isfinite(first_token_ms or 0)):
        raise UnstorableError("A duration is no number.")


def check_numbers(values: Iterable[object]) -> None:
    """Raises UnstorableError for one that SQLite's integers cannot hold."""
    for value in values:
        if isinstance(value, int) and value >= LARGEST:
            raise UnstorableError(TOO_LARGE)


def decode(kind: int, body: bytes) -> Operation:
    """The operation that `encode` took apart. Raises ValueError for what is none."""
    decoders = _json_decoders if body[:1] == JSON_LIST else _decoders
    return decoders[kind].decode(body)


class ExchangeReader:
    """Reads exchanges back as plain values. A message that many of them quote is read once.

    `said` has each such message, as a tuple of values, in the order in which they came up.
    """

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self._places: dict[bytes, int] = {}

    def read(self, body: bytes) -> tuple[Any, ...]:
        """The values in the order of the fields; of the input, the messages' places in `said`.

        Raises ValueError for what is none, UnstorableError for what never was one.
        """
        is_json = body[:1] == JSON_LIST
        values = (_json_values_decoder if is_json else _values_decoder).decode(body)
        check_durations(values[LATENCY], values[LATENCY + 1])
        quoted = []
        for raw in map(bytes, values[-1]):
            place = self._places.get(raw)
            if place is None:
                decode_message = (_json_message_decoder if is_json else _message_decoder).decode
                self.said.append(decode_message(raw))
                place = self._places[raw] = len(self.said) - 1
            quoted.append(place)
        return (*values[:-1], quoted)
