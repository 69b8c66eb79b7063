"""A channel of Discord's as a room that plugins may speak in."""

from typing import TYPE_CHECKING

import discord

from bot.agent.actions import ActionResult
from bot.agent.rooms import RoomError
from bot.front.discord_errors import UNREACHED
from bot.front.results import extras

if TYPE_CHECKING:
    from discord.abc import MessageableChannel


class DiscordRoom:
    """Anything that a message can be posted in."""

    def __init__(self, channel: "MessageableChannel") -> None:
        self._channel = channel

    @property
    def id(self) -> int:
        """Discord's id of the channel or thread."""
        return self._channel.id

    @property
    def parent_id(self) -> int | None:
        """The channel of a thread; None for anything else."""
        return self._channel.parent_id if isinstance(self._channel, discord.Thread) else None

    async def post(self, result: ActionResult) -> None:
        """Say something there, silently: so it is known as no part of the conversation.

        Raises RoomError.
        """
        try:
            await self._channel.send(result.text, silent=True, **extras(result))
        except UNREACHED as error:
            raise RoomError(str(error)) from error
