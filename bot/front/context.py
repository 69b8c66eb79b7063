"""What the model is shown of the conversation: the reply chain, and what was said last."""

import logging
from collections.abc import Callable

import discord

from bot.front.discord_errors import UNREACHED
from bot.front.gate import SPOKEN
from bot.front.people import chat_message
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

CHAIN_LENGTH = 6


async def gather_context(
    question: discord.Message,
    me: discord.abc.User,
    is_left_out: Callable[[discord.Message], bool],
    *,
    messages: int,
    characters: int,
) -> tuple[ChatMessage, ...]:
    """The conversation up to and with `question`, oldest first.

    At most `messages` from before it, of `characters` together: those that it replies to first,
    then the latest of the channel. `is_left_out` tells what is no part of a conversation
    (commands, unfinished answers); answers to those are left out, too, and so are other bots.
    """
    chain = await reply_chain(question)
    recent = await recent_messages(question, messages)
    seen = {question.id}
    chosen: list[discord.Message] = []
    room = characters
    for message in (*chain, *recent):
        if message.id in seen or not belongs(message, me, is_left_out):
            continue
        seen.add(message.id)
        room -= len(message.content)
        if room < 0 or len(chosen) >= messages:
            break
        chosen.append(message)
    chosen.sort(key=lambda message: message.id)
    return tuple(chat_message(message, me) for message in (*chosen, question))


def belongs(
    message: discord.Message, me: discord.abc.User, is_left_out: Callable[[discord.Message], bool]
) -> bool:
    """Whether a message is a part of the conversation."""
    if message.type not in SPOKEN or not message.content or is_left_out(message):
        return False
    if message.author.id != me.id:
        return not message.author.bot
    if message.flags.silent:
        # An announcement, such as the notice that exchanges are recorded.
        return False
    question = message.reference.resolved if message.reference else None
    return not (isinstance(question, discord.Message) and is_left_out(question))


async def reply_chain(question: discord.Message) -> list[discord.Message]:
    """The messages that `question` replies to, the nearest first."""
    chain: list[discord.Message] = []
    message = question
    while message.reference is not None and len(chain) < CHAIN_LENGTH:
        earlier = message.reference.resolved or message.reference.cached_message
        if earlier is None and message.reference.message_id is not None:
            try:
                earlier = await message.channel.fetch_message(message.reference.message_id)
            except UNREACHED:
                break
        if not isinstance(earlier, discord.Message):
            break
        chain.append(earlier)
        message = earlier
    return chain


async def recent_messages(question: discord.Message, limit: int) -> list[discord.Message]:
    """The latest messages of the channel before `question`, the newest first."""
    if limit == 0:
        return []
    try:
        return [message async for message in question.channel.history(limit=limit, before=question)]
    except UNREACHED as error:
        # Without them the bot knows what it was just told, and that is enough to answer.
        log.info("No earlier messages of channel %d: %s", question.channel.id, error)
        return []
