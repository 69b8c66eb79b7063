"""Whatever a command is wrapped in that changes what it means, it must not act."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent.intents import IntentMatcher, Outcome, load_languages
from bot.agent.intents.text import MAX_LENGTH
from plugins.reasoning.intents import INTENTS

# One for all examples: hypothesis does not take fixtures of a narrower scope.
MATCHER = IntentMatcher(INTENTS, load_languages())

VERBS = ("enable", "disable", "activate", "deactivate", "start", "stop", "launch", "shut down")
NAMES = ("custom reasoning", "the custom reasoning", "the reasoning service", "the custom reasoner")
PARTICLES = ("on", "off", "back on", "back off")

COMMANDS = st.one_of(
    st.builds("{} {}".format, st.sampled_from(VERBS), st.sampled_from(NAMES)),
    st.builds("turn {} {}".format, st.sampled_from(NAMES), st.sampled_from(PARTICLES)),
    st.builds("switch {} {}".format, st.sampled_from(("on", "off")), st.sampled_from(NAMES)),
)
PADDING = st.sampled_from(("", "please ", "hey bot, ", "ok ", "could you please "))

NEGATIONS = (
    "don't {}", "do not {}", "please don't {}", "never {}", "you shouldn't {}", "no need to {}",
    "there is no need to {}", "I don't want you to {}", "don't you dare {}", "let's not {}",
    "nobody should {}", "under no circumstances {}", "you must not {}", "dont {}", "{}... not",
    "{}? no!", "I'd rather not {}", "please do not ever {}", "not {}", "I refuse to {}",
    "{} because it is slow, not", "no {}", "I refuse to ({})",
)  # fmt: skip
QUOTES = (
    '"{}"', "'{}' he said", "she wrote “{}”", "> {}", "> {}\nwhat is this?", "type `{}`",
    "the phrase «{}» works", "```\n{}\n```\nhm", "`{}` is a command", '"{}" means what?',
    "~~{}~~", "||{}||", "「{}」 is what I read",
)  # fmt: skip
REPORTS = (
    "he said {}", "she told me to {}", "they asked us to {}", "Bob says {}", "the docs say to {}",
    "my boss wants me to {}", "someone typed {}", "I heard they {}", "Bob: {}", "I was told to {}",
    "my mom was like {}", "it says {}", "{}, he said", "the message was: {}",
)  # fmt: skip
CONDITIONS = (
    "if it is slow, {}", "if it is slow {}", "{} if it rains", "{} when I leave",
    "when I leave, {}",
    "unless I object, {}", "{} unless I object", "once we are done {}", "{} as soon as we are done",
    "whenever it is slow, {}", "until then {}", "in case of errors {}", "{} only if I ask",
    "as long as it is free, {}", "{} or else", "should it be slow, {}",
)  # fmt: skip
QUESTIONS_ABOUT = (
    "how do I {}", "how to {}?", "how can we {}?", "what happens if I {}?", "why should I {}?",
    "who can {}?", "when should we {}?", "should we {}?", "should I {}", "can I {}?", "may I {}?",
    "is it safe to {}?", "do I have to {}?", "where do I {}?", "what if we {}?", "why did you {}?",
    "is it possible to {}?", "does it help to {}?", "tell me how to {}", "I wonder how to {}",
)  # fmt: skip
OTHER_TIMES = (
    "I will {} tomorrow", "I'm going to {}", "we might {}", "{} tomorrow", "{} next week",
    "{} later", "yesterday I had to {}", "I used to {}", "I forgot to {}", "we plan to {} soon",
    "I was about to {}", "last week we tried to {}", "someday we {}", "remind me to {} tomorrow",
)  # fmt: skip
OTHER_REQUESTS = (
    "translate to German: {}", "translate {} into French", "how do you say {} in Spanish",
    "write a story in which someone says {}", "write a function that will {}", "write code to {}",
    "tell me a joke about how to {}", "repeat after me: {}", "pretend to {}", "summarize: {}",
    "imagine I say {}", "finish this sentence: {}", 'print("{}")', "echo {}", "/say {}",
    "rewrite this: {}", "make a button to {}", "{} /s", "{}, just kidding", "explain how to {}",
)  # fmt: skip
WRAPPERS = (
    *NEGATIONS, *QUOTES, *REPORTS, *CONDITIONS, *QUESTIONS_ABOUT, *OTHER_TIMES, *OTHER_REQUESTS,
)  # fmt: skip

INVISIBLE = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u202a\u202b\u202d\u202e\u2066\u2067"
    "\u2069\ufe0f\u3164\u115f\u2800\U000e0061\u0301\u0336\x00\x08\x7f"
)
LOOK_ALIKES = {
    "a": "аɑａ𝐚ạ", "c": "сϲｃ", "e": "еҽｅ℮", "i": "іıｉ", "n": "ոｎ", "o": "оοｏ",
    "s": "ѕｓ", "u": "սｕ",
}  # fmt: skip


def acts(text: str, *, addressed: bool = True) -> bool:
    return MATCHER.match(text, addressed=addressed).outcome is Outcome.ACT


@given(command=COMMANDS, padding=PADDING)
def test_a_command_acts(command: str, padding: str) -> None:
    assert acts(padding + command)
    assert acts(padding + command, addressed=False)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@settings(max_examples=12, deadline=None)
@given(command=COMMANDS)
def test_a_wrapped_command_never_acts(wrapper: str, command: str) -> None:
    assert not acts(wrapper.format(command))
    assert not acts(wrapper.format(command), addressed=False)


@settings(deadline=None)
@given(wrapper=st.sampled_from((*NEGATIONS, *CONDITIONS, *REPORTS)), command=COMMANDS)
def test_upper_case_and_politeness_do_not_help_a_wrapped_command(
    wrapper: str, command: str
) -> None:
    assert not acts(wrapper.format(command).upper())
    assert not acts(f"hey bot, {wrapper.format(command)}, thanks!")


@settings(max_examples=300, deadline=None)
@given(command=COMMANDS, char=st.sampled_from(INVISIBLE), data=st.data())
def test_invisible_characters_never_act(command: str, char: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(command)))
    assert not acts(command[:at] + char + command[at:])


@settings(max_examples=300, deadline=None)
@given(command=COMMANDS, data=st.data())
def test_look_alikes_never_act(command: str, data: st.DataObject) -> None:
    places = [i for i, char in enumerate(command) if char in LOOK_ALIKES]
    at = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from(LOOK_ALIKES[command[at]]))
    assert not acts(command[:at] + other + command[at + 1 :])


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=700), addressed=st.booleans())
def test_no_text_raises_and_the_same_text_gives_the_same_match(text: str, addressed: bool) -> None:
    match = MATCHER.match(text, addressed=addressed)
    assert match == MATCHER.match(text, addressed=addressed)
    assert str(match.explanation)
    assert (match.action is None) == (match.outcome is Outcome.NONE)


WORDS = st.sampled_from(
    (
        *("enable", "disable", "turn", "on", "off", "start", "custom", "reasoning", "service"),
        *("the", "a", "it", "you", "can", "we", "is", "not", "don't", "if", "said", "please"),
        *("and", "because", "back", "to", "model", "status", "check", "how", "now", "reasonign"),
        *(",", ".", "?", "!", ":", "\n"),
    )
)


@settings(max_examples=500, deadline=None)
@given(words=st.lists(WORDS, max_size=25))
def test_any_salad_of_known_words_is_read(words: list[str]) -> None:
    text = " ".join(words)
    addressed = MATCHER.match(text, addressed=True)
    alone = MATCHER.match(text, addressed=False)
    assert str(addressed.explanation)
    assert alone.outcome is not Outcome.ASK
    if alone.outcome is Outcome.ACT:
        assert alone.action == addressed.action


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.ascii_letters + " .,!?'", max_size=120))
def test_the_gate_never_stops_what_would_act(noise: str) -> None:
    text = f"{noise} enable custom reasoning"
    if acts(text):
        assert MATCHER.might_match(text)


@pytest.mark.parametrize(
    "bomb",
    [
        "enable custom reasoning " * 5000,
        "a" * 100_000,
        "enable custom reasoning" + "\u0301" * 100_000,
        "enable custom reasoning" + "!" * 100_000,
        "> " * 50_000,
    ],
)
def test_long_messages_are_refused_before_they_are_read(bomb: str) -> None:
    assert not MATCHER.might_match(bomb)
    assert MATCHER.match(bomb, addressed=True).outcome is Outcome.NONE


@pytest.mark.parametrize(
    "piece",
    ["please ", ", ", "not ", "on ", "`a` ", '"', "'", "**", "custom reasoning ", "the ", "and ",
     "turn it on, ", "reasonning ", "x-", "a'", "||", "~~", "<@1>", "(", "status of ",
     "is it on? "],
)  # fmt: skip
def test_the_longest_allowed_bombs_are_read_in_moderate_time(piece: str) -> None:
    bomb = (piece * MAX_LENGTH)[: MAX_LENGTH - 16] + "custom reasoning"
    assert MATCHER.might_match(bomb)
    assert MATCHER.match(bomb, addressed=False).outcome is not Outcome.ASK
