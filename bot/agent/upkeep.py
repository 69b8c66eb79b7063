"""Upkeep: what becomes of the records when Discord changes. A plugin offers it as `agent.upkeep`.

The front notices what happened in Discord, also while the bot was down, and says so here.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from bot.store.quoting import Quoted
from bot.store.records import World


class Upkeep(Protocol):
    """Every call may take long, and may be repeated. Raises StoreError when it cannot be done."""

    async def present(self, guild_ids: Collection[int]) -> None:
        """The bot is in these servers and no others."""

    async def joined(self, guild_id: int) -> None:
        """The bot was added to a server."""

    async def left(self, guild_id: int) -> None:
        """The bot was removed from a server."""

    async def rooms_gone(self, world: World, room_ids: Sequence[int]) -> None:
        """Channels or threads were deleted."""

    async def member_gone(self, world: World, user_id: int) -> None:
        """Somebody is no member of a server any more."""

    def worlds(self) -> Sequence[World]:
        """Every world of which something is kept."""

    async def authors(self, world: World) -> Sequence[int]:
        """Everyone of whom something is kept there."""

    async def rooms(self, world: World) -> Sequence[int]:
        """Every room with something kept."""

    async def quoted(self, world: World, since: int, a_room: int) -> Mapping[int, Sequence[Quoted]]:
        """What was quoted since that time (ms): the newest `a_room` messages of each room."""

    async def asked_for(
        self, world: World, room_id: int, message_ids: Sequence[int]
    ) -> Sequence[int]:
        """The ids of the questions of a room, with texts, whose answers these messages carried."""
