"""What a batch quotes is read once, and comes out as if each quote had been read by itself."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.store.exchange_rows import COLUMNS, TIMESTAMP, all_readings, last_readings
from bot.store.message_rows import newest_of

# Few of each, so that versions meet, and are read again later, earlier and at the same time.
QUOTES = st.tuples(
    st.sampled_from(["user", "assistant"]),
    st.sampled_from(["a", "b", "c"]),
    st.none() | st.just("ben"),
    st.sampled_from([None, 1, 2]),
    st.none() | st.just(9),
    st.booleans(),
    st.sampled_from([None, 7, 8]),
)
READINGS = st.lists(st.tuples(st.integers(0, 3), st.lists(QUOTES, max_size=3)), max_size=6)


@given(READINGS)
def test_the_last_of_equal_readings_tells_what_all_of_them_do(
    readings: Sequence[tuple[int, list[tuple[Any, ...]]]],
) -> None:
    rows = []
    places: dict[tuple[Any, ...], int] = {}
    for timestamp, quotes in readings:
        values: list[Any] = [None] * len(COLUMNS)
        values[TIMESTAMP] = timestamp
        rows.append((*values, [places.setdefault(quote, len(places)) for quote in quotes]))
    said = list(places)
    assert newest_of(last_readings(rows, said)) == newest_of(all_readings(rows, said))
