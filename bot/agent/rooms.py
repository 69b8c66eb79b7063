"""A room: a channel, a thread or a direct message, as plugins may speak in it."""

from typing import Protocol

from bot.agent.actions import ActionResult


class RoomError(Exception):
    """Nothing could be said in the room. The message says why."""


class Room(Protocol):
    """`parent_id` is the channel that a thread belongs to."""

    @property
    def id(self) -> int:
        """Discord's id of the channel or thread."""

    @property
    def parent_id(self) -> int | None:
        """The channel of a thread; None for anything else."""

    async def post(self, result: ActionResult) -> None:
        """Say something there, for everyone to see. Raises RoomError."""
