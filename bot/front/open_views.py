"""The panels and lists that are open. What a press finds closed, says so instead of nothing."""

import contextlib
import re
from typing import Any, Protocol

import discord

from bot.front.discord_errors import UNREACHED

CUSTOM_ID = re.compile(r"(?P<kind>panel|records):(?P<token>[0-9a-f]{8}):")
EXPIRED = {
    "panel": "⌛ This panel has closed. `/agent settings` opens another.",
    "records": "⌛ This list has closed. `/records list` opens another.",
}


class OpenView(Protocol):
    """What can be closed."""

    async def close(self) -> None:
        """Leave a word in its place."""


class OpenViews:
    """Those that are open, by the token that the custom ids of their parts have in them."""

    def __init__(self) -> None:
        self._open: dict[str, OpenView] = {}

    def add(self, token: str, view: OpenView) -> None:
        """It opens."""
        self._open[token] = view

    def discard(self, token: str) -> None:
        """It is closed."""
        self._open.pop(token, None)

    async def answer(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a press on one that is not open, as after a restart; the others answer theirs."""
        if interaction.type is not discord.InteractionType.component:
            return
        data: Any = interaction.data
        found = CUSTOM_ID.match(data["custom_id"])
        if found is None or found["token"] in self._open:
            return
        with contextlib.suppress(*UNREACHED):
            await interaction.response.edit_message(**left_behind(found["kind"]))

    async def close(self) -> None:
        """Close all of them: the bot leaves."""
        for view in list(self._open.values()):
            await view.close()


def left_behind(kind: str, text: str | None = None) -> dict[str, Any]:
    """What stands where one was, as arguments for an edit: `text`, or that it has closed."""
    text = EXPIRED[kind] if text is None else text
    if kind == "panel":
        view = discord.ui.LayoutView(timeout=None)
        view.add_item(discord.ui.TextDisplay(text))
        view.stop()
        return {"view": view}
    return {"content": text, "embed": None, "view": None}
