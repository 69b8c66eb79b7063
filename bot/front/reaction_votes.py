"""Votes on answers by reactions: 👍 and 👎, and what becomes of them when they are taken back."""

import discord

from bot.agent.agent import Agent
from bot.agent.events import FeedbackGiven
from bot.front.answers import Answers
from bot.front.votes import Votes, vote_of
from bot.store.records import World, WorldKind


class ReactionVotes:
    """Told of reactions, it tells the world that they were given in.

    `votes` are those of this run, by which an answer's buttons count.
    """

    def __init__(self, agent: Agent, answers: Answers, votes: Votes) -> None:
        self._agent = agent
        self._answers = answers
        self._votes = votes

    async def added(self, payload: discord.RawReactionActionEvent, my_id: int | None) -> None:
        """Somebody reacted to a message; `my_id` is the bot's, on whose answers people vote."""
        value = vote_of(payload.emoji)
        mine = payload.message_author_id in (None, my_id)
        a_bot = payload.member is not None and payload.member.bot
        if value is None or not mine or a_bot or payload.user_id == my_id:
            return
        by = (payload.message_id, str(payload.emoji))
        self._votes.cast(self._answers.last_of(payload.message_id), payload.user_id, value, by)
        given = FeedbackGiven(payload.message_id, payload.user_id, value)
        await self._tell(payload.guild_id, given)

    async def removed(self, payload: discord.RawReactionActionEvent, my_id: int | None) -> None:
        """Somebody took a reaction back, and with it their vote."""
        value = vote_of(payload.emoji)
        if value is None or payload.user_id == my_id:
            return
        self._votes.withdraw(self._answers.last_of(payload.message_id), payload.user_id, value)
        taken_back = FeedbackGiven(payload.message_id, payload.user_id, 0, withdrawn=value)
        await self._tell(payload.guild_id, taken_back)

    async def cleared(
        self, guild_id: int | None, message_id: int, emoji: str | None = None
    ) -> None:
        """A moderator took all reactions (of one emoji) off a message, and the votes they were."""
        for gone in self._votes.clear(message_id, emoji):
            taken_back = FeedbackGiven(message_id, gone.user_id, 0, withdrawn=gone.value)
            await self._tell(guild_id, taken_back)

    async def _tell(self, guild_id: int | None, feedback: FeedbackGiven) -> None:
        if guild_id is not None:
            world = World(WorldKind.GUILD, guild_id)
        else:
            world = World(WorldKind.DM, feedback.user_id)
        # Of a world of which nothing is known there is no answer to vote on.
        if self._agent.knows(world):
            async with self._agent.runtime(world) as runtime:
                await runtime.emit(feedback)
