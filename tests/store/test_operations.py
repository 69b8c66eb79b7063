"""What goes over the link and into the inbox comes out of it as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.exchange_rows import COLUMNS
from bot.store.frames import HEADER, Frame, Unpacker, pack
from bot.store.operations import KINDS, Operation, decode, encode
from bot.store.problems import UnstorableError
from bot.store.records import ChatMessage, Exchange, World, WorldKind

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
FRAMES = st.lists(st.tuples(st.integers(0, 255), WORLDS, st.binary(max_size=40)), max_size=8)


@given(OPERATIONS)
def test_an_operation_comes_out_as_it_went_in(operation: Operation) -> None:
    kind, body = encode(operation)
    assert KINDS[kind] is type(operation)
    assert decode(kind, body) == operation


def test_the_columns_are_an_exchange_s_fields_in_order() -> None:
    """The drain puts the values into the columns without looking at their names."""
    assert (*COLUMNS, "input") == Exchange.__struct_fields__


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_that_no_file_takes_is_refused(number: int) -> None:
    with pytest.raises(UnstorableError):
        encode(KINDS[-1](number))  # type: ignore[call-arg, arg-type]


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
