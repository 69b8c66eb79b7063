"""The commands' tree: what breaks in a command reaches the person as one calm sentence."""

from typing import Any

import discord
from discord import app_commands

from bot.front.telling import tell_broken


class CommandTree(app_commands.CommandTree[Any]):
    """discord.py's, with an answer to the person for every error."""

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Log what broke, and say so."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        name = getattr(interaction.command, "qualified_name", "?")
        await tell_broken(interaction, cause, f"Command {name}")
