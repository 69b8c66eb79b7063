"""The commands in a message's menu: make an answer again, suggest a better one, forget it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

from bot.agent.agent import Agent
from bot.agent.events import DemonstrationSuggested, MessagesDeleted
from bot.agent.recording import may_record
from bot.agent.runtime import AgentRuntime
from bot.front.controls import AnswerRef, Control, answer_under
from bot.front.people import home_of, is_elsewhere, subject_of, world_of
from bot.front.presses import TARGET, may_control
from bot.front.telling import tell, tell_broken

log = logging.getLogger(__name__)

LONGEST = 4_000
NO_ANSWER = "That is no answer of mine. Use it on one; where it has several parts, on the last."
NOT_MINE = "Use this on one of my answers."
NOTHING_KEPT = "Nothing is recorded here, so there is nowhere to keep it."
NOT_KEPT = "That answer is not in the records, so there is nothing to keep it with."
NOT_AGREED = (
    "You are not recorded here, so your suggestion is not kept. `/privacy opt-in` changes that."
)
THANKS = "✍️ Thank you. It is kept with my answer."
FORGOTTEN = "🧹 What that message said is gone from the records."
ELSEWHERE = "I am not a member here, so I answer `/ask` and keep nothing of what is said."
ONLY_AUTHOR = "Only who wrote that message, and moderators, can do that."

Handle = Callable[[discord.Interaction[Any], Control, AnswerRef], Awaitable[None]]


def message_menus(agent: Agent, handle: Handle) -> list[app_commands.ContextMenu]:
    """The commands; `handle` does what a button under an answer does."""

    async def regenerate(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        if is_elsewhere(interaction):
            await tell(interaction, ELSEWHERE)
            return
        ref = answer_under(message) if is_mine(interaction, message) else None
        if ref is None:
            await tell(interaction, NO_ANSWER)
            return
        interaction.extras[TARGET] = message
        await handle(interaction, Control.REDO, ref)

    async def suggest(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        if is_elsewhere(interaction):
            await tell(interaction, ELSEWHERE)
            return
        if not is_mine(interaction, message) or not message.content:
            await tell(interaction, NOT_MINE)
            return
        await interaction.response.send_modal(Suggestion(agent, message))

    async def forget(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        if is_elsewhere(interaction):
            await tell(interaction, ELSEWHERE)
            return
        if not may_forget(interaction, message):
            await tell(interaction, ONLY_AUTHOR)
            return
        world = world_of(home_of(interaction), interaction.user)
        if agent.knows(world):
            async with agent.runtime(world) as runtime:
                await runtime.emit(MessagesDeleted(words_of(message)))
        await tell(interaction, FORGOTTEN)

    names = {
        "Regenerate": regenerate,
        "Suggest a better answer": suggest,
        "Forget this message": forget,
    }
    menus = [app_commands.ContextMenu(name=name, callback=do) for name, do in names.items()]
    for menu in menus:
        menu.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True)
        menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
    return menus


class Suggestion(discord.ui.Modal):
    """What somebody would rather have read, beginning with what they did read."""

    def __init__(self, agent: Agent, message: discord.Message) -> None:
        super().__init__(title="A better answer", timeout=3_600.0)
        self._agent = agent
        self._reply_id = message.id
        self._ref = answer_under(message)
        self._text: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="better",
            style=discord.TextStyle.paragraph,
            default=message.content[:LONGEST],
            max_length=LONGEST,
        )
        self.add_item(discord.ui.Label(text="What should I have said?", component=self._text))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """It was sent."""
        world = world_of(home_of(interaction), interaction.user)
        async with self._agent.runtime(world) as runtime:
            refusal = await self._against(runtime, interaction.user.id)
            if refusal is None:
                await runtime.emit(
                    DemonstrationSuggested(self._reply_id, interaction.user.id, self._text.value)
                )
        await tell(interaction, refusal or THANKS)

    async def _against(self, runtime: AgentRuntime, user_id: int) -> str | None:
        """Why it is not kept; None where it is. Raises StoreError."""
        if not runtime.store.exists:
            return NOTHING_KEPT
        if not may_record(runtime, user_id):
            return NOT_AGREED
        # A part of an answer that has no buttons does not say which answer it belongs to.
        if self._ref is None:
            kept = await runtime.store.is_answer(self._reply_id)
        else:
            kept = await runtime.store.exchange(self._ref.request_id) is not None
        return None if kept else NOT_KEPT

    async def on_error(  # type: ignore[override] # discord.py's own modal has it so
        self, interaction: discord.Interaction[Any], error: Exception, /
    ) -> None:
        """Something broke: the person is told, and the log."""
        await tell_broken(interaction, error, "A suggestion")


def is_mine(interaction: discord.Interaction[Any], message: discord.Message) -> bool:
    """Whether the bot wrote a message."""
    me = interaction.client.user
    return me is not None and message.author.id == me.id


def may_forget(interaction: discord.Interaction[Any], message: discord.Message) -> bool:
    """Whether they wrote the message, had it written by asking, or moderate the channel."""
    if interaction.user.id == message.author.id:
        return True
    asker_id = 0
    if is_mine(interaction, message):
        ref = answer_under(message)
        asker_id = (subject_of(message) or 0) if ref is None else ref.asker_id
    return may_control(interaction, AnswerRef(0, asker_id, 0))


def words_of(message: discord.Message) -> list[int]:
    """Under which ids the records have a message's words: of /ask the question, too.

    That was said in no message, and goes by the id of the command's use.
    """
    used = message.interaction_metadata
    return [message.id] if used is None else [message.id, used.id]
