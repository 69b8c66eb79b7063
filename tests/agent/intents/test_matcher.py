import pytest

from bot.agent.intents import IntentMatcher, Outcome

ON, OFF = "ENABLE_REASONING_SERVICE", "DISABLE_REASONING_SERVICE"
STATUS = "CHECK_REASONING_STATUS"


def outcome(matcher: IntentMatcher, text: str, *, addressed: bool = True) -> Outcome:
    return matcher.match(text, addressed=addressed).outcome


@pytest.mark.parametrize(
    "text",
    [
        "**enable custom reasoning**",
        "`enable custom reasoning`",
        "```\nenable custom reasoning\n```",
        "enable `custom reasoning`",
        'enable "custom reasoning"',
        "ENABLE CUSTOM REASONING!!!",
        "🚀 enable custom reasoning 🙏🏽",
        "enable custom reasoning ❤️",
        "enable custom reasoning 👨‍💻",
        "<@123456> enable custom reasoning",
        "Understudy, enable custom reasoning",
        "enable custom reasoning <:party:12345>",
    ],
)
def test_marks_and_emoji_around_a_command_do_not_hide_it(matcher: IntentMatcher, text: str) -> None:
    match = matcher.match(text, addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, ON)


@pytest.mark.parametrize(
    "text",
    [
        "> enable custom reasoning",
        "look:\n> enable custom reasoning",
        "~~enable custom reasoning~~",
        "||enable custom reasoning||",
        "`enable custom reasoning` is what to type",
        "```\nenable custom reasoning\n```\nwhat does this do?",
        "he wrote “enable custom reasoning”",
        "enable custom reasoning 🚫",
        "enable_custom_reasoning()",
        "https://example.org/enable custom reasoning",
    ],
)
def test_what_is_quoted_or_struck_is_not_said(matcher: IntentMatcher, text: str) -> None:
    assert outcome(matcher, text) is Outcome.NONE


@pytest.mark.parametrize(
    "text",
    [
        "turn off custom reasoning? nah",
        "enable custom reasoning... not",
        "Enable custom reasoning? No thanks.",
    ],
)
def test_what_is_taken_back_is_not_said(matcher: IntentMatcher, text: str) -> None:
    assert outcome(matcher, text) is Outcome.NONE


@pytest.mark.parametrize(
    "text",
    ["enable custom reasoning() instead", "check custom reasoning --all", "custom reasoning::on"],
)
def test_code_is_not_said(matcher: IntentMatcher, text: str) -> None:
    assert outcome(matcher, text) is not Outcome.ACT


def test_a_command_in_quotes_is_asked_back(matcher: IntentMatcher) -> None:
    assert outcome(matcher, '"enable custom reasoning"') is Outcome.ASK
    assert outcome(matcher, '"enable custom reasoning"', addressed=False) is Outcome.NONE


@pytest.mark.parametrize(
    ("text", "addressed_only"),
    [
        ("please enable custom reasoning", False),
        ("Understudy, could you turn custom reasoning off please?", False),
        ("custom reasoning status", False),
        ("bro turn on custom reasoning", True),
        ("turn on reasoning", False),  # an example's very words
        ("check reasoning status", False),
        ("switch on reasoning", True),
        ("custom reasoning off", True),
        ("it is too slow, turn off custom reasoning", True),
        ("custom reasoning is slow. turn it off", True),
        ("<@42> turn on custom reasoning", True),
    ],
)
def test_unaddressed_messages_act_only_when_they_are_the_command(
    matcher: IntentMatcher, text: str, addressed_only: bool
) -> None:
    assert outcome(matcher, text) is Outcome.ACT
    expected = Outcome.NONE if addressed_only else Outcome.ACT
    assert outcome(matcher, text, addressed=False) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("please don't forget to enable custom reasoning", ON),
        ("why don't you enable custom reasoning", ON),
        ("please make sure custom reasoning is not enabled", OFF),
        ("disable custom reasoning, it is too slow", OFF),
        ("we don't need it any more, turn custom reasoning off", OFF),
        ("turn of custom reasoning", OFF),
        ("go back to the original model", OFF),
        ("turn off custom reasoning on this server", OFF),
        ("Is the reasoning on? It's off. Can you turn it on?", ON),
        ("has it been turned off, the custom reasoning?", STATUS),
    ],
)
def test_what_turns_a_meaning_is_understood(
    matcher: IntentMatcher, text: str, expected: str
) -> None:
    match = matcher.match(text, addressed=True)
    assert (match.outcome, match.action) == (Outcome.ACT, expected)


@pytest.mark.parametrize(
    "text",
    [
        "maybe turn on custom reasoning",
        "enable custom reasoning?",
        "use the custom model",
        "turn off custom reasoning and order a pizza",
        "turn on custom reasoning. turn off custom reasoning.",
        "don't use custom reasoning anymore",
        "custom reasoning is slow. Don't ask. Disable it.",
    ],
)
def test_what_is_likely_but_not_sure_is_asked_back(matcher: IntentMatcher, text: str) -> None:
    match = matcher.match(text, addressed=True)
    assert match.outcome is Outcome.ASK
    assert match.action in (ON, OFF)


def test_what_it_means_comes_from_the_other_sentences_only(matcher: IntentMatcher) -> None:
    assert outcome(matcher, "turn it off") is Outcome.NONE
    assert outcome(matcher, "set this to true to enable custom reasoning for it") is Outcome.NONE


def test_none_has_no_action(matcher: IntentMatcher) -> None:
    match = matcher.match("hello there", addressed=True)
    assert (match.outcome, match.action) == (Outcome.NONE, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello there", "names nothing"),
        ("don't enable custom reasoning", "negation"),
        ("if it rains enable custom reasoning", "condition"),
        ("he said enable custom reasoning", "reported"),
        ("enable cus\u200btom reasoning", "none"),
        ("enabel custom reasoning", "“enabel custom” is"),
        ("grumbling custom reasoning flurbs", "not understood"),
        ("bro turn on custom reasoning", "not said to the bot"),
    ],
)
def test_the_explanation_says_what_stood_in_the_way(
    matcher: IntentMatcher, text: str, said: str
) -> None:
    explanation = str(matcher.match(text, addressed="bro" not in text).explanation)
    if said.startswith("“"):
        assert "“enabel” read as “enable”" in explanation
    else:
        assert said in explanation
    assert len(explanation) < 1500
