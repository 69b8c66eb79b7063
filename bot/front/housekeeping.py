"""Housekeeping: what happened in Discord while nobody looked, slowly and never in chat's way.

Servers, channels, messages and members are looked up one at a time with a pause between; discord.py
keeps to Discord's rate limits besides. Everything may be done again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

import discord

from bot.agent.agent import Agent
from bot.agent.events import MessageEdited, MessagesDeleted
from bot.agent.upkeep import Upkeep
from bot.front.absences import changes_in, is_deleted, places_of
from bot.front.discord_errors import UNREACHED
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind

if TYPE_CHECKING:
    from bot.front.client import UnderstudyClient

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2
FIRST_SWEEP_SECONDS = 600.0
DAY_SECONDS = 86_400.0
LOOKED_BACK_DAYS = 14
MESSAGES_A_ROOM = 200
UNKNOWN_MEMBER, UNKNOWN_USER, UNKNOWN_CHANNEL = 10_007, 10_013, 10_003


class Housekeeping:
    """Of one client. Its coroutines are run as tasks that the client owns."""

    def __init__(
        self, client: "UnderstudyClient", agent: Agent, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._client = client
        self._agent = agent
        self._pause_seconds = pause_seconds
        self._catching_up = asyncio.Lock()
        self._waiting = False

    async def joined(self, guild_id: int) -> None:
        """The bot was added to a server."""
        if (upkeep := self._agent.upkeep) is not None:
            await done(upkeep.joined(guild_id))

    async def left(self, guild_id: int) -> None:
        """The bot was removed from a server."""
        upkeep = self._agent.upkeep
        if upkeep is not None and self._agent.knows(World(WorldKind.GUILD, guild_id)):
            await done(upkeep.left(guild_id))

    async def room_gone(self, guild_id: int, room_id: int) -> None:
        """A channel or thread was deleted."""
        world = World(WorldKind.GUILD, guild_id)
        if (upkeep := self._agent.upkeep) is not None and self._agent.knows(world):
            await done(upkeep.rooms_gone(world, [room_id]))

    async def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """A channel was deleted, and with it its threads, of which Discord does not tell.

        Which they were nobody knows any more where they were archived: all rooms are looked up.
        """
        await self.room_gone(guild_id, channel_id)
        world = World(WorldKind.GUILD, guild_id)
        if (upkeep := self._agent.upkeep) is not None and self._agent.knows(world):
            await done(self._rooms(upkeep, world))

    async def answers_gone(self, world: World, room_id: int, message_ids: Sequence[int]) -> None:
        """Messages were deleted: if they were answers to commands, their questions go with them."""
        if (upkeep := self._agent.upkeep) is not None:
            await done(self._questions(upkeep, world, room_id, message_ids))

    async def catch_up(self) -> None:
        """Follow what was deleted and edited while the bot was down, as far as Discord tells."""
        upkeep = self._agent.upkeep
        if upkeep is None or self._waiting:
            return
        # One that is under way may be past what happened since: then another follows it.
        self._waiting = True
        async with self._catching_up:
            self._waiting = False
            await done(upkeep.present({guild.id for guild in self._client.guilds}))
            for world in upkeep.worlds():
                if self._in_reach(world):
                    await done(self._rooms(upkeep, world))
                    await done(self._messages(upkeep, world))

    async def daily(self) -> None:
        """Once a day, forget in every server who is no member of it any more."""
        await self._client.wait_until_ready()
        await asyncio.sleep(FIRST_SWEEP_SECONDS)
        while True:
            began = time.monotonic()
            await self.sweep()
            await asyncio.sleep(max(DAY_SECONDS - (time.monotonic() - began), 0.0))

    async def sweep(self) -> None:
        """Forget in every server who is no member of it any more, and rooms that are gone."""
        upkeep = self._agent.upkeep
        if upkeep is None:
            return
        for world in upkeep.worlds():
            if self._in_reach(world):
                await done(self._rooms(upkeep, world))
                await done(self._members(upkeep, world))

    def _in_reach(self, world: World) -> bool:
        if world.kind is WorldKind.DM:
            return True
        guild = self._client.get_guild(world.id)
        return guild is not None and not guild.unavailable

    async def _rooms(self, upkeep: Upkeep, world: World) -> None:
        """Look for channels and threads that were deleted."""
        gone = [
            room_id
            for room_id in await upkeep.rooms(world)
            if world.kind is WorldKind.GUILD and await self._room(room_id) is None
        ]
        if gone:
            await upkeep.rooms_gone(world, gone)

    async def _room(self, room_id: int) -> discord.abc.Messageable | bool | None:
        """The room; None when it is gone; False when it cannot be looked into."""
        found: object = self._client.get_channel(room_id)
        if found is None:
            await self._pause()
            try:
                found = await self._client.fetch_channel(room_id)
            except discord.HTTPException as error:
                return None if error.code == UNKNOWN_CHANNEL else False
            except UNREACHED:
                return False
        return found if isinstance(found, discord.abc.Messageable) else False

    async def _messages(self, upkeep: Upkeep, world: World) -> None:
        """Follow the deletions and edits of what was quoted lately."""
        me = self._client.user
        since = round((time.time() - LOOKED_BACK_DAYS * 86_400) * 1000)
        quoted = await upkeep.quoted(world, since, MESSAGES_A_ROOM)
        for room_id, messages in quoted.items():
            room = await self._room(room_id)
            if room is None or isinstance(room, bool) or me is None:
                continue
            for place, some in places_of(room, room_id, messages):
                try:
                    missing, edited = await changes_in(place, some, me, self._pause)
                    gone = [number for number in missing if await self._deleted(place, number)]
                except UNREACHED as error:
                    log.info("Changes in channel %d are not known: %s", room_id, error)
                    continue
                if gone or edited:
                    log.info(
                        "While the bot was away: %d deletions, %d edits", len(gone), len(edited)
                    )
                await self._tell(world, gone, edited)
                await self._questions(upkeep, world, room_id, gone)

    async def _questions(
        self, upkeep: Upkeep, world: World, room_id: int, answers: Sequence[int]
    ) -> None:
        """Follow deleted answers to commands, whose questions stand in no message of their own.

        Nothing here tells which those are: Discord is asked for the message.
        """
        questions = await upkeep.asked_for(world, room_id, answers) if answers else ()
        room = await self._room(room_id) if questions else None
        if room is None or isinstance(room, bool):
            return
        try:
            gone = [number for number in questions if await self._deleted(room, number)]
        except UNREACHED as error:
            log.info("Whether questions in channel %d are there is not known: %s", room_id, error)
            return
        await self._tell(world, gone, ())

    async def _deleted(self, room: discord.abc.Messageable, message_id: int) -> bool:
        await self._pause()
        return await is_deleted(room, message_id)

    async def _tell(
        self, world: World, gone: Sequence[int], edited: Sequence[MessageEdited]
    ) -> None:
        if not gone and not edited:
            return
        async with self._agent.runtime(world) as runtime:
            if gone:
                await runtime.emit(MessagesDeleted(gone))
            for edit in edited:
                await runtime.emit(edit)

    async def _members(self, upkeep: Upkeep, world: World) -> None:
        """Look for those of whom something is kept, and who are no members any more."""
        guild = self._client.get_guild(world.id) if world.kind is WorldKind.GUILD else None
        if guild is None:
            return
        for user_id in await upkeep.authors(world):
            if guild.get_member(user_id) is not None:
                continue
            await self._pause()
            try:
                await guild.fetch_member(user_id)
            except discord.NotFound as error:
                if error.code in (UNKNOWN_MEMBER, UNKNOWN_USER):
                    await upkeep.member_gone(world, user_id)
            except UNREACHED as error:
                log.info("Whether a member is still there is not known: %s", error)

    async def _pause(self) -> None:
        await asyncio.sleep(self._pause_seconds)


async def done(work: Awaitable[None]) -> None:
    """Do it; where the records cannot follow, the log says so, and it is done another time."""
    try:
        await work
    except StoreError as error:
        log.error("A change in Discord is not in the records yet: %s", error)
    except Exception:
        log.exception("Housekeeping failed")
