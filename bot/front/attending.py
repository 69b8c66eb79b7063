"""What becomes of a message that may be for the bot: an action, a question back, or an answer."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.agent.actions import Action, ActionResult
from bot.agent.agent import Agent
from bot.agent.messages import Message, Question
from bot.agent.models import ModelType
from bot.agent.runtime import AgentRuntime
from bot.front.answering import Answering
from bot.front.answers import Answers, Asking
from bot.front.confirmation import Confirmation
from bot.front.conversation import SORRY, Conversation, Task
from bot.front.decisions import DecisionLog
from bot.front.discord_errors import UNREACHED
from bot.front.gate import Attention
from bot.front.open_channels import OpenChannels
from bot.front.people import author_of, speaker, without_mention, world_of
from bot.front.permission_check import permissions_in
from bot.front.results import extras
from bot.front.settings_book import SettingsBook
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

RunCommand = Callable[[discord.Interaction, Action, str], Awaitable[ActionResult]]
"""Runs an action for whoever pressed or typed, with a text."""


@dataclass(frozen=True, slots=True)
class Attending:
    """Everything that it takes. `own` runs what goes on after this; `on_handled` is told the id of
    each message when it is done.
    """

    client: discord.Client
    agent: Agent
    book: SettingsBook
    channels: OpenChannels
    answering: Answering
    answers: Answers
    conversation: Conversation
    decisions: DecisionLog
    run_command: RunCommand
    own: Callable[[Coroutine[Any, Any, None]], None]
    on_handled: Callable[[int], None] | None

    async def handle(self, message: discord.Message, kind: Attention) -> None:
        """Do what this message asks for, if anything; whatever fails is told."""
        # Begun before anything is decided, so that a deletion is noticed from here on.
        asking = self.answers.begin(message.id, message.content)
        try:
            async with self.agent.runtime(world_of(message.guild, message.author)) as runtime:
                await self._attend(runtime, message, kind, asking)
        except discord.Forbidden as error:
            log.warning("May not answer in channel %d: %s", message.channel.id, error)
        except UNREACHED as error:
            log.error("Could not answer message %d: %s", message.id, error)
        except Exception:
            log.exception("Could not answer message %d", message.id)
            with contextlib.suppress(*UNREACHED):
                await message.reply(SORRY.format(reference=message.id), mention_author=False)
        finally:
            if asking is not None:
                self.answers.end(asking)
            if self.on_handled is not None:
                self.on_handled(message.id)

    async def _attend(
        self,
        runtime: AgentRuntime,
        message: discord.Message,
        kind: Attention,
        asking: Asking | None,
    ) -> None:
        addressed = kind is Attention.ADDRESSED
        me = self.client.user
        assert me is not None  # noqa: S101 - there are no messages before READY
        told = Message(
            id=message.id,
            room_id=message.channel.id,
            author=author_of(message.author, message.guild),
            text=without_mention(message, me),
            addressed=addressed,
        )
        handling = runtime.handle_message(told)
        if self.agent.matcher.might_match(told.text):
            handling = self.book.watched(runtime, told.author.id, handling)
        outcome = await handling
        if isinstance(outcome, ActionResult):
            allowed = permissions_in(message.channel)
            await message.reply(outcome.text, mention_author=False, **extras(outcome, allowed))
        elif isinstance(outcome, Question):
            await self._ask(outcome.action, message)
        elif kind is not Attention.COMMAND and asking is not None:
            await self._converse(runtime, message, kind, asking, me)

    async def _converse(
        self,
        runtime: AgentRuntime,
        message: discord.Message,
        kind: Attention,
        asking: Asking,
        me: discord.ClientUser,
    ) -> None:
        settings = await self.book.of(runtime)
        name = speaker(settings.name or (message.guild.me if message.guild else me).display_name)

        async def context() -> Sequence[ChatMessage]:
            model = runtime.agent.models.find(ModelType.TEXT_SMALL)
            budget = self.conversation.budget(model)
            found = await self.conversation.context_of(runtime, message, me, budget, messages=6)
            return found.messages

        decision = await self.answering.decide(
            runtime, settings, message, kind, name=name, context=context
        )
        self.decisions.note(message.channel.id, message.id, message.author.id, decision)
        if decision.notice is not None:
            self.own(say_for_a_while(message, decision.notice, decision.notice_seconds))
        if not decision.answers:
            return
        if isinstance(message.channel, discord.Thread):
            self.channels.join_thread(message.channel.id)
        task = Task(message, message.author.id, settings)
        await self.conversation.answer(runtime, task, asking, me)

    async def _ask(self, action: Action, message: discord.Message) -> None:
        async def run(interaction: discord.Interaction) -> ActionResult:
            return await self.run_command(interaction, action, "")

        confirmation = Confirmation(action, message.author.id, run)
        confirmation.message = await message.reply(
            confirmation.question, view=confirmation, mention_author=False
        )


async def say_for_a_while(question: discord.Message, text: str, seconds: int) -> None:
    """Reply with something that goes away by itself, or with the bot."""
    try:
        said = await question.reply(text, mention_author=False)
    except UNREACHED as error:
        log.info("Message %d is not told to wait: %s", question.id, error)
        return
    try:
        await asyncio.sleep(seconds)
    finally:
        with contextlib.suppress(*UNREACHED):
            await said.delete()
