"""Long answers in parts: nothing lost, nothing too long, no code block torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.front.splitting import FENCE, LIMIT, split_message

PIECES = ["```", "```py\n", "\n", "\n\n", " ", "a", "word", "`", "``", "x" * 30, "```\n"]
texts = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)
limits = st.integers(40, 100)


def characters(text: str) -> list[str]:
    """What is to be read: all but fences and white space."""
    return [character for character in text if character not in "` \n"]


@given(texts, limits)
def test_no_part_is_too_long_and_no_fence_is_left_open(text: str, limit: int) -> None:
    for part in split_message(text, limit):
        assert len(part) <= limit
        assert len(FENCE.findall(part)) % 2 == 0


@given(texts, limits)
def test_nothing_is_lost_and_nothing_changes_places(text: str, limit: int) -> None:
    """What a part begins with again (the language of its code) may come on top."""
    shown = iter(characters("".join(split_message(text, limit))))
    assert all(character in shown for character in characters(text))


@given(texts, limits, st.integers(0, 400))
def test_a_growing_text_leaves_finished_parts_alone(text: str, limit: int, cut: int) -> None:
    """So that a stream never edits a message that it has filled."""
    earlier = split_message(text[:cut], limit)
    assert split_message(text, limit)[: len(earlier) - 1] == earlier[:-1]


def test_it_cuts_at_a_paragraph_then_a_line_then_a_word() -> None:
    for boundary in ("\n\n", "\n", " "):
        first, second = split_message("a" * 1500 + boundary + "b" * 1500)
        assert (first.strip(), second.strip()) == ("a" * 1500, "b" * 1500)
    assert [len(part) for part in split_message("a" * 3000)] == [LIMIT - 4, 1004]


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"line {number}" for number in range(400))
    first, *_, last = split_message(f"Look:\n```python\n{code}\n```\nDone.")
    assert first.startswith("Look:\n```python\n")
    assert first.endswith("\n```")
    assert last.startswith("```python\n")
    assert last.endswith("\n```\nDone.")


@pytest.mark.parametrize("unit", ["`", "```", "```a", "```a\n", "`a", "a", "\n", " "])
def test_a_hostile_text_makes_no_more_messages_than_it_must(unit: str) -> None:
    text = unit * 20_000
    assert len(split_message(text)) <= 2 * len(text) / (LIMIT - 50) + 2


def test_a_short_text_stays_as_it_is() -> None:
    assert split_message("hello") == ["hello"]
    assert split_message("") == [""]
    assert split_message("```\nopen") == ["```\nopen\n```"]
