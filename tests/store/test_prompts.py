"""What is stored of a prompt is what was quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.problems import StoreError
from bot.store.prompts import Reference, quoted_by, read_prompt, write_prompt

NUMBERS = st.integers(-(2**40), 2**40) | st.integers(-(2**62), 2**62)
REFERENCES = st.lists(NUMBERS | st.tuples(NUMBERS, st.sampled_from(["user", "assistant"])))


@given(references=REFERENCES)
def test_what_is_written_is_read(references: list[Reference]) -> None:
    prompt = write_prompt(references)
    assert read_prompt(prompt) == references
    assert quoted_by([prompt]) == {one if isinstance(one, int) else one[0] for one in references}


def test_a_context_that_follows_another_takes_few_bytes() -> None:
    assert write_prompt([-1, 1_000_001, 1_000_002, (1_000_004, "user")]) == (
        '[-1,1000002,1,[2,"user"]]'
    )


LARGE = 2**63 - 1
DAMAGED = (
    *("", "[1,", "{}", '["1"]', "[1.5]", "[[1]]", "[null]", "7", "[1e3]", "[1e400]"),
    # SQLite's integers cannot hold these, or what they add up to.
    *(f"[{LARGE + 1}]", f"[{-LARGE - 1}]", f"[{10**30}]", f"[{LARGE},1]", f"[{LARGE},1,-1]"),
    *(f'[[{LARGE},"user"],[5,"user"]]', f"[{-LARGE},-5]", f"[{LARGE},{-LARGE - 1}]"),
)


@pytest.mark.parametrize("damaged", DAMAGED)
def test_what_is_no_prompt_is_not_read(damaged: str) -> None:
    with pytest.raises(StoreError, match="store repair"):
        read_prompt(damaged)
