"""The slash commands of actions: one for every action that names one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

from bot.agent.actions import Action, ActionResult
from bot.front.results import extras

# Discord wants a first response within 3 s; an action that takes longer is announced by then.
ANSWER_SECONDS = 2.0
DESCRIPTIONS = {
    "reasoning": "The custom reasoning service",
    "privacy": "What is recorded of you, and what you want of it",
}

NOT_A_MEMBER = (
    "I am not a member of this server, so there is nothing of it that I could show or set. Whoever "
    "manages it can add me."
)
ON_SERVERS = app_commands.AppInstallationType(guild=True, user=False)
ANYWHERE = app_commands.AppInstallationType(guild=True, user=True)

RunCommand = Callable[[discord.Interaction, Action, str], Awaitable[ActionResult]]


def add_commands(
    tree: app_commands.CommandTree[Any], actions: list[Action], run: RunCommand
) -> None:
    """Put a command on the tree for every action with a `command` ("group name")."""
    groups: dict[str, app_commands.Group] = {}
    for action in actions:
        if action.command is None:
            continue
        group_name, _, name = action.command.partition(" ")
        if group_name not in groups:
            anywhere = any(other.anywhere for other in actions if in_group(other, group_name))
            groups[group_name] = app_commands.Group(
                name=group_name,
                description=DESCRIPTIONS.get(group_name, f"{group_name.title()} commands"),
                guild_only=not anywhere,
                allowed_installs=ANYWHERE if anywhere else ON_SERVERS,
            )
            tree.add_command(groups[group_name])
        groups[group_name].add_command(command_of(name, action, run))


def command_of(name: str, action: Action, run: RunCommand) -> app_commands.Command[Any, ..., None]:
    """The slash command of one action."""

    async def plain(interaction: discord.Interaction) -> None:
        await respond(interaction, run(interaction, action, ""))

    async def with_text(interaction: discord.Interaction, text: str) -> None:
        await respond(interaction, run(interaction, action, text))

    async def with_choice(interaction: discord.Interaction, text: str = "") -> None:
        await respond(interaction, run(interaction, action, text or action.choices[0]))

    callback: Any = plain
    if action.parameter is not None:
        callback = with_choice if action.choices else with_text
    # Before it becomes a command: what is described later is not translated.
    if action.parameter is not None:
        app_commands.describe(text=action.parameter)(callback)
        app_commands.rename(text=action.option)(callback)
    if action.choices:
        choices = [app_commands.Choice(name=choice, value=choice) for choice in action.choices]
        app_commands.choices(text=choices)(callback)
    return app_commands.Command(name=name, description=action.description, callback=callback)


def in_group(action: Action, name: str) -> bool:
    """Whether an action's command is in the group of that name."""
    return action.command is not None and action.command.partition(" ")[0] == name


async def respond(interaction: discord.Interaction, running: Awaitable[ActionResult]) -> None:
    """Answer with the result, only for the caller's eyes where it is private."""
    task = asyncio.ensure_future(running)
    done, _ = await asyncio.wait([task], timeout=ANSWER_SECONDS)
    if done:
        result = task.result()
        await interaction.response.send_message(
            result.text, ephemeral=result.private, **extras(result, interaction.app_permissions)
        )
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    result = await task
    await interaction.followup.send(
        result.text, ephemeral=True, **extras(result, interaction.app_permissions)
    )
