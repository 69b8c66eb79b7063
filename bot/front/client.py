"""The bot's connection to Discord: what it hears, and whom it passes it on to."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands

from bot.agent.actions import Action, ActionResult
from bot.agent.agent import Agent
from bot.agent.events import AnswerComing, MessageEdited, MessagesDeleted
from bot.agent.messages import Message, Question
from bot.agent.runtime import AgentRuntime
from bot.front.confirmation import Confirmation
from bot.front.conversation import SORRY, Conversation, ConversationOptions
from bot.front.discord_errors import UNREACHED
from bot.front.discord_room import DiscordRoom
from bot.front.gate import Attention, attention
from bot.front.housekeeping import Housekeeping
from bot.front.people import author_of, readable, without_mention, world_of
from bot.front.results import PressedAction, extras
from bot.front.slash_commands import add_commands, respond, sync_commands
from bot.store.records import World, WorldKind

log = logging.getLogger(__name__)

CLOSING_SECONDS = (1.0, 2.0)


def needed_intents() -> discord.Intents:
    """What the bot asks Discord for, and no more.

    Guilds for roles and channels, messages of guilds and DMs to answer them, and their content
    (privileged): commands work without a mention, and the context is what others said.
    """
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


class UnderstudyClient(discord.Client):
    """discord.py's client with an agent behind it.

    `on_handled` is told the id of each message that the agent attended to, when it is done.
    """

    def __init__(
        self,
        agent: Agent,
        options: ConversationOptions,
        *,
        on_handled: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(
            intents=needed_intents(),
            # Nothing that a model writes may call anybody.
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.5,
        )
        self.agent = agent
        self.tree = app_commands.CommandTree(self)
        self._conversation = Conversation(options)
        self._on_handled = on_handled
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.housekeeping = Housekeeping(self, agent)

    async def setup_hook(self) -> None:
        """Before the gateway: the slash commands, and the buttons of earlier answers."""
        self.add_dynamic_items(PressedAction)
        self._own(self.housekeeping.daily())
        add_commands(self.tree, list(self.agent.actions), self._run_command)
        try:
            await sync_commands(self.tree)
        except discord.HTTPException as error:
            log.error("Slash commands were not registered; typed commands work: %s", error)

    async def on_ready(self) -> None:
        """Connected, and every guild is known."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        self._own(self.housekeeping.catch_up())

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a server."""
        self._own(self.housekeeping.joined(guild.id))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed from a server."""
        self._own(self.housekeeping.left(guild.id))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was deleted: so is what is kept of it."""
        self._own(self.housekeeping.room_gone(channel.guild.id, channel.id))

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread was deleted: so is what is kept of it."""
        self._own(self.housekeeping.room_gone(payload.guild_id, payload.thread_id))

    async def close(self) -> None:
        """Stop answering, then leave. What waits for Discord is not waited for long."""
        self._closing = True
        for seconds in CLOSING_SECONDS:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=seconds)
        await super().close()

    async def on_message(self, message: discord.Message) -> None:
        """Someone said something."""
        if self.user is None:
            return
        kind = attention(message, self.user, self.agent.matcher)
        if kind is not Attention.NONE:
            self._own(self._handle(message, addressed=kind is Attention.ADDRESSED))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was changed: so is what is kept of it."""
        message = payload.message
        if self.user is None or message.author.bot or "content" not in payload.data:
            return
        world = world_of(message.guild, message.author)
        if self.agent.knows(world):
            async with self.agent.runtime(world) as runtime:
                await runtime.emit(MessageEdited(message.id, readable(message, self.user)))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted: so is what is kept of it."""
        await self._forget(payload.guild_id, payload.channel_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages were deleted at once."""
        await self._forget(payload.guild_id, payload.channel_id, list(payload.message_ids))

    async def _forget(self, guild_id: int | None, channel_id: int, message_ids: list[int]) -> None:
        world = await self._world_of_channel(guild_id, channel_id)
        if world is not None and self.agent.knows(world):
            async with self.agent.runtime(world) as runtime:
                await runtime.emit(MessagesDeleted(message_ids))

    async def _world_of_channel(self, guild_id: int | None, channel_id: int) -> World | None:
        if guild_id is not None:
            return World(WorldKind.GUILD, guild_id)
        channel = self.get_channel(channel_id)
        if channel is None:
            try:
                channel = await self.fetch_channel(channel_id)
            except discord.HTTPException as error:
                log.error("A deletion in channel %d is not followed: %s", channel_id, error)
                return None
        if isinstance(channel, discord.DMChannel) and channel.recipient is not None:
            return World(WorldKind.DM, channel.recipient.id)
        return None

    def _own(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it as a task that ends with the client."""
        if self._closing:
            coroutine.close()
            return
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: discord.Message, *, addressed: bool) -> None:
        try:
            async with self.agent.runtime(world_of(message.guild, message.author)) as runtime:
                await self._attend(runtime, message, addressed=addressed)
        except discord.Forbidden as error:
            log.warning("May not answer in channel %d: %s", message.channel.id, error)
        except UNREACHED as error:
            log.error("Could not answer message %d: %s", message.id, error)
        except Exception:
            log.exception("Could not answer message %d", message.id)
            with contextlib.suppress(*UNREACHED):
                await message.reply(SORRY.format(reference=message.id), mention_author=False)
        finally:
            if self._on_handled is not None:
                self._on_handled(message.id)

    async def _attend(
        self, runtime: AgentRuntime, message: discord.Message, *, addressed: bool
    ) -> None:
        assert self.user is not None  # noqa: S101 - there are no messages before READY
        told = Message(
            id=message.id,
            room_id=message.channel.id,
            author=author_of(message.author, message.guild),
            text=without_mention(message, self.user),
            addressed=addressed,
        )
        outcome = await runtime.handle_message(told)
        if isinstance(outcome, ActionResult):
            await message.reply(outcome.text, mention_author=False, **extras(outcome))
        elif isinstance(outcome, Question):
            await self._ask(outcome.action, message)
        elif addressed:
            await runtime.emit(AnswerComing(DiscordRoom(message.channel)))
            await self._conversation.answer(runtime, message, self.user)

    async def _ask(self, action: Action, message: discord.Message) -> None:
        async def run(interaction: discord.Interaction) -> ActionResult:
            return await self._run_command(interaction, action, "")

        confirmation = Confirmation(action, message.author.id, run)
        confirmation.message = await message.reply(
            confirmation.question, view=confirmation, mention_author=False
        )

    async def _run_command(
        self, interaction: discord.Interaction, action: Action, text: str
    ) -> ActionResult:
        author = author_of(interaction.user, interaction.guild)
        async with self.agent.runtime(world_of(interaction.guild, interaction.user)) as runtime:
            return await runtime.run_action(action.name, author, interaction.channel_id or 0, text)

    async def press(self, interaction: discord.Interaction, action: str, text: str) -> None:
        """A button that runs an action was pressed."""
        try:
            found = self.agent.action(action)
        except KeyError:
            await interaction.response.send_message("This does nothing any more.", ephemeral=True)
            return
        await respond(interaction, self._run_command(interaction, found, text))
