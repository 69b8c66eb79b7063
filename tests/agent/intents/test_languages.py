import pytest

from bot.agent.intents import (
    IntentMatcher,
    Language,
    LanguageError,
    Outcome,
)
from bot.agent.intents.grammar import Grammar
from bot.agent.intents.language import phrases, read_language
from plugins.reasoning.intents import INTENTS

ENABLE, DISABLE = "ENABLE_REASONING_SERVICE", "DISABLE_REASONING_SERVICE"
STATUS = "CHECK_REASONING_STATUS"


def test_the_shipped_languages(languages: dict[str, Language]) -> None:
    assert list(languages) == ["en", "de", "es", "fr", "ja", "pt"]


@pytest.mark.parametrize("code", ["en", "de", "es", "fr", "ja", "pt"])
def test_every_language_has_its_examples_understood(matcher: IntentMatcher, code: str) -> None:
    for action, intent in INTENTS.items():
        for example in intent.examples[code]:
            match = matcher.match(example, addressed=True)
            assert (match.outcome, match.action) == (Outcome.ACT, action), example


@pytest.mark.parametrize(
    ("command", "negation"),
    [
        ("schalte custom reasoning aus", "schalte custom reasoning nicht aus"),
        ("aktiviere custom reasoning", "aktiviere custom reasoning nicht"),
        ("désactive le raisonnement personnalisé", "ne désactive pas le raisonnement personnalisé"),
        ("active le raisonnement personnalisé", "n’active pas le raisonnement personnalisé"),
        ("desactiva el razonamiento personalizado", "no desactives el razonamiento personalizado"),
        ("desligue o raciocínio personalizado", "não desligue o raciocínio personalizado"),
        ("カスタム推論を有効にして", "カスタム推論を有効にしないで"),
        ("カスタム推論を止めて", "カスタム推論を止めないで"),
    ],
)
def test_negations_never_act(matcher: IntentMatcher, command: str, negation: str) -> None:
    assert matcher.match(command, addressed=False).outcome is Outcome.ACT
    assert matcher.match(negation, addressed=True).outcome is Outcome.NONE


def test_a_line_of_alternatives_is_spelled_out() -> None:
    assert set(phrases("turn/switch it/_ on")) == {
        ("turn", "it", "on"),
        ("turn", "on"),
        ("switch", "it", "on"),
        ("switch", "on"),
    }


MADE_UP = """
[words]
not = ["nej"]
[states.on]
set = ["tænd"]
[states.off]
set = ["sluk"]
[parts]
name_alone = "object"
[[rules]]
kind = "command"
level = "alone"
read = ["set object"]
"""


def test_a_language_is_one_file(languages: dict[str, Language]) -> None:
    made_up = read_language("xx", MADE_UP)
    matcher = IntentMatcher(INTENTS, {**languages, "xx": made_up})
    assert matcher.match("sluk custom reasoning", addressed=True).action == DISABLE
    assert matcher.match("sluk nej custom reasoning", addressed=True).action is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[words]", "[words"), "xx"),
        (('level = "alone"', 'level = "loud"'), "level"),
        (("set object", "set object;"), "cannot read"),
        (("set object", "sett object"), "no class 'sett'"),
        (('"sluk"', '"tænd"'), "both on and off"),
        (('"object"', '"name_alone"'), "circles"),
    ],
)
def test_a_wrong_file_says_where(change: tuple[str, str], said: str) -> None:
    with pytest.raises(LanguageError, match=said) as error:
        Grammar(read_language("xx", MADE_UP.replace(*change, 1)))
    assert "xx" in str(error.value)
