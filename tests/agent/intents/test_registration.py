import pytest

from bot.agent.intents import Intent, IntentCollision, IntentMatcher, Kind, Language, Outcome
from plugins.reasoning.intents import INTENTS

MUSIC = ("music player", "music")


def music(**changes: object) -> Intent:
    values: dict[str, object] = {"about": MUSIC, "state": "on", "label": "play", **changes}
    return Intent(**values)  # type: ignore[arg-type]


def test_a_made_up_action_needs_no_code(languages: dict[str, Language]) -> None:
    matcher = IntentMatcher(
        {
            **INTENTS,
            "PLAY_MUSIC": music(verbs={"en": ("blast",), "de": ("dudel",)}),
            "STOP_MUSIC": music(state="off", label="stop"),
            "IS_MUSIC_ON": music(kind=Kind.QUESTION, state=None, label="playing"),
            "ROLL_DICE": Intent(
                about=("dice", "die"),
                state="rolled",
                verbs={"en": ("roll", "throw")},
                examples={"en": ("roll the dice", "gimme a dice number")},
            ),
        },
        languages,
    )
    expected = {
        "turn on the music player": "PLAY_MUSIC",
        "could you please start the music?": "PLAY_MUSIC",
        "blast the music": "PLAY_MUSIC",
        "schalte music ein": "PLAY_MUSIC",
        "stop the music": "STOP_MUSIC",
        "is the music on?": "IS_MUSIC_ON",
        "don't stop the music": None,
        "how do I stop the music?": None,
        "please roll the dice": "ROLL_DICE",
        "throw a die": "ROLL_DICE",
        "gimme a dice number": "ROLL_DICE",
        "turn on the dice": None,
        "roll the music": None,
        "blast custom reasoning": None,
        "enable custom reasoning": "ENABLE_REASONING_SERVICE",
    }
    got = {text: matcher.match(text, addressed=True).action for text in expected}
    assert got == expected


def test_the_same_claim_twice_names_both_utterances(languages: dict[str, Language]) -> None:
    jukebox = music(about=("music",), examples={"en": ("start the music",)})
    with pytest.raises(IntentCollision) as error:
        IntentMatcher({"PLAY_MUSIC": music(), "JUKEBOX": jukebox}, languages)
    assert "'on music player' (PLAY_MUSIC)" in str(error.value)
    assert "'start the music' (JUKEBOX)" in str(error.value)


def test_an_example_that_reads_as_another_action_is_refused(
    languages: dict[str, Language],
) -> None:
    lamp = Intent(about=("lamp",), state="on", examples={"en": ("enable custom reasoning",)})
    with pytest.raises(IntentCollision, match="'enable custom reasoning' is an example of LAMP"):
        IntentMatcher({**INTENTS, "LAMP": lamp}, languages)


def test_a_literal_example_that_two_actions_have_is_refused(languages: dict[str, Language]) -> None:
    one = Intent(about=("lamp",), state="on", examples={"en": ("fiat lux",)})
    two = Intent(about=("sun",), state="on", examples={"en": ("Fiat lux!",)})
    with pytest.raises(IntentCollision, match="iat lux"):
        IntentMatcher({"LAMP": one, "SUN": two}, languages)


def test_a_verb_that_means_something_else_already_is_refused(
    languages: dict[str, Language],
) -> None:
    with pytest.raises(ValueError, match="'not'"):
        IntentMatcher({"PLAY": music(verbs={"en": ("not",)})}, languages)


def test_an_intent_must_say_what_it_is_about_and_what_it_sets() -> None:
    with pytest.raises(ValueError, match="about"):
        music(about=())
    with pytest.raises(ValueError, match="state"):
        music(state=None)


def test_without_intents_nothing_matches_and_no_language_is_read() -> None:
    matcher = IntentMatcher({})
    assert not matcher.might_match("enable custom reasoning")
    assert matcher.match("enable custom reasoning", addressed=True).outcome is Outcome.NONE
    later = matcher.with_intents(INTENTS)
    assert later.match("enable custom reasoning", addressed=True).outcome is Outcome.ACT
