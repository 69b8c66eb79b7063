"""The targets, on labelled messages. What counts is a set that nobody here has seen."""

import json
from pathlib import Path

import pytest

from bot.agent.intents import IntentMatcher, Outcome
from bot.commands.intents import Example, measured, read_examples, summary

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "intents" / "dev.jsonl"
CASES = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))


def _examples(path: Path) -> list[Example]:
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    return list(read_examples(path))


@pytest.mark.parametrize("path", [SHARED, *CASES], ids=lambda path: path.name)
def test_addressed_messages_meet_the_targets(matcher: IntentMatcher, path: Path) -> None:
    results = [measured(matcher, example, addressed=True) for example in _examples(path)]
    totals = summary(results)
    assert totals["wrong"] == 0
    assert totals["act_or_ask"] >= 0.97 * totals["true"]
    assert totals["act"] >= 0.92 * totals["true"]
    assert totals["asked_needlessly"] <= 0.03 * totals["messages"]


@pytest.mark.parametrize("path", [SHARED, *CASES], ids=lambda path: path.name)
def test_unaddressed_messages_only_ever_act_and_never_wrongly(
    matcher: IntentMatcher, path: Path
) -> None:
    results = [measured(matcher, example, addressed=False) for example in _examples(path)]
    assert summary(results)["wrong"] == 0
    assert {result.outcome for result in results} <= {Outcome.ACT, Outcome.NONE}


def test_the_cases_are_labelled_with_what_the_actions_are_called(matcher: IntentMatcher) -> None:
    labels = {intent.label for intent in matcher.intents.values()} | {"none"}
    for path in CASES:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert {line["label"] for line in lines} == labels
