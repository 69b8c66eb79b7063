"""The group `/agent`: what its admins ask the agent about itself."""

import textwrap
from typing import Any

import discord
from discord import app_commands

from bot.agent.permissions import Permission
from bot.front.decisions import Decided, DecisionLog
from bot.front.people import author_of

NOTHING = (
    "Since I started I have decided nothing in this channel. A message that does not mention me, "
    "in a channel where I answer only mentions, passes me by unseen."
)
DESCRIPTION = 4_096
"""Characters that Discord takes in an embed's description."""
REASON = 68
REFUSED = f"🔒 Only members with **{Permission.MANAGE_GUILD}** can see that."


def agent_group(decisions: DecisionLog) -> app_commands.Group:
    """The group with its commands. Only for admins, who are checked again here."""
    group = app_commands.Group(
        name="agent",
        description="How the agent behaves here",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(name="why", description="Why the agent answered here lately, or did not.")
    async def why(interaction: discord.Interaction[Any]) -> None:
        if not author_of(interaction.user, interaction.guild).may(Permission.MANAGE_GUILD):
            await interaction.response.send_message(REFUSED, ephemeral=True)
            return
        decided = decisions.of(interaction.channel_id or 0)
        if not decided:
            await interaction.response.send_message(NOTHING, ephemeral=True)
            return
        lines = "\n".join(described(decision, interaction) for decision in decided)[:DESCRIPTION]
        shown = discord.Embed(title="The last decisions in this channel", description=lines)
        await interaction.response.send_message(embed=shown, ephemeral=True)

    return group


def described(decided: Decided, interaction: discord.Interaction[Any]) -> str:
    """One line for a decision, with a link to the message; twenty of them fit."""
    place = f"{interaction.guild_id or '@me'}/{interaction.channel_id}/{decided.message_id}"
    said = discord.utils.snowflake_time(decided.message_id)
    mark = "✅" if decided.decision.answers else "➖"
    return (
        f"{mark} [{discord.utils.format_dt(said, 'T')}](https://discord.com/channels/{place}) "
        f"<@{decided.author_id}>: {textwrap.shorten(decided.decision.reason, REASON)}"
    )
