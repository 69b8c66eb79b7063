"""The prompt as a small model takes it: names, turns, and what is left out when it is too long."""

from collections.abc import Sequence

from bot.agent.models import ModelError
from bot.agent.prompts import spoken
from bot.store.records import ChatMessage


def chat_turns(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """The messages as `role` and `content`, consecutive ones of a role as one turn.

    Many chat templates refuse two turns of a role in a row, and a channel is full of them.
    Speakers are named only when there are several: a small model takes a lone name for its own
    and answers as that person.
    """
    speakers = {message.name for message in messages if message.role == "user"}
    turns: list[dict[str, str]] = []
    for message in messages:
        named = message.role == "user" and len(speakers) > 1
        text = spoken(message) if named else message.content
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n{text}"
        else:
            turns.append({"role": message.role, "content": text})
    return turns


def shorten(messages: Sequence[ChatMessage], tokens: int, limit: int) -> list[ChatMessage]:
    """Leave out what is oldest, so that a prompt of `tokens` tokens comes to about `limit`.

    System messages stay, and so does the last message, if need be without its end. Each call
    shortens the prompt, so repeating it comes to an end: ModelError when nothing is left to take.
    """
    system = [message for message in messages if message.role == "system"]
    spoken = [message for message in messages if message.role != "system"]
    excess = (tokens - limit) * sum(len(message.prompt_text) for message in messages) / tokens
    while len(spoken) > 1 and excess > 0:
        excess -= len(spoken.pop(0).prompt_text)
    # An answer to something that was left out would only confuse.
    while len(spoken) > 1 and spoken[0].role == "assistant":
        excess -= len(spoken.pop(0).prompt_text)
    if excess > 0:
        spoken = [_cut(message, excess) for message in spoken]
        if not any(message.content for message in spoken):
            raise ModelError("The system prompt alone is too long for the embedded model.")
    return [*system, *spoken]


def _cut(message: ChatMessage, excess: float) -> ChatMessage:
    # A little more than the excess: characters are no exact measure of tokens.
    fitting = max(1, int((len(message.content) - excess) * 0.95))
    keep = min(fitting, len(message.content) - 1)
    return ChatMessage(message.role, message.content[:keep], message.name)
