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
    """What is left for the conversation; `exact` says whether the model's tokenizer counts.

    `wanted` is the operator's limit in tokens. Where the model's own is known and smaller, that
    counts, less half for the answer (or its `answer_tokens`) and what `fixed` costs.
    """

    def __init__(
        self, model: Model | None, *, wanted: int, fixed: str, answer_tokens: int | None
    ) -> None:
        own = None if model is None else model.count_tokens
        self.exact = own is not None
        self.count: Callable[[str], int] = own or estimate_tokens
        self.left = wanted
        if model is not None and model.context_tokens is not None:
            whole = model.context_tokens
            answer = min(answer_tokens or whole, whole // 2)
            self.left = min(wanted, max(0, whole - answer - self.count(fixed) - A_MESSAGE))

    def take(self, text: str) -> bool:
        """Take a message's text in if it fits."""
        cost = self.count(text) + A_MESSAGE
        if cost > self.left:
            return False
        self.left -= cost
        return True
