"""What the model is shown: the reply chain, what was said last, and what a thread began with."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import discord

from bot.agent.models import ImageInput
from bot.front.attachments import Attachments, images_of
from bot.front.discord_errors import UNREACHED
from bot.front.gate import SPOKEN
from bot.front.history import History
from bot.front.people import chat_message, place_of_start, readable
from bot.front.token_budget import TokenBudget
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

CHAIN_LENGTH = 6

LeftOut = Callable[[discord.Message], bool]


@dataclass(frozen=True, slots=True)
class Context:
    """The conversation up to and with a question, oldest first, and the images in it."""

    messages: tuple[ChatMessage, ...]
    images: tuple[ImageInput, ...] = ()


class ContextReader:
    """Reads the conversation back from Discord; nothing of it is stored: a restart loses none."""

    def __init__(self) -> None:
        self._attachments = Attachments()
        self._history = History()

    async def gather(
        self,
        question: discord.Message,
        me: discord.abc.User,
        is_left_out: LeftOut,
        *,
        messages: int,
        budget: TokenBudget,
        with_images: bool = False,
    ) -> Context:
        """The context of `question`: at most `messages` from before it, within the budget.

        Those that it replies to come first, then the latest of the channel, then what the thread
        began with. `is_left_out` tells what is no part of a conversation (commands, unfinished
        answers); answers to those are left out, too, and so are other bots.
        """
        asked = chat_message(question, me, await self._text(question, me))
        # The question is there whatever it costs; providers shorten what is too long for them.
        budget.reserve(asked.content)
        chosen = {question.id: (question, asked)}
        # What is read back has no nicknames; one person is to have one name all through.
        names = {question.author.id: question.author.display_name}
        before = [*await reply_chain(question), *await self._recent(question, messages)]
        start = await thread_start(question, before)
        for message in (*before, *start):
            if message.id in chosen or not belongs(message, me, is_left_out):
                continue
            if len(chosen) > messages and message not in start:
                continue
            name = names.setdefault(message.author.id, message.author.display_name)
            said = chat_message(message, me, await self._text(message, me), name)
            if not budget.take(said.content):
                break
            chosen[message.id] = message, said
        ordered = sorted(chosen.values(), key=lambda pair: pair[0].id)
        # The newest images matter most where there are too many.
        sources = [message for message, _ in reversed(ordered)] if with_images else []
        return Context(tuple(said for _, said in ordered), await images_of(sources))

    def forget(self, message_ids: Iterable[int]) -> None:
        """Messages are gone: nothing of them stays in memory here."""
        self._history.forget(message_ids)

    def forget_all(self) -> None:
        """Channels are gone, or what happened in them was not told."""
        self._history.forget_all()

    async def _recent(self, question: discord.Message, limit: int) -> Sequence[discord.Message]:
        """The latest messages of the channel before `question`, the newest first."""
        if limit == 0:
            return []
        try:
            return await self._history.before(question, limit)
        except UNREACHED as error:
            # Without them the bot knows what it was just told, and that is enough to answer.
            log.info("No earlier messages of channel %d: %s", question.channel.id, error)
            return []

    async def _text(self, message: discord.Message, me: discord.abc.User) -> str:
        attached = await self._attachments.describe(message)
        return "\n".join(filter(None, (readable(message, me), attached)))


def belongs(message: discord.Message, me: discord.abc.User, is_left_out: LeftOut) -> bool:
    """Whether a message is a part of the conversation."""
    something = message.content or message.attachments
    if message.type not in SPOKEN or not something or is_left_out(message):
        return False
    if message.author.id != me.id:
        # Of a webhook's message nobody is the author, whoever may be behind it.
        return not message.author.bot and message.webhook_id is None
    if message.flags.silent:
        # An announcement, such as the notice that exchanges are recorded.
        return False
    question = message.reference.resolved if message.reference else None
    return not (isinstance(question, discord.Message) and is_left_out(question))


async def reply_chain(question: discord.Message) -> Sequence[discord.Message]:
    """The messages that `question` replies to, the nearest first.

    A forwarded message refers to another channel, or another server: that is not followed.
    """
    chain: list[discord.Message] = []
    message = question
    while (reference := message.reference) is not None and len(chain) < CHAIN_LENGTH:
        if reference.channel_id != question.channel.id or reference.message_id is None:
            break
        earlier = reference.resolved or reference.cached_message
        if earlier is None:
            try:
                earlier = await message.channel.fetch_message(reference.message_id)
            except UNREACHED:
                break
        if not isinstance(earlier, discord.Message):
            break
        chain.append(earlier)
        message = earlier
    return chain


async def thread_start(
    question: discord.Message, known: Sequence[discord.Message]
) -> Sequence[discord.Message]:
    """The message that a thread began with, which has the thread's id, if it is not known yet."""
    thread = question.channel
    if not isinstance(thread, discord.Thread) or any(m.id == thread.id for m in known):
        return []
    place = place_of_start(thread)
    if place is None:
        return []
    try:
        return [await place.fetch_message(thread.id)]
    except UNREACHED as error:
        log.debug("Thread %d began without a message: %s", thread.id, error)
        return []
