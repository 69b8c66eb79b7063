"""The group `/agent`: what its admins ask the agent about itself."""

import textwrap
from typing import Any, Literal

import discord
from discord import app_commands

from bot.agent.agent import Agent
from bot.agent.models import Purpose
from bot.agent.permissions import Permission
from bot.front.agent_settings import BadSettingError, Mode
from bot.front.decisions import Decided, DecisionLog
from bot.front.open_views import OpenViews
from bot.front.panel import SettingsPanel
from bot.front.panel.panel import SAVED, Changes
from bot.front.people import author_of, home_of, world_of
from bot.front.permission_check import report
from bot.front.settings_book import SettingsBook
from bot.front.slash_commands import NOT_A_MEMBER, ON_SERVERS
from bot.store.problems import StoreError

NOTHING = (
    "Since I started I have decided nothing in this channel. A message that does not mention me, "
    "in a channel where I answer only mentions, passes me by unseen."
)
USUAL = "-"
NO_MODEL = "There is no such model here. Choose one from the list."
DESCRIPTION = 4_096
"""Characters that Discord takes in an embed's description."""
REASON = 68
REFUSED = f"🔒 Only members with **{Permission.MANAGE_GUILD}** can do that."


def agent_group(
    agent: Agent, decisions: DecisionLog, book: SettingsBook, views: OpenViews
) -> app_commands.Group:
    """The group with its commands. Only for admins, who are checked again here."""
    group = app_commands.Group(
        name="agent",
        description="How the agent behaves here",
        guild_only=True,
        allowed_installs=ON_SERVERS,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(name="why", description="Why the agent answered here lately, or did not.")
    async def why(interaction: discord.Interaction[Any]) -> None:
        if not await by_admin(interaction):
            return
        decided = decisions.of(interaction.channel_id or 0)
        if not decided:
            await interaction.response.send_message(NOTHING, ephemeral=True)
            return
        lines = "\n".join(described(decision, interaction) for decision in decided)[:DESCRIPTION]
        shown = discord.Embed(title="The last decisions in this channel", description=lines)
        await interaction.response.send_message(embed=shown, ephemeral=True)

    @group.command(name="settings", description="Who the agent is here, where and whom it answers.")
    async def settings(interaction: discord.Interaction[Any]) -> None:
        if await by_admin(interaction) and interaction.guild is not None:
            panel = SettingsPanel(views, agent, book, interaction.guild, interaction.user.id)
            await panel.open(interaction)

    async def offer(
        interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        return offered_models(agent, interaction, typed)

    @group.command(name="mode", description="When the agent answers in a channel.")
    @app_commands.describe(channel="a channel or thread", mode="when it answers there")
    async def mode(
        interaction: discord.Interaction[Any],
        channel: discord.abc.GuildChannel | discord.Thread,
        mode: Literal["mention", "always", "ambient", "never"],
    ) -> None:
        if await by_admin(interaction):
            chosen = Mode(mode)
            await change(
                book, interaction, lambda now: {"modes": {**now.modes, channel.id: chosen}}
            )

    @group.command(name="model", description="Which model is asked for what.")
    @app_commands.describe(purpose="what it is asked for", model="one of those that are here")
    @app_commands.autocomplete(model=offer)
    async def model(
        interaction: discord.Interaction[Any],
        purpose: Literal["planning", "should_respond", "coding"],
        model: str,
    ) -> None:
        if not await by_admin(interaction):
            return
        if model != USUAL and model not in {known.provider for known in agent.models}:
            await interaction.response.send_message(NO_MODEL, ephemeral=True)
            return
        provider = "" if model == USUAL else model
        await change(
            book,
            interaction,
            lambda now: {"models": {**now.models, Purpose(purpose): provider}},
        )

    @group.command(name="check", description="What the agent may do here, and what it lacks.")
    async def check(interaction: discord.Interaction[Any]) -> None:
        if await by_admin(interaction) and interaction.guild is not None:
            text = report(interaction.guild, interaction.channel, interaction.application_id)
            await interaction.response.send_message(text, ephemeral=True)

    return group


async def by_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether an admin uses the command, on a server of the bot's; otherwise they are told."""
    home = home_of(interaction)
    if home is None:
        await interaction.response.send_message(NOT_A_MEMBER, ephemeral=True)
        return False
    if author_of(interaction.user, home).may(Permission.MANAGE_GUILD):
        return True
    await interaction.response.send_message(REFUSED, ephemeral=True)
    return False


async def change(book: SettingsBook, interaction: discord.Interaction[Any], to: Changes) -> None:
    """Change a setting, and say what came of it."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        await book.update(world_of(interaction.guild, interaction.user), interaction.user.id, to)
    except BadSettingError as error:
        text = f"❌ {error} Nothing was changed."
    except StoreError as error:
        text = f"❌ Nothing was changed: it could not be kept. {error.public}"
    else:
        text = SAVED
    await interaction.edit_original_response(content=text)


def offered_models(
    agent: Agent, interaction: discord.Interaction[Any], typed: str
) -> list[app_commands.Choice[str]]:
    """The models whose provider or name has what is typed in it; only for admins."""
    if not author_of(interaction.user, interaction.guild).may(Permission.MANAGE_GUILD):
        return []
    named = {model.provider: f"{model.provider}: {model.name}" for model in agent.models}
    all_of_them = {USUAL: "the usual one", **named}
    fitting = [
        app_commands.Choice(name=name[:100], value=provider)
        for provider, name in all_of_them.items()
        if typed.casefold() in name.casefold() and len(provider) <= 100
    ]
    return fitting[:25]


def described(decided: Decided, interaction: discord.Interaction[Any]) -> str:
    """One line for a decision, with a link to the message; twenty of them fit."""
    place = f"{interaction.guild_id or '@me'}/{interaction.channel_id}/{decided.message_id}"
    said = discord.utils.snowflake_time(decided.message_id)
    mark = "✅" if decided.decision.answers else "➖"
    return (
        f"{mark} [{discord.utils.format_dt(said, 'T')}](https://discord.com/channels/{place}) "
        f"<@{decided.author_id}>: {textwrap.shorten(decided.decision.reason, REASON)}"
    )
