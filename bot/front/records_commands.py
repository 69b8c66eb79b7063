"""The group `/records`: looking through what is recorded, for admins."""

import io
from typing import Any, Literal

import discord
from discord import app_commands

from bot.agent.agent import Agent
from bot.agent.events import ForgetExchange
from bot.agent.permissions import Permission
from bot.front.agent_commands import by_admin
from bot.front.open_views import OpenViews
from bot.front.people import author_of, world_of
from bot.front.records_browser import FAILED, PAGE, RecordsBrowser
from bot.front.records_text import as_choice, in_full
from bot.front.slash_commands import ON_SERVERS
from bot.store.choosing import Feedback
from bot.store.pages import ExchangeSummary
from bot.store.problems import StoreError

MOST_BYTES = 8 << 20
OFFERED = 25
LOOKED_THROUGH = 100

UNKNOWN = "There is no exchange with this id. `/records list` shows what there is."
DELETED = "🗑️ The exchange is deleted from the records."
EMPTY = "Nothing is recorded here."
DAMAGED = (
    "{count:,} more are left out, as their prompts are damaged. Whoever runs me empties such "
    "prompts with `understudy store repair`; after that they can be exported."
)
TOO_LARGE = (
    "The records of this server come to more than {megabytes} MB, which is more than I can send "
    "here. Whoever runs me exports them with `understudy export --guild {guild_id}`."
)

Rated = Literal["any", "up", "down", "none"]


def records_group(agent: Agent, views: OpenViews) -> app_commands.Group:
    """The group with its commands. Only for admins, who are checked again here."""
    group = app_commands.Group(
        name="records",
        description="What is recorded here",
        guild_only=True,
        allowed_installs=ON_SERVERS,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    async def offer(
        interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        return await offered(agent, interaction, typed)

    @group.command(name="list", description="The recorded exchanges, the newest first.")
    @app_commands.describe(
        person="only those of this person",
        channel="only those in this channel or thread",
        feedback="only those with such votes",
    )
    async def list_them(
        interaction: discord.Interaction[Any],
        person: discord.User | None = None,
        channel: discord.abc.GuildChannel | discord.Thread | None = None,
        feedback: Rated | None = None,
    ) -> None:
        if not await by_admin(interaction):
            return
        await interaction.response.defer(ephemeral=True, thinking=True)

        async def read(before: int | None) -> list[ExchangeSummary]:
            return await page(agent, interaction, before, person, channel, feedback)

        await RecordsBrowser(views, interaction.user.id, read).open(interaction)

    @group.command(name="show", description="One exchange: question, answer, model, votes.")
    @app_commands.describe(exchange="its id, or a word of it")
    @app_commands.autocomplete(exchange=offer)
    async def show(interaction: discord.Interaction[Any], exchange: str) -> None:
        if not await by_admin(interaction):
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find(agent, interaction, exchange)
        text = found if isinstance(found, str) else in_full(found)
        await interaction.edit_original_response(content=text)

    @group.command(name="delete", description="Delete one exchange from the records.")
    @app_commands.describe(exchange="its id, or a word of it")
    @app_commands.autocomplete(exchange=offer)
    async def delete(interaction: discord.Interaction[Any], exchange: str) -> None:
        if not await by_admin(interaction):
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find(agent, interaction, exchange)
        if not isinstance(found, str):
            forget = ForgetExchange(found.id, found.reply_id, interaction.user.id)
            async with agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
                await runtime.emit(forget)
            found = await still_there(agent, interaction, found.id)
        await interaction.edit_original_response(content=found)

    @group.command(name="export", description="All recorded exchanges as a file (JSON lines).")
    async def export(interaction: discord.Interaction[Any]) -> None:
        if not await by_admin(interaction) or interaction.guild is None:
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        most = min(MOST_BYTES, interaction.guild.filesize_limit)
        try:
            async with agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
                found = await runtime.store.json_lines(most)
        except StoreError as error:
            await interaction.edit_original_response(content=FAILED.format(reason=error.public))
            return
        if found is None:
            text = TOO_LARGE.format(megabytes=most >> 20, guild_id=interaction.guild.id)
            await interaction.edit_original_response(content=text)
            return
        lines, left_out = found
        damaged = DAMAGED.format(count=left_out) if left_out else ""
        if not lines:
            await interaction.edit_original_response(content=damaged or EMPTY)
        else:
            file = discord.File(io.BytesIO(lines), f"records-{interaction.guild.id}.jsonl")
            count = lines.count(b"\n")
            await interaction.edit_original_response(
                content=f"{count:,} exchanges. {damaged}".strip(), attachments=[file]
            )

    return group


async def page(
    agent: Agent,
    interaction: discord.Interaction[Any],
    before: int | None,
    person: discord.User | None,
    channel: discord.abc.GuildChannel | discord.Thread | None,
    feedback: Feedback | None,
) -> list[ExchangeSummary]:
    """A page of the exchanges that fit, and one more where there is one. Raises StoreError."""
    async with agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
        return await runtime.store.page(
            before,
            PAGE + 1,
            room_id=None if channel is None else channel.id,
            user_id=None if person is None else person.id,
            feedback=feedback,
        )


async def find(
    agent: Agent, interaction: discord.Interaction[Any], given: str
) -> ExchangeSummary | str:
    """The exchange of an id, or why it cannot be shown."""
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
    try:
        async with agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
            found = await runtime.store.exchange(min(number, 2**63 - 1))
    except StoreError as error:
        return FAILED.format(reason=error.public)
    return UNKNOWN if found is None else found


async def still_there(agent: Agent, interaction: discord.Interaction[Any], exchange_id: int) -> str:
    """Whether a deletion has arrived in the file, in words."""
    found = await find(agent, interaction, str(exchange_id))
    if found == UNKNOWN:
        return DELETED
    return found if isinstance(found, str) else FAILED.format(reason="It waits for its file.")


async def offered(
    agent: Agent, interaction: discord.Interaction[Any], typed: str
) -> list[app_commands.Choice[str]]:
    """The latest exchanges that have what is typed in their id or their texts; only for admins."""
    if not author_of(interaction.user, interaction.guild).may(Permission.MANAGE_GUILD):
        return []
    try:
        async with agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
            latest = await runtime.store.page(None, LOOKED_THROUGH)
    except StoreError:
        return []
    sought = typed.casefold()
    fitting = [item for item in latest if sought in f"{item.id} {as_choice(item)}".casefold()]
    return [
        app_commands.Choice(name=as_choice(item), value=str(item.id)) for item in fitting[:OFFERED]
    ]
