"""How an exchange becomes rows: every text once, the prompt as a list of references to them."""

import json
from collections.abc import Iterable
from hashlib import blake2b

from bot.store.records import ChatMessage, Exchange

Row = tuple[object, ...]


def exchange_row(exchange: Exchange) -> Row:
    """The row of `exchanges`, in the order of its columns."""
    prompt = [[message.role, reference(message)] for message in exchange.input]
    return (
        exchange.id,
        exchange.timestamp,
        exchange.room_id,
        exchange.user_id,
        exchange.message_id,
        exchange.model_type,
        exchange.provider,
        exchange.model,
        json.dumps(prompt, separators=(",", ":")),
        exchange.output,
        exchange.reasoning,
        int(exchange.success),
        exchange.error,
        exchange.fallback_from,
        exchange.fallback_reason,
        exchange.latency_ms,
        exchange.first_token_ms,
        exchange.prompt_tokens,
        exchange.completion_tokens,
    )


def message_rows(exchanges: Iterable[Exchange]) -> list[Row]:
    """Rows of `messages`: what was said in Discord, by message id, the newest version last."""
    return [
        (message.message_id, message.author_id, message.name, message.content)
        for exchange in sorted(exchanges, key=lambda exchange: exchange.timestamp)
        for message in exchange.input
        if message.message_id is not None
    ]


def text_rows(exchanges: Iterable[Exchange]) -> list[Row]:
    """Rows of `texts`: what no member said, by hash."""
    return [
        (reference(message), message.prompt_text)
        for exchange in exchanges
        for message in exchange.input
        if message.message_id is None
    ]


def reference(message: ChatMessage) -> int | str:
    """What a prompt refers to a text by: the message's id, or the hash of a text of our own."""
    if message.message_id is not None:
        return message.message_id
    # The letter keeps a hash of digits alone from being compared as a number.
    return "h" + blake2b(message.prompt_text.encode(), digest_size=16).hexdigest()
