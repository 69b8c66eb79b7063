"""Families of messages that are too open-ended for a list of cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.intents import Intent, IntentMatcher, Kind, Outcome, load_languages
from plugins.reasoning.intents import INTENTS

# One for all examples: hypothesis does not take fixtures of a narrower scope.
MATCHER = IntentMatcher(INTENTS, load_languages())
ENABLE, DISABLE = "ENABLE_REASONING_SERVICE", "DISABLE_REASONING_SERVICE"

STATUS = "CHECK_REASONING_STATUS"

VERBS = {"enable": ENABLE, "turn on": ENABLE, "disable": DISABLE, "turn off": DISABLE}
STATES = {"on": ENABLE, "enabled": ENABLE, "off": DISABLE, "disabled": DISABLE}
TYPED_NEGATIONS = (
    "dont", "don t", "dotn", "dnot", "donr", "odnt", "dnt", "do ont", "d0nt", "don;t", "nver", "no",
    "pls no", "plz not",
)  # fmt: skip
CROWDS = ("people", "mods", "admins", "everyone", "users", "they", "he", "some people")
OWNERS = ("his", "her", "their", "bob's", "someone's", "everybody's")
LOWER = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9)


@pytest.mark.parametrize("negation", TYPED_NEGATIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_negation_with_a_slip_never_acts(negation: str, verb: str) -> None:
    match = MATCHER.match(f"{negation} {verb} custom reasoning", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_others_do_never_acts(crowd: str, verb: str) -> None:
    assert MATCHER.match(f"{crowd} {verb} custom reasoning", addressed=True).outcome is not (
        Outcome.ACT
    )


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_someone_elses_never_acts(owner: str, verb: str) -> None:
    match = MATCHER.match(f"{verb} {owner} custom reasoning", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("negated", ["isn't", "isnt", "is not", "ain't", "wasn't", "is never"])
def test_a_negated_state_is_never_taken_for_the_state(state: str, negated: str) -> None:
    match = MATCHER.match(f"make sure custom reasoning {negated} {state}", addressed=True)
    assert match.action != STATES[state]


@given(before=LOWER, verb=st.sampled_from(sorted(VERBS)), after=LOWER)
def test_unknown_words_never_turn_a_command_into_its_opposite(
    before: str, verb: str, after: str
) -> None:
    match = MATCHER.match(f"{before} {verb} custom reasoning {after}", addressed=True)
    assert match.outcome is not Outcome.ACT or match.action == VERBS[verb]


@pytest.mark.parametrize("sign", "!/$-")
@pytest.mark.parametrize("verb", VERBS)
def test_a_sign_before_a_command_is_read_but_may_be_meant_for_another_bot(
    sign: str, verb: str
) -> None:
    text = f"{sign}{verb} custom reasoning"
    assert MATCHER.match(text, addressed=True).action == VERBS[verb]
    assert MATCHER.match(text, addressed=False).outcome is Outcome.NONE


@pytest.mark.parametrize("choice", ["on/off", "on / off", "on or off", "on and off"])
def test_a_choice_of_states_never_acts(choice: str) -> None:
    match = MATCHER.match(f"turn custom reasoning {choice}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("turncustom reasoning off", DISABLE),
        ("enablecustom reasoning", ENABLE),
        ("turnoff custom reasoning", DISABLE),
        ("turn on custom-reasoning", ENABLE),
        ("custom_reasoning off", DISABLE),
        ("custom reasoning -> off", DISABLE),
    ],
)
def test_missing_spaces_and_arrows_are_understood(text: str, action: str) -> None:
    assert MATCHER.match(text, addressed=True).action == action


@pytest.mark.parametrize("negation", ["don't", "dont", "do not", "never", "please don't"])
@pytest.mark.parametrize(("said", "other"), [("on", "off"), ("off", "on")])
@pytest.mark.parametrize("verb", ["leave", "keep"])
def test_not_to_leave_a_state_asks_for_the_other(
    negation: str, verb: str, said: str, other: str
) -> None:
    text = f"{negation} {verb} custom reasoning {said}"
    match = MATCHER.match(text, addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, STATES[other])
    assert MATCHER.match(text, addressed=False).outcome is Outcome.NONE


@pytest.mark.parametrize(
    "tail",
    [
        "overnight", "for now", "permanently", "?", "for too long", "when I leave", "all night",
        "unless I ask", "after the stream", "or off", "if it is slow", "while we are away",
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["leave", "keep"])
def test_not_to_leave_a_state_in_some_way_never_acts(verb: str, tail: str) -> None:
    match = MATCHER.match(f"don't {verb} custom reasoning on {tail}", addressed=True)
    assert match.outcome is not Outcome.ACT


BESIDE = (
    "Can you give me an update?", "Can you fill me in?", "Is anything broken?", "It feels slow.",
    "I was hoping we could talk about it.",
)  # fmt: skip


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("first", [True, False])
def test_a_clear_question_is_answered_whatever_stands_beside_it(beside: str, first: bool) -> None:
    parts = ["Is custom reasoning on?", beside]
    match = MATCHER.match(" ".join(parts if first else reversed(parts)), addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, STATUS)


@pytest.mark.parametrize(
    "beside",
    [
        "Why is that?", "Why did you ask?", "What do you think?", "Have you noticed any problems?",
        "How does it work?", "Just kidding.", "He asked me that.", "Don't answer.", "If so, stop.",
    ],
)  # fmt: skip
def test_what_shows_that_something_else_was_asked_is_not_passed_over(beside: str) -> None:
    match = MATCHER.match(f"Is custom reasoning on? {beside}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize("beside", [*BESIDE, "Have you noticed any problems?", "Why is that?"])
@pytest.mark.parametrize("verb", ["should I", "how do I", "he said to", "I could", "why did you"])
def test_what_stands_beside_never_makes_a_command(beside: str, verb: str) -> None:
    match = MATCHER.match(f"{verb} turn off custom reasoning? {beside}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize(
    "delay", ["in the next hour", "in a few minutes", "after the next message"]
)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_for_later_never_acts(verb: str, delay: str) -> None:
    match = MATCHER.match(f"{verb} custom reasoning {delay}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize("span", ["for the next hour", "for the next few questions", "for an hour"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_begins_now_acts_now(verb: str, span: str) -> None:
    match = MATCHER.match(f"{verb} custom reasoning {span}", addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, VERBS[verb])


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("is it on?", Outcome.ACT),
        ("Is it off now?", Outcome.ACT),
        ("has it been turned off?", Outcome.ACT),
        ("hey, is it on or off?", Outcome.ACT),
        ("can you tell me if it's on?", Outcome.ACT),
        ("is it still running?", Outcome.ASK),
        ("is that thing on?", Outcome.ASK),
        ("did you turn it off?", Outcome.ASK),
        ("läuft es noch?", Outcome.ASK),
        ("¿está activado?", Outcome.ASK),
    ],
)
def test_a_bare_question_of_state_is_answered_when_said_to_the_bot(
    text: str, outcome: Outcome
) -> None:
    match = MATCHER.match(text, addressed=True)
    assert (match.outcome, match.action) == (outcome, STATUS)
    assert MATCHER.match(text, addressed=False).outcome is Outcome.NONE


@pytest.mark.parametrize(
    "text",
    [
        "is it raining?", "is it on the menu?", "is it on sale?", "is it true?", "is it out yet?",
        "why is it on?", "how is it on?", "it is on", "is it on steam?", "is it running late?",
        "he asked is it on?", "> is it on?", "I bought a lamp. Is it on?", "turn it off",
        "if it is on", "is it on tonight?", "should it be on?", "when is it on?",
        "is he still active?",
    ],
)  # fmt: skip
def test_other_talk_without_a_name_is_left_alone(text: str) -> None:
    assert MATCHER.match(text, addressed=True).outcome is Outcome.NONE


def test_a_bare_question_is_for_nothing_when_two_things_could_be_meant() -> None:
    lamp = Intent(about=("lamp",), kind=Kind.QUESTION)
    pump = Intent(about=("pump",), kind=Kind.QUESTION)
    for intents, outcome in (
        ({"LAMP": lamp}, Outcome.ACT),
        ({"LAMP": lamp, "PUMP": pump}, Outcome.NONE),
        ({"LIGHT": Intent(about=("lamp",), state="on")}, Outcome.NONE),
    ):
        matcher = MATCHER.with_intents(intents)
        assert matcher.match("is it on?", addressed=True).outcome is outcome


@pytest.mark.parametrize(
    "denial",
    [
        "it isn't", "it's not", "the problem isn't", "it was never", "it is not the", "this wasn't",
    ],
)  # fmt: skip
@pytest.mark.parametrize("joint", [", ", ". "])
@pytest.mark.parametrize("command", ["turn it off", "disable it", "enable it please"])
def test_it_is_never_what_it_is_said_not_to_be(denial: str, joint: str, command: str) -> None:
    match = MATCHER.match(f"{denial} custom reasoning{joint}{command}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize(
    "remark", ["custom reasoning isn't helping", "I'm not happy with custom reasoning"]
)
def test_it_may_be_what_a_negative_remark_is_about(remark: str) -> None:
    match = MATCHER.match(f"{remark}, turn it off", addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, DISABLE)


ASIDES = (
    "We begin tomorrow.", "I have an exam next week.", "Thanks for your help yesterday!",
    "We are about to start.", "I'm going to have a long night.",
)  # fmt: skip


@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_remark_about_some_time_before_a_command_leaves_it_clear(aside: str, verb: str) -> None:
    match = MATCHER.match(f"{aside} Please {verb} custom reasoning.", addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, VERBS[verb])


@pytest.mark.parametrize(
    "after",
    [
        "We begin tomorrow.", "I'd do it next week.", "I mean tomorrow.", "We are going to.",
        "We are going to need it.", "I want that later.", "Tomorrow.", "We do that on monday.",
        "If we are about to start.", "I will tell you when.", "He is going to ask for it later.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", VERBS)
def test_a_time_after_a_command_may_put_it_off(after: str, verb: str) -> None:
    match = MATCHER.match(f"Please {verb} custom reasoning. {after}", addressed=True)
    assert match.outcome is not Outcome.ACT


@pytest.mark.parametrize("verb", VERBS)
def test_what_to_do_instead_is_clear_in_spite_of_what_not_to_do(verb: str) -> None:
    for negation in ("don't ask me again", "don't wait for the others", "I don't care"):
        match = MATCHER.match(f"{negation}, just {verb} custom reasoning", addressed=True)
        assert (match.outcome, match.action) == (Outcome.ACT, VERBS[verb])
    for text in (
        f"don't just {verb} custom reasoning",
        f"don't ask me again, {verb} custom reasoning",
        f"don't, just {verb} custom reasoning",
        f"how do I not ask again, just {verb} custom reasoning",
        f"can users not wait for me, just {verb} custom reasoning",
        f"never, just never {verb} custom reasoning",
        f"don't enable, just {verb} custom reasoning",
    ):
        assert MATCHER.match(text, addressed=True).outcome is not Outcome.ACT


@pytest.mark.parametrize("remark", ["I read that you can disable custom reasoning.", "It is on."])
def test_whether_something_is_true_asks_for_no_state(remark: str) -> None:
    for question in ("Is that true?", "Is it true?", "Is this false?"):
        match = MATCHER.match(f"{remark} {question}", addressed=True)
        assert match.outcome is Outcome.NONE
