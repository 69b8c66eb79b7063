"""A list of exchanges that is read page by page, by the admin who asked for it."""

import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.agent.permissions import Permission
from bot.front.discord_errors import UNREACHED
from bot.front.open_views import OpenViews, left_behind
from bot.front.people import author_of
from bot.front.records_text import in_a_line
from bot.front.telling import tell_broken
from bot.store.pages import ExchangeSummary
from bot.store.problems import StoreError

PAGE = 10
OPEN_SECONDS = 300.0
KIND = "records"
NOTHING = "No exchange fits."
NOT_YOURS = "🔒 Only the admin who asked for this list can use it."
NO_LONGER = f"🔒 You lack **{Permission.MANAGE_GUILD}** by now, so this list has closed."
FAILED = "❌ The records cannot be read at present. {reason}"

ReadPage = Callable[[int | None], Awaitable[list[ExchangeSummary]]]
"""The newest exchanges below an id (None: the newest of all), one more than a page has if any."""


class RecordsBrowser(discord.ui.View):
    """The pages, with buttons to the newer and the older ones."""

    def __init__(self, views: OpenViews, opener_id: int, read: ReadPage) -> None:
        super().__init__(timeout=OPEN_SECONDS)
        self.token = secrets.token_hex(4)
        self.newer.custom_id = f"{KIND}:{self.token}:newer"
        self.older.custom_id = f"{KIND}:{self.token}:older"
        self._views = views
        self._opener_id = opener_id
        self._read = read
        # Where each page begins that was turned to: what is recorded meanwhile moves none of them.
        self._begins: list[int | None] = [None]
        self._last: discord.Interaction[Any] | None = None
        self._next: int | None = None

    async def open(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a command (that was deferred) with the first page."""
        page = await self._page()
        if self._next is None:
            self.stop()
            await interaction.edit_original_response(embed=page)
            return
        self._views.add(self.token, self)
        self._last = interaction
        await interaction.edit_original_response(embed=page, view=self)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only the admin who opened it through, and only while they are one."""
        if interaction.user.id != self._opener_id:
            await interaction.response.send_message(NOT_YOURS, ephemeral=True)
            return False
        if author_of(interaction.user, interaction.guild).may(Permission.MANAGE_GUILD):
            return True
        self._end()
        await interaction.response.edit_message(**left_behind(KIND, NO_LONGER))
        return False

    async def on_timeout(self) -> None:
        """Nobody used it for a while."""
        await self.close()

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: object, /
    ) -> None:
        """Something broke: the person is told, and the log."""
        await tell_broken(interaction, error, "A press on a list of records")

    async def close(self) -> None:
        """Leave a word where it was."""
        self._end()
        if self._last is not None:
            with contextlib.suppress(*UNREACHED):
                await self._last.edit_original_response(**left_behind(KIND))

    @discord.ui.button(label="Newer")
    async def newer(
        self, interaction: discord.Interaction[Any], _: "discord.ui.Button[RecordsBrowser]"
    ) -> None:
        """A page back."""
        if len(self._begins) > 1:
            self._begins.pop()
        await self._turn(interaction)

    @discord.ui.button(label="Older")
    async def older(
        self, interaction: discord.Interaction[Any], _: "discord.ui.Button[RecordsBrowser]"
    ) -> None:
        """A page on."""
        if self._next is not None:
            self._begins.append(self._next)
        await self._turn(interaction)

    async def _turn(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        page = await self._page()
        self._last = interaction
        await interaction.edit_original_response(embed=page, view=self)

    def _end(self) -> None:
        self.stop()
        self._views.discard(self.token)

    async def _page(self) -> discord.Embed:
        try:
            found = await self._read(self._begins[-1])
            # All that was there, or would have been, is deleted: back to what is left.
            while not found and len(self._begins) > 1:
                self._begins.pop()
                found = await self._read(self._begins[-1])
        except StoreError as error:
            self._next = None
            return discord.Embed(description=FAILED.format(reason=error.public))
        shown = found[:PAGE]
        self._next = shown[-1].id if len(found) > PAGE else None
        self.newer.disabled = len(self._begins) == 1
        self.older.disabled = self._next is None
        return discord.Embed(description="\n".join(map(in_a_line, shown)) or NOTHING)
