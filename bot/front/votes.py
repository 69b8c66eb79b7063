"""Votes on answers, by buttons and by reactions: one a person, the last one counts."""

from collections import OrderedDict
from dataclasses import dataclass

import discord

REMEMBERED = 5_000
VALUES = {"👍": 1, "👎": -1}
SKINS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff\ufe0f"


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person thinks of a reply; `by` is the message (id) and emoji of a reaction."""

    value: int
    by: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A vote that was taken back with the reaction that it was."""

    user_id: int
    value: int


class Votes:
    """The latest votes: a button that is pressed again takes its vote back.

    A reply goes by the last of its messages.
    """

    def __init__(self) -> None:
        self._votes: OrderedDict[tuple[int, int], Vote] = OrderedDict()

    def known(self, reply_id: int, user_id: int) -> bool:
        """Whether a person's vote on a reply is known here, also that they have none."""
        return (reply_id, user_id) in self._votes

    def press(self, reply_id: int, user_id: int, value: int) -> int:
        """The vote of a person on a reply after they pressed the button of this value."""
        vote = 0 if self._value(reply_id, user_id) == value else value
        self.cast(reply_id, user_id, vote)
        return vote

    def cast(
        self, reply_id: int, user_id: int, value: int, by: tuple[int, str] | None = None
    ) -> None:
        """A person's vote is this; `by` as in `Vote`."""
        self._votes[reply_id, user_id] = Vote(value, by)
        self._votes.move_to_end((reply_id, user_id))
        if len(self._votes) > REMEMBERED:
            self._votes.popitem(last=False)

    def withdraw(self, reply_id: int, user_id: int, value: int) -> None:
        """A person takes this vote back; another that they gave since stands."""
        if self._value(reply_id, user_id) == value:
            self.cast(reply_id, user_id, 0)

    def clear(self, message_id: int, emoji: str | None = None) -> list[Withdrawn]:
        """All reactions of a message, or all of one emoji, are gone, and the votes that they were.

        Discord does not say whose they were, so votes from before the start are not found.
        """
        gone = [
            (reply_id, user_id, vote.value)
            for (reply_id, user_id), vote in self._votes.items()
            if vote.by is not None and vote.by[0] == message_id and emoji in (None, vote.by[1])
        ]
        for reply_id, user_id, _ in gone:
            self.cast(reply_id, user_id, 0)
        return [Withdrawn(user_id, value) for _, user_id, value in gone]

    def _value(self, reply_id: int, user_id: int) -> int | None:
        vote = self._votes.get((reply_id, user_id))
        return None if vote is None else vote.value


def vote_of(emoji: discord.PartialEmoji) -> int | None:
    """What a reaction says: +1, -1, or None for any other; thumbs come in all colours."""
    return VALUES.get(emoji.name.rstrip(SKINS)) if emoji.id is None and emoji.name else None
