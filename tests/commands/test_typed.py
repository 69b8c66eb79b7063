"""Slash commands as people type them in `understudy try`."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.trial.typed import TypedError, Use, read


def option(name: str, kind: int, *, required: bool = False, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": name, "type": kind, "required": required, **more}


CHOICES = [{"name": "Loud", "value": "l"}, {"name": "soft", "value": "s"}]
COMMANDS: list[dict[str, Any]] = [
    {
        "name": "agent",
        "type": 1,
        "options": [
            option("persona", 1, options=[option("name", 3), option("temperature", 10)]),
            option("tone", 1, options=[option("how", 3, required=True, choices=CHOICES)]),
            option("more", 2, options=[option("count", 1, options=[option("n", 4)])]),
        ],
    },
    {
        "name": "set",
        "options": [
            option("who", 6, required=True),
            option("where", 7, required=True),
            option("flag", 5),
        ],
    },
    {"name": "ask", "options": [option("question", 3, required=True)]},
    {"name": "Quote", "type": 3},
    {"name": "plain"},
]
IDS = {"@ben": "11", "#general": "22"}


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        (
            "/agent persona name:Bob temperature:0.5",
            "agent persona",
            {"name": "Bob", "temperature": 0.5},
        ),
        (
            '/agent persona temperature: 1 name:"Bob: the  second"',
            "agent persona",
            {"name": "Bob: the  second", "temperature": 1.0},
        ),
        ("/agent persona name:Bob Smith", "agent persona", {"name": "Bob Smith"}),
        ("/agent persona name:“a temperature:2 b”", "agent persona", {"name": "a temperature:2 b"}),
        ("/agent persona", "agent persona", {}),
        ("/agent tone loud", "agent tone", {"how": "l"}),
        ("/agent more count n:3", "agent more count", {"n": 3}),
        (
            "/set who:@Ben where:general flag:YES",
            "set",
            {"who": "11", "where": "22", "flag": True},
        ),
        ("/ask what is it: a bird?", "ask", {"question": "what is it: a bird?"}),
        ('/ask question:"why?"', "ask", {"question": "why?"}),
        ('/ask "why not"', "ask", {"question": "why not"}),
        ('/ask he said "no"', "ask", {"question": 'he said "no"'}),
        ("/plain", "plain", {}),
    ],
)
def test_what_is_typed(text: str, name: str, options: dict[str, object]) -> None:
    assert read(text, COMMANDS, IDS) == Use(name, options)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/plain x", "/plain takes nothing after it."),
        ("/set who:ben", "where missing: it goes /set who:@name where:#name [flag:…]"),
        ("/set", "who and where missing: it goes /set who:@name where:#name [flag:…]"),
        ("/set who:zoe where:general", "who is one of @ben, not 'zoe'."),
        ("/set who:ben where:general flag:maybe", "flag is yes or no, not 'maybe'."),
        ("/agent persona temperature:hot", "temperature is a number, not 'hot'."),
        ("/agent tone shrill", "how is one of Loud, soft, not 'shrill'."),
        ("/agent persona name:a name:b", "name is there twice: it goes /agent persona [name:…]"),
        ("/agent persona Bob", "What is 'Bob'? It goes /agent persona [name:…] [temperature:…]"),
        ('/agent persona name:"Bob" x', "What is 'x'? It goes /agent persona"),
    ],
)
def test_what_is_wrong_is_said(text: str, told: str) -> None:
    with pytest.raises(TypedError) as caught:
        read(text, COMMANDS, IDS)
    assert str(caught.value).startswith(told)


def test_commands_are_listed_for_people() -> None:
    with pytest.raises(TypedError) as caught:
        read("/nope", COMMANDS, IDS)
    assert str(caught.value).splitlines() == [
        "There is no command /nope. There is:",
        "  /agent more count [n:…]",
        "  /agent persona [name:…] [temperature:…]",
        "  /agent tone how:…",
        "  /ask question:…",
        "  /plain",
        "  /set who:@name where:#name [flag:…]",
    ]
    with pytest.raises(
        TypedError, match=r"^There is no command /agent x\. There is:\n  /agent more"
    ):
        read("/agent x", COMMANDS, IDS)
    with pytest.raises(TypedError, match=r"^There is:"):
        read("/", COMMANDS, IDS)


TEXTS = st.text(st.characters(exclude_characters='"', exclude_categories=("Cs", "Cc")), min_size=1)


@given(TEXTS, st.floats(0, 2), st.booleans())
def test_a_quoted_text_is_taken_as_it_is(name: str, temperature: float, turned: bool) -> None:
    parts = [f'name:"{name}"', f"temperature:{temperature!r}"]
    text = " ".join(["/agent persona", *(reversed(parts) if turned else parts)])
    options = {"name": name, "temperature": temperature}
    assert read(text, COMMANDS, IDS) == Use("agent persona", options)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_taken_or_refused(text: str) -> None:
    for start in ("/", "/agent persona ", "/set ", "/ask "):
        with contextlib.suppress(TypedError):
            assert isinstance(read(start + text, COMMANDS, IDS), Use)
