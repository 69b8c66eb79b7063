"""Asking before doing: "Did you mean …?" with two buttons that only the author can press."""

import contextlib
from collections.abc import Awaitable, Callable

import discord

from bot.agent.actions import Action, ActionResult
from bot.front.discord_errors import UNREACHED
from bot.front.telling import tell_broken

EXPIRES_SECONDS = 60.0

Run = Callable[[discord.Interaction], Awaitable[ActionResult]]


class Confirmation(discord.ui.View):
    """Yes and No under the question; `run` does the action when the author presses Yes."""

    def __init__(self, action: Action, author_id: int, run: Run) -> None:
        super().__init__(timeout=EXPIRES_SECONDS)
        self.message: discord.Message | None = None
        self._action = action
        self._author_id = author_id
        self._run = run

    @property
    def question(self) -> str:
        """What the author is asked."""
        return f"Did you mean **{self._action.title}**?"

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Let only the author through; anyone else is told so, and only they see it."""
        if interaction.user.id == self._author_id:
            return True
        await interaction.response.send_message(
            "Only the person I asked can answer that.", ephemeral=True
        )
        return False

    @discord.ui.button(label="Yes", style=discord.ButtonStyle.primary)
    async def yes(
        self, interaction: discord.Interaction, _: "discord.ui.Button[Confirmation]"
    ) -> None:
        """Do it, and say what came of it in place of the question."""
        self.stop()
        await interaction.response.defer()
        result = await self._run(interaction)
        await interaction.edit_original_response(content=result.text, view=None)

    @discord.ui.button(label="No", style=discord.ButtonStyle.secondary)
    async def no(
        self, interaction: discord.Interaction, _: "discord.ui.Button[Confirmation]"
    ) -> None:
        """Do nothing, and say so."""
        self.stop()
        await interaction.response.edit_message(
            content="All right, nothing was changed.", view=None
        )

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _: object, /
    ) -> None:
        """Something broke: the person is told, and the log; nothing is left to press."""
        self.stop()
        await tell_broken(interaction, error, f"Confirming {self._action.name}")
        if self.message is not None:
            with contextlib.suppress(*UNREACHED):
                await self.message.edit(view=None)

    async def on_timeout(self) -> None:
        """Take the buttons away: they would do nothing any more."""
        if self.message is None:
            return
        with contextlib.suppress(*UNREACHED):
            await self.message.edit(content=f"{self.question} (no answer in time)", view=None)
