"""What goes over the link and into the inbox comes out of it as it was."""

import contextlib
import math
import socket
import sqlite3
from enum import IntEnum, StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from bot.store import operations
from bot.store.applying import read_back_row
from bot.store.exchange_rows import COLUMNS
from bot.store.frames import (
    HEADER,
    Frame,
    Unpacker,
    decode_entries,
    encode_entries,
    pack,
)
from bot.store.frames import (
    OPERATIONS as OPERATIONS_FRAME,
)
from bot.store.operations import (
    KINDS,
    DemonstrationGiven,
    Entry,
    ExchangeReader,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    check_numbers,
    decode,
    encode,
)
from bot.store.problems import UnstorableError
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from bot.store.writer import Incoming
from tests.store.loading import exchange

IDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
REALS = st.floats(allow_nan=False, allow_infinity=False)
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(["system", "user", "assistant"]),
    content=TEXTS,
    name=st.none() | TEXTS,
    message_id=st.none() | IDS,
    author_id=st.none() | IDS,
    withheld=st.booleans(),
)
MAYBE_TEXT, MAYBE_ID = st.none() | TEXTS, st.none() | IDS
EXCHANGES = st.builds(
    Exchange,
    **dict.fromkeys(("id", "timestamp"), IDS),
    **dict.fromkeys(("room_id", "user_id", "message_id"), MAYBE_ID),
    **dict.fromkeys(("prompt_tokens", "completion_tokens"), MAYBE_ID),
    **dict.fromkeys(("provider", "model", "output", "reasoning", "error"), MAYBE_TEXT),
    **dict.fromkeys(("finish_reason", "fallback_from", "fallback_reason"), MAYBE_TEXT),
    model_type=TEXTS,
    input=st.lists(MESSAGES, max_size=4).map(tuple),
    success=st.booleans(),
    latency_ms=REALS,
    first_token_ms=st.none() | REALS,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "message_ids": st.lists(IDS, max_size=4).map(tuple),
    "content": TEXTS,
    "value": st.sampled_from([-1, 0, 1]),
    "withdrawn": st.sampled_from([None, -1, 1]),
}
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    EXCHANGES,
    *(
        st.builds(kind, **{name: FIELDS.get(name, IDS) for name in kind.__struct_fields__})
        for kind in KINDS
        if kind is not Exchange
    ),
)
WORLDS = st.none() | st.builds(World, kind=st.sampled_from(list(WorldKind)), id=IDS)
EXCHANGE_NUMBERS = [
    *("id", "timestamp", "room_id", "user_id", "message_id", "prompt_tokens", "completion_tokens")
]
NUMBERS = [*EXCHANGE_NUMBERS, "latency_ms", "first_token_ms"]
FRAMES = st.lists(st.tuples(st.integers(0, 255), WORLDS, st.binary(max_size=40)), max_size=8)


@given(OPERATIONS)
def test_an_operation_comes_out_as_it_went_in(operation: Operation) -> None:
    kind, body = encode(operation)
    assert KINDS[kind] is type(operation)
    assert decode(kind, body) == operation


@given(OPERATIONS)
def test_what_an_earlier_version_left_in_the_inbox_is_read(operation: Operation) -> None:
    """It wrote JSON."""
    kind, body = encode(operation)
    earlier = msgspec.json.encode(operation)
    assert decode(kind, earlier) == operation
    if isinstance(operation, Exchange):
        reader = ExchangeReader()
        assert read_whole(reader, earlier) == read_whole(reader, body) == whole(operation)


@given(st.integers(0, len(KINDS) - 1), st.binary(max_size=60))
def test_what_is_no_operation_is_refused(kind: int, body: bytes) -> None:
    for read in (lambda: decode(kind, body), lambda: ExchangeReader().read(body)):
        with contextlib.suppress(ValueError, UnstorableError):
            read()


@given(st.integers(0, len(COLUMNS) - 1), st.sampled_from([b"x", [], {}, [[1]], 1.5, math.nan]))
def test_an_exchange_with_a_value_of_another_kind_is_refused(place: int, value: object) -> None:
    """As a byte that is another one makes of it: still MessagePack, and nothing a file takes."""
    _, body = encode(exchange(1, 1))
    values = msgspec.msgpack.decode(body)
    assume(not (COLUMNS[place] in ("latency_ms", "first_token_ms") and value == 1.5))
    values[place] = value
    with pytest.raises(sqlite3.DataError):
        read_back_row(ExchangeReader(), msgspec.msgpack.encode(values))


@given(
    st.sampled_from(COLUMNS),
    st.sampled_from([b"x", b"", "x", "", "5", 1.5, 5.0, 0.0, 5, 0, True, False, None])
    | st.sampled_from([[], (5,), {}, 2**63, -(2**63), 10**400, math.nan, math.inf, object()]),
)
def test_what_is_taken_of_an_exchange_is_read(field: str, value: object) -> None:
    """What is not is refused at once: it would be said to be kept, and then be lost."""
    with contextlib.suppress(UnstorableError):
        _, body = encode(replace(exchange(1, 1), **{field: value}))
        values = read_back_row(ExchangeReader(), body)
        check_numbers(values)
        assert values[COLUMNS.index(field)] == (5 if value == "5" and field in NUMBERS else value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", 1.5), ("user_id", True), ("model", b"gpt"), ("provider", 5), ("success", "x")],
)
def test_a_value_of_a_wrong_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(UnstorableError, match="wrong type"):
        encode(replace(exchange(1, 1), **{field: value}))


def test_an_exchange_is_read_though_a_number_of_it_is_written_as_another_kind() -> None:
    """A model's plugin may count in floats: what was kept on that account is not lost."""
    quoted = ChatMessage("user", "null", "true", 1, 9, withheld=1)  # type: ignore[arg-type]
    odd = replace(exchange(1, 1), success=1, prompt_tokens=5.0, output="5", input=(quoted,))
    expected = whole(replace(odd, success=True, prompt_tokens=5))
    assert read_whole(ExchangeReader(), encode(odd)[1]) == expected


def read_whole(reader: ExchangeReader, body: bytes) -> tuple[Any, ...]:
    *values, places = reader.read(body)
    return (*values, [reader.said[place] for place in places])


def whole(exchange: Exchange) -> tuple[Any, ...]:
    return (*astuple(exchange)[:-1], [astuple(message) for message in exchange.input])


def test_the_columns_are_an_exchange_s_fields_in_order() -> None:
    """The drain puts the values into the columns without looking at their names."""
    assert (*COLUMNS, "input") == Exchange.__struct_fields__


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_that_no_file_takes_is_refused(number: int) -> None:
    with pytest.raises(UnstorableError):
        encode(KINDS[-1](number))  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
@pytest.mark.parametrize("field", EXCHANGE_NUMBERS)
def test_no_number_of_an_exchange_may_be_too_large(field: str, number: int) -> None:
    with pytest.raises(UnstorableError):
        encode(replace(exchange(1, 1), **{field: number}))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, None])
def test_a_latency_that_is_no_number_is_refused(number: float | None) -> None:
    with pytest.raises(UnstorableError):
        encode(replace(exchange(1, 1), latency_ms=number))
    if number is not None:
        with pytest.raises(UnstorableError):
            encode(replace(exchange(1, 1), first_token_ms=number))


@pytest.mark.parametrize("number", [2**63, 10**30, "5", 1.5, 5.0, True, None])
def test_no_id_within_a_list_may_be_what_no_file_takes(number: int) -> None:
    for operation in (ReplyAttached(5, (6, number)), MessagesForgotten((6, number))):
        with pytest.raises(UnstorableError):
            encode(operation)


class Purpose(StrEnum):
    PLANNING = "planning"


def test_what_every_exchange_has_need_not_be_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes as long again, and the bot gives the purpose as a value of an enumeration."""
    monkeypatch.delattr(operations, "_values_decoder")
    assert encode(replace(exchange(1, 1), model_type=Purpose.PLANNING))[1]


class Id(IntEnum):
    ONE = 6


def test_a_number_of_a_class_of_its_own_is_an_id() -> None:
    kind, body = encode(ReplyAttached(5, (Id.ONE,)))
    assert decode(kind, body) == ReplyAttached(5, (6,))


@pytest.mark.parametrize("values", [None, "", b"", {}, 5])
def test_what_is_no_list_is_refused(values: object) -> None:
    given: Any = values
    for operation in (ReplyAttached(5, given), replace(exchange(1, 1), input=given)):
        with pytest.raises(UnstorableError):
            encode(operation)


def test_a_change_without_its_text_is_refused() -> None:
    nothing: Any = None
    for operation in (TextEdited(5, nothing, 6), DemonstrationGiven(5, 6, nothing, 7)):
        with pytest.raises(UnstorableError):
            encode(operation)


@pytest.mark.parametrize(
    "values",
    [
        {"content": None},
        {"content": b"bytes"},
        {"role": None},
        {"name": 5},
        {"message_id": 2**63},
        {"author_id": 10**30},
        {"subject_id": 2**63},
        {"message_id": "5"},
        {"message_id": 1.5},
        {"author_id": True},
        {"subject_id": b"5"},
        {"withheld": None},
        {"withheld": 5},
    ],
)
def test_a_message_that_no_file_takes_cannot_be_made(values: dict[str, Any]) -> None:
    """It would be said to be kept, and then be lost: a batch is too late to find it."""
    with pytest.raises((TypeError, ValueError)):
        ChatMessage(**{"role": "user", "content": "hello"} | values)
    with pytest.raises((TypeError, ValueError)):
        replace(ChatMessage("user", "hello"), **values)


@given(st.lists(st.tuples(WORLDS.filter(bool), st.integers(0, 255), st.binary(max_size=40))))
def test_operations_come_out_of_a_frame_as_they_went_in(entries: list[Entry]) -> None:
    [(kind, world, body)] = Unpacker().unpack(pack(OPERATIONS_FRAME, None, encode_entries(entries)))
    assert (kind, world) == (OPERATIONS_FRAME, None)
    assert decode_entries(body) == entries


@given(FRAMES, st.lists(st.integers(min_value=1, max_value=60), max_size=6))
def test_the_writer_takes_what_was_sent_up_to_the_end(
    frames: list[tuple[int, World | None, bytes]], sizes: list[int]
) -> None:
    data = b"".join(pack(*frame) for frame in frames)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        incoming, found, start = Incoming(theirs), list[Frame](), 0
        for size in sizes:
            ours.sendall(data[start : start + size])
            start += size
            while len(found) < len(Unpacker().unpack(data[:start])):
                found += incoming.take()
        ours.sendall(data[start:])
        ours.shutdown(socket.SHUT_WR)
        while more := incoming.take():
            found += more
    assert found == frames


@given(FRAMES, st.lists(st.integers(min_value=0, max_value=400), max_size=12))
def test_frames_come_out_whole_however_the_bytes_are_cut(
    frames: list[tuple[int, World | None, bytes]], cuts: list[int]
) -> None:
    data = b"".join(pack(*frame) for frame in frames)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    unpacker, start = Unpacker(), 0
    found: list[Frame] = []
    for end in ends:
        found += unpacker.unpack(data[start:end])
        start = end
    assert found == frames
    # A header alone is no frame.
    assert not list(unpacker.unpack(pack(*(frames or [(1, None, b"x")])[0])[: HEADER.size - 1]))
