"""Exchanges as a busy channel makes them, for the benchmarks."""

from collections.abc import Iterator

from bot.store.records import ChatMessage, Exchange

CONTEXT = 8
FIRST_ID = 1_500_000_000_000_000_000
SYSTEM = ChatMessage("system", "You are a helpful assistant named Understudy. " * 6)


def conversation(guild: int) -> Iterator[Exchange]:
    """The exchanges of one guild's channel; each is shown what was said before it."""
    said: list[ChatMessage] = []
    number = 0
    while True:
        number += 1
        question_id = FIRST_ID + (guild << 32) + number * 4
        text = f"question {number} of guild {guild}: " + "what is it that you wanted to know? " * 5
        answer = (
            f"answer {number} of guild {guild}: " + "it is just as you said, or nearly so. " * 6
        )
        said.append(ChatMessage("user", text[:200], "ben", question_id, 9_000_000 + number % 50))
        yield Exchange(
            id=question_id + 1,
            timestamp=1_700_000_000_000 + number * 1_000,
            room_id=FIRST_ID + guild,
            user_id=9_000_000 + number % 50,
            message_id=question_id,
            model_type="planning",
            provider="openai",
            model="some-large-model-2026",
            input=(SYSTEM, *said[-CONTEXT:]),
            output=answer,
            reasoning=None,
            finish_reason="stop",
            success=True,
            error=None,
            fallback_from=None,
            fallback_reason=None,
            latency_ms=812.345,
            first_token_ms=203.21,
            prompt_tokens=640,
            completion_tokens=70,
        )
        said.append(ChatMessage("assistant", answer, None, question_id + 2, 42))
        del said[:-CONTEXT]
