"""How much of a conversation fits: tokens, counted by the model's tokenizer or estimated.

The estimate is one token for every four bytes of UTF-8. It comes out at four characters a token in
English and at about one in Chinese, and is meant to be a little too high rather than too low.
"""

import math
from collections.abc import Callable

from bot.agent.models import Model

BYTES_A_TOKEN = 4
A_MESSAGE = 6
"""Tokens that a message costs besides its text: role, name and time."""


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_A_TOKEN)


class TokenBudget:
    """What is left for what was said before the question.

    `wanted` is the operator's limit in tokens. Where the model's own is known, prompt and answer
    have to keep to that, too; `answer_tokens` is what the answer may have, at most half of it.
    """

    def __init__(self, model: Model | None, *, wanted: int, answer_tokens: int | None) -> None:
        own = None if model is None else model.count_tokens
        self._count: Callable[[str], int] = own or estimate_tokens
        self._wanted = wanted
        self._room = math.inf
        if model is not None and model.context_tokens is not None:
            whole = model.context_tokens
            self._room = whole - min(answer_tokens or whole, whole // 2)

    def reserve(self, text: str) -> None:
        """Set aside what the system prompt or the question costs: they are sent anyhow."""
        self._room -= self._count(text) + A_MESSAGE

    def take(self, text: str) -> bool:
        """Take an earlier message's text in if it fits."""
        cost = self._count(text) + A_MESSAGE
        if cost > self._wanted or cost > self._room:
            return False
        self._wanted -= cost
        self._room -= cost
        return True
