import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.intents import IntentMatcher, Outcome
from bot.agent.intents.spelling import Spelling, distance

SPELLING = Spelling(
    {
        "activate": "on",
        "deactivate": "off",
        "enable": "on",
        "disable": "off",
        "start": "on",
        "custom": "",
        "reasoning": "",
    },
    frozenset(("custom", "reasoning")),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("enabel", "enable"),
        ("enalbe", "enable"),
        ("disble", "disable"),
        ("deactivte", "deactivate"),
        ("strat", "start"),
        ("resonning", "reasoning"),
        ("costum", "custom"),
        ("raisoning", "reasoning"),
        ("stsrt", "start"),
        ("xtart", None),
        ("stbrt", None),
        ("dactivate", None),
        ("dsable", None),
        ("eactivate", None),
        ("enables", None),
        ("enabled", None),
        ("stare", None),
        ("", None),
        ("reason", None),
    ],
)
def test_only_clear_slips_are_repaired(typed: str, meant: str | None) -> None:
    assert SPELLING.repair(typed) == meant


@pytest.mark.parametrize(
    "text",
    ["dactivate custom reasoning", "unable custom reasoning", "enables custom reasoning",
     "turn on custom seasoning", "dsable custom reasoning"],
)  # fmt: skip
def test_what_could_be_its_opposite_or_another_word_never_acts(
    matcher: IntentMatcher, text: str
) -> None:
    assert matcher.match(text, addressed=True).outcome is not Outcome.ACT


@given(st.text("abcde", max_size=7), st.text("abcde", max_size=7))
def test_distance_is_symmetric_and_bounded(left: str, right: str) -> None:
    edits = distance(left, right)
    assert edits == distance(right, left)
    assert abs(len(left) - len(right)) <= edits <= max(len(left), len(right))
    assert (edits == 0) == (left == right)


@given(st.text("abcde", min_size=2, max_size=7), st.data())
def test_a_swap_of_neighbours_is_one_edit(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert distance(word, swapped) <= 1


def test_no_slip_turns_a_verb_into_its_opposite(matcher: IntentMatcher) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for verb, label in (("enable", "enable"), ("disable", "disable"), ("stop", "disable")):
        for at in range(len(verb)):
            slips = [verb[:at] + verb[at + 1 :], verb[: at + 1] + verb[at:]]
            slips += [verb[:at] + letter + verb[at + 1 :] for letter in letters]
            for slip in slips:
                match = matcher.match(f"{slip} custom reasoning", addressed=True)
                found = matcher.intents[match.action].label if match.action else "none"
                assert found in ("none", "status", label), slip
