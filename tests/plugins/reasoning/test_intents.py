import pytest

from bot.agent.intents import IntentMatcher, Outcome
from plugins.reasoning.intents import INTENTS


@pytest.fixture(scope="module")
def matcher() -> IntentMatcher:
    return IntentMatcher(INTENTS)


@pytest.mark.parametrize(
    ("label", "phrase"),
    [
        *(("enable", f"{verb} custom reasoning") for verb in ("enable", "activate", "start")),
        ("enable", "turn on reasoning"),
        ("enable", "turn on custom reasoning"),
        *(("disable", f"{verb} custom reasoning") for verb in ("disable", "deactivate", "stop")),
        ("disable", "turn off reasoning"),
        ("disable", "turn off custom reasoning"),
        ("status", "reasoning status"),
        ("status", "custom reasoning status"),
        ("status", "check reasoning"),
        ("enable", "enable the reasoning service"),
        ("disable", "stop the reasoning service"),
        ("enable", "enable fine-tuned reasoning"),
    ],
)
def test_the_phrases_of_the_contract_work(matcher: IntentMatcher, label: str, phrase: str) -> None:
    match = matcher.match(phrase, addressed=True)
    assert match.outcome is Outcome.ACT
    assert match.action is not None
    assert INTENTS[match.action].label == label


@pytest.mark.parametrize(
    "phrase",
    ["don't enable custom reasoning", "how do I disable custom reasoning?",
     "restart custom reasoning", "reactivation of custom reasoning", "start training"],
)  # fmt: skip
def test_what_the_original_got_wrong(matcher: IntentMatcher, phrase: str) -> None:
    assert matcher.match(phrase, addressed=True).outcome is Outcome.NONE


def test_every_action_has_a_label_of_its_own() -> None:
    assert sorted(intent.label for intent in INTENTS.values()) == ["disable", "enable", "status"]
