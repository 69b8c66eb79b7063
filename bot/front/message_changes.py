"""Messages that are edited or deleted in Discord: what was made of them follows."""

import logging
from collections import OrderedDict
from datetime import datetime

import discord

from bot.agent.agent import Agent
from bot.agent.events import MessageEdited, MessagesDeleted
from bot.front.answers import Answers, Fate
from bot.front.conversation import Conversation, offer_again
from bot.front.people import readable, world_of
from bot.store.records import World, WorldKind

log = logging.getLogger(__name__)

REMEMBERED_EDITS = 4_096


class MessageChanges:
    """Told of changed messages, it tells whoever answers them, and the world they were said in."""

    def __init__(
        self, client: discord.Client, agent: Agent, answers: Answers, conversation: Conversation
    ) -> None:
        self._client = client
        self._agent = agent
        self._answers = answers
        self._conversation = conversation
        self._edits: OrderedDict[int, datetime] = OrderedDict()

    async def edited(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was changed: so is what is kept of it.

        Pins, threads and previews of links come the same way, and are no edits.
        """
        message = payload.message
        me = self._client.user
        if me is None or message.author.bot or "content" not in payload.data:
            return
        if message.edited_at is None or not self._is_new(message.id, message.edited_at):
            return
        world = world_of(message.guild, message.author)
        await self._offer_again(message)
        if self._agent.knows(world):
            async with self._agent.runtime(world) as runtime:
                text = readable(message, me)
                await runtime.emit(MessageEdited(message.id, message.author.id, text))

    async def deleted(
        self, guild_id: int | None, channel_id: int, message_ids: list[int]
    ) -> World | None:
        """Messages were deleted: so is what is kept of them, and nobody answers them any more.

        Returns their world, where anything is kept of it.
        """
        self._conversation.forget(message_ids)
        for message_id in message_ids:
            self._answers.forget(message_id)
            asking = self._answers.asking(message_id)
            if asking is not None:
                asking.end(Fate.WITHDRAWN)
        world = await self._world_of_channel(guild_id, channel_id)
        if world is None or not self._agent.knows(world):
            return None
        async with self._agent.runtime(world) as runtime:
            await runtime.emit(MessagesDeleted(message_ids))
        return world

    def _is_new(self, message_id: int, edited_at: datetime) -> bool:
        """Whether this edit is told for the first time: it comes again with each later pin."""
        if self._edits.get(message_id) == edited_at:
            return False
        self._edits[message_id] = edited_at
        self._edits.move_to_end(message_id)
        if len(self._edits) > REMEMBERED_EDITS:
            self._edits.popitem(last=False)
        return True

    async def _offer_again(self, question: discord.Message) -> None:
        """A question was changed that was answered, or is being."""
        asking = self._answers.asking(question.id)
        if asking is not None:
            asking.edited = asking.question != question.content
            return
        given = self._answers.given_to(question.id)
        if given is not None and not given.edited and given.question != question.content:
            channel = self._client.get_partial_messageable(question.channel.id)
            reply = channel.get_partial_message(given.message_ids[-1])
            await offer_again(reply, given)

    async def _world_of_channel(self, guild_id: int | None, channel_id: int) -> World | None:
        if guild_id is not None:
            return World(WorldKind.GUILD, guild_id)
        channel = self._client.get_channel(channel_id)
        if channel is None:
            try:
                channel = await self._client.fetch_channel(channel_id)
            except discord.HTTPException as error:
                log.error("A deletion in channel %d is not followed: %s", channel_id, error)
                return None
        if isinstance(channel, discord.DMChannel) and channel.recipient is not None:
            return World(WorldKind.DM, channel.recipient.id)
        return None
