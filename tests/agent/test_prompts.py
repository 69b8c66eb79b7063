"""Turns: alternating roles, and nobody can pass for another."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.agent.models import ImageInput
from bot.agent.prompts import DISCORD_EPOCH_MS, chat_turns
from bot.store.records import ChatMessage

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC
ID = (NOON - DISCORD_EPOCH_MS) << 22


def said(text: str, name: str | None = "Ada", number: int = 0) -> ChatMessage:
    return ChatMessage("user", text, name=name, message_id=ID + number, author_id=1)


def test_speakers_of_a_turn_have_names_and_a_time() -> None:
    turns = chat_turns([ChatMessage("system", "Be kind."), said("hi"), said("yo", "Ben")])
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "Be kind."),
        ("user", "[2026-01-01 12:00 UTC]\nAda: hi\nBen: yo"),
    ]


def test_in_private_nobody_is_named() -> None:
    turns = chat_turns([said("hi", None), said("there", None)])
    assert [turn.text for turn in turns] == ["hi\n\nthere"]


def test_an_image_goes_with_its_message() -> None:
    image = ImageInput(ID + 1, "cat.png", "image/png", b"png")
    turns = chat_turns(
        [said("hi"), ChatMessage("assistant", "yes?"), said("[image: cat.png]", number=1)], [image]
    )
    assert [turn.images for turn in turns] == [(), (), (image,)]


@given(st.lists(st.text(st.sampled_from("Ben: \n\r\u2028\x85x[]"), max_size=30), min_size=1))
def test_no_line_of_a_person_begins_as_another_speaker(texts: list[str]) -> None:
    (turn,) = chat_turns([said(text) for text in texts])
    _, *lines = turn.text.splitlines()
    first = [line for line in lines if not line.startswith("  ")]
    assert len(first) == len(texts)
    assert all(line.startswith("Ada: ") for line in first)


@given(st.lists(st.sampled_from(["system", "user", "assistant"]), max_size=12))
def test_roles_alternate(roles: list[str]) -> None:
    turns = chat_turns([ChatMessage(role, "x") for role in roles])  # type: ignore[arg-type]
    assert all(a.role != b.role for a, b in pairwise(turns))
