"""Which messages are for the agent: the cheapest tests first, no await, no store.

Most messages that a bot sees are not for it, so each one has to cost next to nothing.
"""

from collections.abc import Set
from enum import Enum

import discord

from bot.agent.intents import IntentMatcher, Outcome

SPOKEN = (discord.MessageType.default, discord.MessageType.reply)


class Attention(Enum):
    """What a message is to the agent."""

    NONE = "not for the agent"
    COMMAND = "a whole command, said into the room"
    OPEN = "said where every message may be for the agent"
    ADDRESSED = "said to the agent"


def attention(
    message: discord.Message,
    me: discord.abc.User,
    matcher: IntentMatcher,
    open_channels: Set[int],
) -> Attention:
    """Whether the agent should attend to this message. Bots, itself included, it never hears."""
    if message.author.bot or message.webhook_id is not None or message.type not in SPOKEN:
        return Attention.NONE
    if message.guild is None or is_addressed(message, me):
        return Attention.ADDRESSED
    elsewhere = Attention.OPEN if message.channel.id in open_channels else Attention.NONE
    if not matcher.might_match(message.content):
        return elsewhere
    match = matcher.match(message.content, addressed=False)
    return Attention.COMMAND if match.outcome is Outcome.ACT else elsewhere


def is_addressed(message: discord.Message, me: discord.abc.User) -> bool:
    """Whether the message mentions the bot (or its own role), or replies to it."""
    if me.id in message.raw_mentions:
        return True
    if message.reference is not None:
        replied_to = message.reference.resolved
        if isinstance(replied_to, discord.Message) and replied_to.author.id == me.id:
            return True
    if message.raw_role_mentions and message.guild is not None:
        role = message.guild.self_role
        return role is not None and role.id in message.raw_role_mentions
    return False
