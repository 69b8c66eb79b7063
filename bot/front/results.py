"""What goes with the text of an action's result: its files, and its buttons, which always work."""

import io
import re
from collections.abc import Awaitable
from typing import Any, Protocol, Self, runtime_checkable

import discord

from bot.agent.actions import ActionButton, ActionResult

STYLES = {
    "primary": discord.ButtonStyle.primary,
    "secondary": discord.ButtonStyle.secondary,
    "danger": discord.ButtonStyle.danger,
}


def extras(result: ActionResult, allowed: discord.Permissions | None = None) -> dict[str, Any]:
    """The arguments for discord.py's `send`, beside the text; with `allowed`, those it allows."""
    more: dict[str, Any] = {}
    if result.files and (allowed is None or allowed.attach_files):
        more["files"] = [
            discord.File(io.BytesIO(file.content), file.name, description=file.description)
            for file in result.files
        ]
    if result.buttons:
        more["view"] = view = discord.ui.View(timeout=None)
        for button in result.buttons:
            view.add_item(PressedAction(button))
        # Not to be kept in memory for ever: a press is recognised by its custom_id.
        view.stop()
    return more


@runtime_checkable
class RunsActions(Protocol):
    """The client, as far as a button needs it."""

    def press(self, interaction: discord.Interaction, action: str, text: str) -> Awaitable[None]:
        """Run an action for who pressed a button."""


class PressedAction(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"action:(?P<action>[A-Z_]{1,40}):(?P<text>.{0,50})",
):
    """A button that runs an action, also one that was posted before a restart."""

    def __init__(self, button: ActionButton) -> None:
        super().__init__(
            discord.ui.Button(
                label=button.label,
                style=STYLES[button.style],
                custom_id=f"action:{button.action}:{button.text}",
            )
        )
        self._button = button

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed, from nothing but its id."""
        label = getattr(item, "label", None) or ""
        return cls(ActionButton(label, match["action"], match["text"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        """Run the action; who may is checked there."""
        if isinstance(interaction.client, RunsActions):
            await interaction.client.press(interaction, self._button.action, self._button.text)
