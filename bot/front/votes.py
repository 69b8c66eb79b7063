"""Votes on answers, by buttons and by reactions: one a person, the last one counts."""

from collections import OrderedDict

import discord

REMEMBERED = 5_000
VALUES = {"👍": 1, "👎": -1}
SKINS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff\ufe0f"


class Votes:
    """The latest votes: a button that is pressed again takes its vote back.

    A reply goes by the last of its messages.
    """

    def __init__(self) -> None:
        self._votes: OrderedDict[tuple[int, int], int] = OrderedDict()

    def known(self, reply_id: int, user_id: int) -> bool:
        """Whether a person's vote on a reply is known here, also that they have none."""
        return (reply_id, user_id) in self._votes

    def press(self, reply_id: int, user_id: int, value: int) -> int:
        """The vote of a person on a reply after they pressed the button of this value."""
        vote = 0 if self._votes.get((reply_id, user_id)) == value else value
        self.cast(reply_id, user_id, vote)
        return vote

    def cast(self, reply_id: int, user_id: int, value: int) -> None:
        """A person's vote is this."""
        self._votes[reply_id, user_id] = value
        self._votes.move_to_end((reply_id, user_id))
        if len(self._votes) > REMEMBERED:
            self._votes.popitem(last=False)

    def withdraw(self, reply_id: int, user_id: int, value: int) -> None:
        """A person takes this vote back; another that they gave since stands."""
        if self._votes.get((reply_id, user_id)) == value:
            self.cast(reply_id, user_id, 0)


def vote_of(emoji: discord.PartialEmoji) -> int | None:
    """What a reaction says: +1, -1, or None for any other; thumbs come in all colours."""
    return VALUES.get(emoji.name.rstrip(SKINS)) if emoji.id is None and emoji.name else None
