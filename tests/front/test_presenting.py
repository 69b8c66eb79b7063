"""Tables and formulas as code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.front.presenting import presentable
from bot.front.streamed_reply import parts_of

TABLE = "| name | n |\n|---|---:|\n| a | 1 |\n| 猫 | 22 |"


def test_a_table_becomes_a_code_block_with_columns_in_line() -> None:
    shown = presentable(f"Here:\n\n{TABLE}\n\nDone.")
    assert shown == ("Here:\n\n```\nname | n\n-----+---\na    | 1\n猫   | 22\n```\n\nDone.")


def test_a_table_too_wide_to_line_up_is_left_as_it_is_in_a_code_block() -> None:
    wide = f"| a | b |\n|---|---|\n| {'x' * 120} | y |"
    assert presentable(wide) == f"```\n{wide}\n```"


@pytest.mark.parametrize(
    "text",
    [
        "a | b is no table",
        "```\n" + TABLE + "\n```",
        "```python\nx = a | b\n--|--\n",
        "it costs $5, or $6_000 with tax",
        "`$x_1$` and `\\(y\\)`",
        "||spoiler||\n---",
        "a plain text",
    ],
)
def test_what_is_no_table_and_no_formula_or_code_already_is_left(text: str) -> None:
    assert presentable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("so \\(a_1 * b_1\\) is", "so `a_1 * b_1` is"),
        ("so $x^2$ is", "so `x^2` is"),
        ("$$\nE = mc^2\n$$", "```latex\nE = mc^2\n```"),
        ("so \\[ \\frac{1}{2} \\] is", "so \n```latex\n\\frac{1}{2}\n```\n is"),
    ],
)
def test_formulas_are_code(text: str, shown: str) -> None:
    assert presentable(text) == shown


MARKUP = st.text(st.sampled_from("ab|-:$\\()[]_^`~ \n"), max_size=120)


@given(MARKUP)
def test_nothing_that_was_said_is_lost(text: str) -> None:
    letters = [sign for sign in text if sign in "ab"]
    shown = [sign for sign in presentable(text).replace("```latex", "") if sign in "ab"]
    assert shown == letters


@given(MARKUP)
def test_what_is_presented_fits_into_messages(text: str) -> None:
    assert all(len(part) <= 2000 for part in parts_of(text * 40))
