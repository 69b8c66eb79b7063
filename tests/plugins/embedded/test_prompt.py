"""The prompt for a small model: names, turns, and what is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.models import ModelError
from bot.store.records import ChatMessage
from plugins.embedded.prompt import chat_turns, shorten

SYSTEM = ChatMessage("system", "Be brief.")


def test_a_lone_speaker_is_not_named() -> None:
    messages = [SYSTEM, ChatMessage("user", "hi", name="Ada")]
    assert chat_turns(messages)[1] == {"role": "user", "content": "hi"}


def test_several_speakers_are() -> None:
    messages = [ChatMessage("user", "hi", name="Ada"), ChatMessage("user", "yo", name="Bob")]
    assert chat_turns(messages) == [{"role": "user", "content": "Ada: hi\nBob: yo"}]


def test_the_bot_is_never_named() -> None:
    messages = [
        ChatMessage("user", "hi", name="Ada"),
        ChatMessage("assistant", "Hello.", name="Understudy"),
        ChatMessage("user", "yo", name="Bob"),
    ]
    assert chat_turns(messages)[1] == {"role": "assistant", "content": "Hello."}


def test_the_oldest_go_first_and_an_answer_does_not_begin() -> None:
    messages = [
        SYSTEM,
        ChatMessage("user", "a" * 90),
        ChatMessage("assistant", "b"),
        ChatMessage("user", "c"),
    ]
    assert shorten(messages, tokens=101, limit=50) == [SYSTEM, messages[3]]


def test_a_system_prompt_that_fills_everything_is_refused() -> None:
    messages = [ChatMessage("system", "a" * 1000), ChatMessage("user", "?")]
    with pytest.raises(ModelError, match="system prompt alone is too long"):
        shorten(messages, tokens=1002, limit=100)


_SPOKEN = st.builds(
    ChatMessage, st.sampled_from(["user", "assistant"]), st.text(min_size=1, max_size=40)
)


@given(st.lists(_SPOKEN, min_size=1, max_size=12), st.integers(1, 200))
def test_shortening_comes_to_an_end_and_keeps_what_matters(
    spoken: list[ChatMessage], limit: int
) -> None:
    messages = [SYSTEM, *spoken]
    limit += len(SYSTEM.content)
    while (tokens := sum(len(message.content) for message in messages)) > limit:
        shorter = shorten(messages, tokens, limit)
        assert sum(len(message.content) for message in shorter) < tokens
        messages = shorter
    assert messages[0] == SYSTEM
    assert spoken[-1].content.startswith(messages[-1].content)
    assert messages[-1].content
