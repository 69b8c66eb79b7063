import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.intents import IntentMatcher
from bot.agent.intents.gate import make_gate

GATE = make_gate([("custom", "reasoning"), ("reasoning",), ("lamp",)])


@pytest.mark.parametrize(
    "text", ["Enable CUSTOM REASONING", "the lamp", "resonning", "reaosning", "reasonign"]
)
def test_names_and_their_slips_pass(text: str) -> None:
    assert GATE(text)


@pytest.mark.parametrize(
    "text", ["", "lol nice", "did you see the game last night?", "turn it on", "a season in rome"]
)
def test_ordinary_talk_does_not(text: str) -> None:
    assert not GATE(text)


@given(st.data())
def test_any_single_slip_in_a_long_name_passes(data: st.DataObject) -> None:
    word = "reasoning"
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    slips = [
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    ]
    for slip in slips:
        assert GATE(f"enable custom {slip}"), slip


def test_accents_may_be_left_out(matcher: IntentMatcher) -> None:
    assert matcher.might_match("ative o raciocinio personalizado")
    assert matcher.might_match("カスタム推論")
