"""The settings panel: one message that only the admin who opened it sees and uses."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import discord

from bot.agent.agent import Agent
from bot.agent.permissions import Permission
from bot.front.agent_settings import DEFAULTS, AgentSettings, BadSettingError
from bot.front.discord_errors import UNREACHED
from bot.front.open_views import OpenViews, left_behind
from bot.front.panel.overtaken import changed_meanwhile
from bot.front.panel.pages import Page, body_of
from bot.front.panel.parts import Form, PanelSelect
from bot.front.panel.state import State, read_state
from bot.front.people import author_of, world_of
from bot.front.settings_book import SettingsBook
from bot.front.telling import tell_broken
from bot.store.problems import StoreError

log = logging.getLogger(__name__)

OPEN_SECONDS = 300.0
KIND = "panel"
ACCENT = 0x5865F2

NOT_YOURS = "🔒 Only the admin who opened this panel can use it."
NO_LONGER = f"🔒 You lack **{Permission.MANAGE_GUILD}** by now, so this panel has closed."
SAVED = "✅ Saved, and in effect."
OVERTAKEN = (
    "\n⚠️ Somebody else had changed this since you looked: {what}. Yours counts; what it was is "
    "under Changes."
)

Changes = Callable[[AgentSettings], Mapping[str, Any]]


class Face(discord.ui.LayoutView):
    """One look of a panel. A new one takes its place with every answer that arrives.

    Its custom ids are its own, so that the one before stays usable where an answer is lost.
    """

    def __init__(self, panel: "SettingsPanel") -> None:
        super().__init__(timeout=OPEN_SECONDS)
        self._panel = panel

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only the admin who opened the panel through."""
        return await self._panel.admits(interaction)

    async def on_timeout(self) -> None:
        """Nobody used it for a while."""
        await self._panel.close()

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: object, /
    ) -> None:
        """Something broke."""
        await self._panel.apologise(interaction, error)


class SettingsPanel:
    """What is set in a server, a page at a time, and the means to change it.

    Every press is checked anew: the person, and their permission. `note` says what came of the
    last one, `drafts` is what was filled in and refused.
    """

    def __init__(
        self,
        views: OpenViews,
        agent: Agent,
        book: SettingsBook,
        guild: discord.Guild,
        opener_id: int,
    ) -> None:
        self.token = secrets.token_hex(4)
        self.agent = agent
        self.book = book
        self.guild = guild
        self.page = Page.OVERVIEW
        self.channel_id: int | None = None
        self.note = ""
        self.drafts: dict[str, str] = {}
        self._views = views
        self._opener_id = opener_id
        self._seen = DEFAULTS
        self._looks = 0
        self._face: Face | None = None
        self._last: discord.Interaction[Any] | None = None

    async def open(self, interaction: discord.Interaction[Any]) -> None:
        """Show it, in answer to a command."""
        face = await self._draw()
        self._views.add(self.token, self)
        try:
            await interaction.response.send_message(view=face, ephemeral=True)
        except BaseException:
            self._views.discard(self.token)
            raise
        self._face, self._last = face, interaction

    def named(self, what: str) -> str:
        """The custom id of one of its parts."""
        return f"{KIND}:{self.token}:{what}:{self._looks}"

    async def show(self, interaction: discord.Interaction[Any]) -> None:
        """Show what is set now, in answer to a press."""
        face = await self._draw()
        if interaction.response.is_done():
            await interaction.edit_original_response(view=face)
        else:
            await interaction.response.edit_message(view=face)
        if self._face is not None:
            self._face.stop()
        self._face, self._last = face, interaction

    async def ask(self, interaction: discord.Interaction[Any], form: Form) -> None:
        """Have a form filled in."""
        await interaction.response.send_modal(form)

    async def change(self, interaction: discord.Interaction[Any], changes_to: Changes) -> bool:
        """Change settings and show what came of it. Returns whether they were changed."""
        if not await self.admits(interaction):
            return False
        # It may have to wait for a disk.
        await interaction.response.defer()
        world, seen = world_of(self.guild, interaction.user), self._seen
        overtaken: list[str] = []

        def noticing(now: AgentSettings) -> Mapping[str, Any]:
            changes = changes_to(now)
            overtaken[:] = changed_meanwhile(seen, now, changes)
            return changes

        try:
            await self.book.update(world, interaction.user.id, noticing)
        except BadSettingError as error:
            self.note = f"❌ {error} Nothing was changed."
        except StoreError as error:
            log.error("A setting of %s is not kept: %s", world, error)
            self.note = f"❌ Nothing was changed: it could not be kept. {error.public}"
        else:
            self.note = SAVED
            if overtaken:
                self.note += OVERTAKEN.format(what=", ".join(overtaken))
        await self.show(interaction)
        return self.note.startswith(SAVED)

    async def run_action(
        self, interaction: discord.Interaction[Any], name: str, text: str = ""
    ) -> None:
        """Run one of the agent's actions and show what came of it; it checks who may as well."""
        if not await self.admits(interaction):
            return
        await interaction.response.defer()
        author = author_of(interaction.user, self.guild)
        async with self.agent.runtime(world_of(self.guild, interaction.user)) as runtime:
            running = runtime.run_action(name, author, interaction.channel_id or 0, text)
            result = await self.book.watched(runtime, author.id, running)
        self.note = result.text
        await self.show(interaction)

    async def close(self) -> None:
        """Leave a word where it was."""
        self._end()
        if self._last is not None:
            with contextlib.suppress(*UNREACHED):
                await self._last.edit_original_response(**left_behind(KIND))

    async def admits(self, interaction: discord.Interaction[Any]) -> bool:
        """Whether it is the admin who opened it, and still one; anybody else is told."""
        if interaction.user.id != self._opener_id:
            await interaction.response.send_message(NOT_YOURS, ephemeral=True)
            return False
        if author_of(interaction.user, self.guild).may(Permission.MANAGE_GUILD):
            return True
        self._end()
        await interaction.response.edit_message(**left_behind(KIND, NO_LONGER))
        return False

    async def apologise(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Something broke: the person is told, and the log."""
        await tell_broken(interaction, error, "A press on a settings panel")

    async def _draw(self) -> Face:
        """A new look, from what is set at this moment. Raises StoreError."""
        state = await read_state(
            self.agent, self.book, self.guild, audited=self.page is Page.CHANGES
        )
        self._seen = state.settings
        self._looks += 1
        parts = body_of(self, state)
        if self.note:
            parts.append(discord.ui.TextDisplay(self.note))
        parts += [discord.ui.Separator(), discord.ui.ActionRow(self._navigation(state))]
        face = Face(self)
        face.add_item(discord.ui.Container(*parts, accent_colour=ACCENT))
        return face

    def _end(self) -> None:
        if self._face is not None:
            self._face.stop()
        self._views.discard(self.token)

    def _navigation(self, state: State) -> PanelSelect:
        async def chosen(interaction: discord.Interaction[Any], values: Any) -> None:  # noqa: ANN401
            self.page, self.note = Page(values[0]), ""
            await self.show(interaction)

        options = [
            discord.SelectOption(label=page.heading, value=page, default=page is self.page)
            for page in Page
            if page is not Page.REASONING or state.recording is not None
        ]
        return PanelSelect(self.named("page"), "Another page", options, chosen)
