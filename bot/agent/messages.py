"""What the agent is told, and what it makes of it."""

from dataclasses import dataclass

from bot.agent.actions import Action
from bot.agent.permissions import Author


@dataclass(frozen=True, slots=True)
class Message:
    """A message for the agent; `text` is without the mention that addressed it.

    `room_id` is the channel. `addressed` is whether it was said to the agent: a mention, a
    reply to it, a direct message. Otherwise only a whole command is for the agent.
    """

    id: int
    room_id: int
    author: Author
    text: str
    addressed: bool


@dataclass(frozen=True, slots=True)
class Question:
    """The message probably meant this action: the person is asked before anything is done."""

    action: Action
