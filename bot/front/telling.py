"""What one person is told about what they used, also when it breaks: never nothing at all."""

import logging
from typing import Any

import discord

from bot.front.discord_errors import UNREACHED
from bot.store.problems import StoreError

log = logging.getLogger(__name__)

FAILED = "😕 That did not work just now. Please try again in a moment. (`{reference}`)"
NO_STORE = "❌ The records cannot be used at present. {reason}"


async def tell(interaction: discord.Interaction[Any], text: str) -> None:
    """Say something that only this person sees. Raises one of UNREACHED."""
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)


async def tell_quietly(interaction: discord.Interaction[Any], text: str) -> None:
    """The same where it may fail."""
    try:
        await tell(interaction, text)
    except UNREACHED as error:
        log.debug("Interaction %d was not answered: %s", interaction.id, error)


async def tell_broken(interaction: discord.Interaction[Any], error: Exception, what: str) -> None:
    """Log that `what` broke, and say so in one sentence, with the id that the log has, too."""
    text = FAILED.format(reference=interaction.id)
    if isinstance(error, StoreError):
        log.error("%s (%d): %s", what, interaction.id, error)
        text = NO_STORE.format(reason=error.public)
    elif isinstance(error, UNREACHED):
        # Expired interactions end here, too: nobody can be told any more.
        log.warning("%s (%d) was not answered: %s", what, interaction.id, error)
    else:
        log.error("%s (%d) failed", what, interaction.id, exc_info=error)
    if interaction.type is not discord.InteractionType.autocomplete:
        await tell_quietly(interaction, text)
