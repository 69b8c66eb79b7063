"""What may be kept of an exchange: no text of anybody who does not agree is ever in a file."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.store.applying import apply
from bot.store.consenting import Agreements
from bot.store.engine import Engine
from bot.store.files import open_world
from bot.store.forgetting import snowflake
from bot.store.operations import encode
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from plugins.privacy.admission import (
    FORGOTTEN,
    NO_NOTICE,
    NOBODY,
    NOT_AGREED,
    ROOM_GONE,
    UNREAD,
    Admission,
)
from plugins.privacy.people import People
from plugins.privacy.policy import Mode, PrivacySettings
from tests.grepping import files_with

GUILD = World(WorldKind.GUILD, 1)
ROOM = 5
NOW = 1_700_000_000_000
BOT = 99
PEOPLE = range(1, 6)


def asked(*messages: ChatMessage, user_id: int | None = 1, room_id: int | None = ROOM) -> Exchange:
    return Exchange(
        id=snowflake(NOW),
        timestamp=NOW,
        room_id=room_id,
        user_id=user_id,
        message_id=None,
        model_type="planning",
        provider="lead",
        model="scripted",
        input=(ChatMessage("system", "Be kind."), *messages),
        output="fine",
        reasoning=None,
        finish_reason="stop",
        success=True,
        error=None,
        fallback_from=None,
        fallback_reason=None,
        latency_ms=1.0,
        first_token_ms=None,
        prompt_tokens=None,
        completion_tokens=None,
    )


def said(text: str, author: int, before: int = 1000) -> ChatMessage:
    """Something that a person said, some milliseconds ago."""
    return ChatMessage(
        "user", text, name="name", message_id=snowflake(NOW - before) + author, author_id=author
    )


def rules(mode: Mode = Mode.NOTICE, people: People | None = None, **consents: bool) -> Admission:
    known = people or People("here")
    admission = Admission(GUILD, lambda: known)
    given = {int(name.removeprefix("of_")): agreed for name, agreed in consents.items()}
    admission.take(Agreements(consents=given, noticed=frozenset({ROOM})), PrivacySettings(mode))
    return admission


def shown(exchange: Exchange | None) -> list[str]:
    assert exchange is not None
    return [message.content for message in exchange.input[1:]]


def test_with_a_notice_all_are_recorded_who_did_not_object() -> None:
    exchange = asked(said("two", 2), said("three", 3), said("one", 1))
    kept, reason = rules(of_2=False).admit(exchange)
    assert reason is None
    assert shown(kept) == ["", "three", "one"]
    assert rules(of_1=False).admit(exchange) == (None, NOT_AGREED)


def test_with_opt_in_only_those_are_recorded_who_agreed() -> None:
    exchange = asked(said("two", 2), said("three", 3), said("one", 1))
    kept, _ = rules(Mode.OPT_IN, of_1=True, of_3=True).admit(exchange)
    assert shown(kept) == ["", "three", "one"]
    assert rules(Mode.OPT_IN, of_2=True).admit(exchange) == (None, NOT_AGREED)


def test_an_objection_everywhere_counts_more_than_an_agreement() -> None:
    people = People("here", objections={2})
    kept, _ = rules(Mode.OPT_IN, people, of_1=True, of_2=True).admit(
        asked(said("two", 2), said("one", 1))
    )
    assert shown(kept) == ["", "one"]
    people.objections.add(1)
    assert rules(people=people).admit(asked(said("one", 1))) == (None, NOT_AGREED)


def test_answers_to_those_who_object_are_withheld() -> None:
    def answer(number: int, subject: int | None) -> ChatMessage:
        return ChatMessage(
            "assistant", f"a{number}", message_id=number, author_id=BOT, subject_id=subject
        )

    admission = rules(of_2=False)
    admission.note_reply(1, 14)
    kept, _ = admission.admit(
        asked(answer(11, 1), answer(12, 2), answer(13, None), answer(14, None))
    )
    assert shown(kept) == ["a11", "", "", "a14"]


def test_what_was_said_before_being_forgotten_never_comes_back() -> None:
    people = People("here", forgotten={2: NOW - 500, 3: NOW - 2000})
    exchange = asked(said("two", 2), said("three", 3), said("one", 1))
    assert shown(rules(people=people).admit(exchange)[0]) == ["", "three", "one"]
    people.forgotten[1] = NOW
    assert rules(people=people).admit(exchange) == (None, FORGOTTEN)


def test_nothing_is_kept_untold_or_unknown() -> None:
    exchange = asked(said("one", 1))
    admission = rules()
    assert admission.admit(replace(exchange, room_id=6)) == (None, NO_NOTICE)
    assert admission.admit(replace(exchange, room_id=None)) == (None, NO_NOTICE)
    assert admission.admit(replace(exchange, user_id=None)) == (None, NOBODY)
    admission.gone.add(ROOM)
    assert admission.admit(exchange) == (None, ROOM_GONE)
    assert Admission(GUILD, lambda: People("here")).admit(exchange) == (None, UNREAD)
    unknown = rules()
    unknown.people = lambda: None
    assert unknown.admit(exchange) == (None, UNREAD)
    assert admission.refused == {NO_NOTICE: 2, NOBODY: 1, ROOM_GONE: 1}


def test_texts_of_nobody_known_are_withheld() -> None:
    kept, _ = rules().admit(
        asked(ChatMessage("user", "who said that?"), ChatMessage("system", "smuggled", author_id=2))
    )
    assert shown(kept) == ["[not recorded]", "smuggled"]
    kept, _ = rules(of_2=False).admit(asked(ChatMessage("system", "smuggled", author_id=2)))
    assert shown(kept) == ["[not recorded]"]


def test_in_direct_messages_there_is_only_one_person() -> None:
    admission = Admission(World(WorldKind.DM, 1), lambda: People("here"))
    admission.take(Agreements(noticed=frozenset({ROOM})), PrivacySettings(Mode.OPT_IN))
    exchange = asked(ChatMessage("assistant", "a", message_id=3, author_id=BOT), said("one", 1))
    assert shown(admission.admit(exchange)[0]) == ["a", "one"]


messages = st.builds(
    lambda author, before, bot, with_id: (author, before, bot, with_id),
    st.sampled_from([*PEOPLE, None]),
    st.integers(0, 3_000),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    mode=st.sampled_from(Mode),
    consents=st.dictionaries(st.sampled_from(PEOPLE), st.booleans()),
    objections=st.sets(st.sampled_from(PEOPLE)),
    forgotten=st.dictionaries(st.sampled_from(PEOPLE), st.integers(NOW - 3_000, NOW)),
    prompts=st.lists(st.tuples(st.sampled_from(PEOPLE), st.lists(messages, max_size=5))),
)
def test_no_text_of_anybody_who_does_not_agree_is_in_any_file(
    mode: Mode,
    consents: dict[int, bool],
    objections: set[int],
    forgotten: dict[int, int],
    prompts: list[tuple[int, list[tuple[int | None, int, bool, bool]]]],
) -> None:
    """Whatever the rules, the contexts and the order; and what may be kept, is."""
    people = People("here", set(objections), dict(forgotten))
    admission = Admission(GUILD, lambda: people)
    admission.take(Agreements(consents=consents, noticed=frozenset({ROOM})), PrivacySettings(mode))

    def agrees(person: int | None) -> bool:
        if person is None or person in objections or consents.get(person) is False:
            return False
        return mode is Mode.NOTICE or consents.get(person) is True

    hidden: set[str] = set()
    visible: set[str] = set()
    admitted = []
    for number, (asker, contents) in enumerate(prompts):
        prompt = []
        may_ask = agrees(asker) and forgotten.get(asker, -1) < NOW
        for place, (person, before, is_bot, with_id) in enumerate(contents):
            text = f"text {number}-{place}."
            prompt.append(
                ChatMessage(
                    "assistant" if is_bot else "user",
                    text,
                    name=None if is_bot else f"name {number}-{place}.",
                    message_id=snowflake(NOW - before) + number * 10 + place if with_id else None,
                    author_id=BOT if is_bot else person,
                    subject_id=person if is_bot else None,
                )
            )
            time = NOW - before if with_id else NOW
            kept = may_ask and agrees(person) and time > forgotten.get(person or 0, -1)
            (visible if kept else hidden).add(text)
            if not kept:
                hidden.add(f"name {number}-{place}.")
        exchange = replace(
            asked(*prompt, user_id=asker), id=snowflake(NOW) + number, output=f"answer {number}."
        )
        result, _ = admission.admit(exchange)
        (visible if may_ask else hidden).add(f"answer {number}.")
        if result is not None:
            admitted.append(encode(result))
    with TemporaryDirectory() as name:
        folder = Path(name)
        with closing(open_world(folder, GUILD, Engine())) as connection:
            connection.execute("BEGIN")
            apply(connection, admitted)
            connection.execute("COMMIT")
            assert files_with(folder, *hidden) == []
            everything = as_text(connection)
    for text in visible:
        assert text in everything, text


def as_text(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT input, output FROM training_data").fetchall()
    return json.dumps(rows)


@pytest.mark.parametrize("value", [3, {"mode": "all"}, {"mode": "notice", "retention_days": -1}])
def test_settings_that_make_no_sense_are_told(value: object) -> None:
    with pytest.raises(Exception, match="makes no sense"):
        PrivacySettings.from_json(value)
