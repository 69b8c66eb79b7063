"""The commands' tree: what breaks in a command reaches the person as one calm sentence."""

import contextlib
import logging
from typing import Any

import discord
from discord import app_commands

from bot.front.discord_errors import UNREACHED
from bot.store.problems import StoreError

log = logging.getLogger(__name__)

SORRY = "😕 That did not work just now. Please try again in a moment. (`{reference}`)"
NO_STORE = "❌ The records cannot be used at present. {reason}"


class CommandTree(app_commands.CommandTree[Any]):
    """discord.py's, with an answer to the person for every error."""

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Log what broke, and say so, with the id that the log has too."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        name = getattr(interaction.command, "qualified_name", "?")
        text = SORRY.format(reference=interaction.id)
        if isinstance(cause, StoreError):
            log.error("Command %s (%d): %s", name, interaction.id, cause)
            text = NO_STORE.format(reason=cause.public)
        elif isinstance(cause, UNREACHED):
            # Expired interactions end here, too: nobody can be told any more.
            log.warning("Command %s (%d) was not answered: %s", name, interaction.id, cause)
        else:
            log.error("Command %s (%d) failed", name, interaction.id, exc_info=cause)
        if interaction.type is discord.InteractionType.autocomplete:
            return
        with contextlib.suppress(*UNREACHED):
            if interaction.response.is_done():
                await interaction.followup.send(text, ephemeral=True)
            else:
                await interaction.response.send_message(text, ephemeral=True)
