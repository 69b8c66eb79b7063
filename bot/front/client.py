"""The bot's connection to Discord: what it hears, and whom it passes it on to."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
from discord.gateway import DiscordWebSocket

from bot.agent.actions import Action, ActionResult
from bot.agent.agent import Agent
from bot.agent.metrics import Metric
from bot.front.agent_commands import agent_group
from bot.front.answering import Answering
from bot.front.answers import Answers
from bot.front.ask_command import ask_command
from bot.front.attending import Attending
from bot.front.command_sync import sync_commands
from bot.front.command_tree import CommandTree
from bot.front.controls import AnswerRef, Control, ControlButton
from bot.front.conversation import Conversation, ConversationOptions
from bot.front.decisions import DecisionLog
from bot.front.gate import Attention, attention
from bot.front.housekeeping import Housekeeping
from bot.front.message_changes import MessageChanges
from bot.front.message_menus import message_menus
from bot.front.metrics import front_metrics
from bot.front.open_channels import OpenChannels
from bot.front.open_views import OpenViews
from bot.front.people import (
    author_of,
    home_of,
    is_elsewhere,
    world_of,
)
from bot.front.permission_check import log_missing
from bot.front.presses import Presses
from bot.front.raw_events import put_gate
from bot.front.raw_gate import RawGate
from bot.front.reaction_votes import ReactionVotes
from bot.front.records_commands import records_group
from bot.front.results import PressedAction
from bot.front.settings_book import SettingsBook
from bot.front.slash_commands import NOT_A_MEMBER, add_commands, respond
from bot.front.telling import tell_broken, tell_quietly
from bot.front.translation import FileTranslator
from bot.front.votes import Votes
from bot.store.records import World, WorldKind, time_of

log = logging.getLogger(__name__)

CLOSING_SECONDS = (1.0, 2.0)
NOT_HERE = "-# I am not a member here and record nothing. “Here” means our direct messages:"


def needed_intents() -> discord.Intents:
    """What the bot asks Discord for, and no more.

    Guilds for roles and channels, messages of guilds and DMs to answer them, and their content
    (privileged): commands work without a mention, and the context is what others said. Reactions
    because 👍 and 👎 on an answer are votes.
    """
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        message_content=True,
        guild_reactions=True,
        dm_reactions=True,
    )


class UnderstudyClient(discord.Client):
    """discord.py's client with an agent behind it.

    `on_handled` is told the id of each message that the agent attended to, when it is done.
    `open_channels` holds the ids of channels and threads of which `on_message` has to see every
    message that a person writes; of all others it only sees those that are for the agent.
    `open_channels_file` is where it is kept which channels an admin set to always or ambient.
    """

    def __init__(
        self,
        agent: Agent,
        options: ConversationOptions,
        *,
        on_handled: Callable[[int], None] | None = None,
        open_channels_file: Path | None = None,
    ) -> None:
        self._channels = OpenChannels(open_channels_file, self._threads_of)
        self.open_channels = self._channels.ids
        self.raw_gate = RawGate(self, agent, self.open_channels)
        super().__init__(
            intents=needed_intents(),
            # Nothing that a model writes may call anybody.
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            # How long READY waits for one more server; a later one only comes after it.
            guild_ready_timeout=0.25,
        )
        self.agent = agent
        self.tree = CommandTree(self)
        self.decisions = DecisionLog()
        self._options = options
        self.book = SettingsBook(agent, self._channels)
        self._views = OpenViews()
        self._answering = Answering(self._channels)
        self._answers = Answers()
        votes = Votes()
        self._reactions = ReactionVotes(agent, self._answers, votes)
        self._conversation = Conversation(options, self._answers)
        self._changes = MessageChanges(self, agent, self._answers, self._conversation)
        self._presses = Presses(
            agent,
            self._answers,
            self._answering,
            self._conversation,
            self.book,
            votes,
            self._own,
        )
        self._attending = Attending(
            client=self,
            agent=agent,
            book=self.book,
            channels=self._channels,
            answering=self._answering,
            answers=self._answers,
            conversation=self._conversation,
            decisions=self.decisions,
            run_command=self._run_command,
            own=self._own,
            on_handled=on_handled,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.housekeeping = Housekeeping(self, agent)

    @property
    def ws(self) -> DiscordWebSocket:
        """The connection to the gateway."""
        return self._ws  # type: ignore[return-value]  # discord.py's own claim

    @ws.setter
    def ws(self, socket: DiscordWebSocket | None) -> None:
        # discord.py sets it before the connection brings its first event, and again with each
        # reconnection; None is what it begins with.
        self._ws = socket
        if socket is not None:
            put_gate(socket, self.raw_gate)

    async def setup_hook(self) -> None:
        """Before the gateway: open channels, the buttons of earlier answers, slash commands."""
        self._channels.load()
        self.add_dynamic_items(ControlButton)
        self.add_dynamic_items(PressedAction)
        self._own(self.housekeeping.daily())
        add_commands(self.tree, list(self.agent.actions), self._run_command)
        self.tree.add_command(agent_group(self.agent, self.decisions, self.book, self._views))
        self.tree.add_command(records_group(self.agent, self._views))
        endings = self._conversation.endings
        self.tree.add_command(
            ask_command(self.agent, self._options, self.book, self._answering, endings)
        )
        for menu in message_menus(self.agent, self._presses.handle):
            self.tree.add_command(menu)
        await self.tree.set_translator(FileTranslator())
        try:
            await sync_commands(self.tree)
        except discord.HTTPException as error:
            log.error("Slash commands were not registered; typed commands work: %s", error)

    async def on_ready(self) -> None:
        """Connected, and every guild is known."""
        self._conversation.forget_all()
        for guild in self.guilds:
            self._channels.notice_threads(guild.threads)
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        log_missing(self.guilds, self.application_id or 0)
        self._own(self.housekeeping.catch_up())

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was deleted: so is what is kept of it."""
        self._conversation.forget_all()
        self._own(self.housekeeping.channel_gone(channel.guild.id, channel.id))

    def metrics(self) -> Iterator[Metric]:
        """How the connection, the messages and the answers are doing."""
        return front_metrics(self, self._conversation)

    async def close(self) -> None:
        """Stop answering, then leave. What waits for Discord is not waited for long."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS[0]):
                await self._views.close()
        for seconds in CLOSING_SECONDS:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=seconds)
        await super().close()

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A guild came back: so did its threads."""
        self._channels.notice_threads(guild.threads)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a guild."""
        log_missing([guild], self.application_id or 0)
        self._own(self.housekeeping.joined(guild.id))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed from a guild."""
        self._conversation.forget_all()
        await self.book.forget(World(WorldKind.GUILD, guild.id))
        self._own(self.housekeeping.left(guild.id))

    async def on_thread_create(self, thread: discord.Thread) -> None:
        """A thread was created: by the bot, or in a channel where every message may be for it."""
        self._channels.notice_threads([thread])
        if self.user is not None and thread.owner_id == self.user.id:
            self._channels.join_thread(thread.id)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread came into sight: out of the archive, or the bot was added to it."""
        self._channels.notice_threads([thread])

    async def on_thread_remove(self, thread: discord.Thread) -> None:
        """The bot was taken out of a thread."""
        self._channels.leave_thread(thread.id)

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone."""
        self._channels.lose_thread(payload.thread_id)
        self._conversation.forget_all()
        self._own(self.housekeeping.room_gone(payload.guild_id, payload.thread_id))

    def _threads_of(self, guild_id: int) -> Sequence[discord.Thread]:
        guild = self.get_guild(guild_id)
        return [] if guild is None else guild.threads

    async def on_message(self, message: discord.Message) -> None:
        """Someone said something."""
        if self.user is None:
            return
        kind = attention(message, self.user, self.agent.matcher, self.open_channels)
        if kind is not Attention.NONE and self._answers.take(message.id):
            self._own(self._attending.handle(message, kind))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Someone reacted; a thumb on an answer is a vote."""
        await self._reactions.added(payload, self._my_id)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Someone took a reaction back, and with it their vote."""
        await self._reactions.removed(payload, self._my_id)

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """A moderator took all reactions off a message, and the votes that they were."""
        await self._reactions.cleared(payload.guild_id, payload.message_id)

    async def on_raw_reaction_clear_emoji(
        self, payload: discord.RawReactionClearEmojiEvent
    ) -> None:
        """A moderator took all reactions of one emoji off a message."""
        await self._reactions.cleared(payload.guild_id, payload.message_id, str(payload.emoji))

    async def pressed(
        self, interaction: discord.Interaction, control: Control, answer: AnswerRef
    ) -> None:
        """A button under an answer was pressed."""
        await self._presses.handle(interaction, control, answer)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Something was used: what no view of this process knows is answered here."""
        await self._views.answer(interaction)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was changed: so is what is kept of it."""
        await self._changes.edited(payload)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted: so is what is kept of it."""
        await self._deleted(payload.guild_id, payload.channel_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages were deleted at once."""
        gone = list(payload.message_ids)
        await self._deleted(payload.guild_id, payload.channel_id, gone)

    async def _deleted(self, guild_id: int | None, channel_id: int, gone: list[int]) -> None:
        world = await self._changes.deleted(guild_id, channel_id, gone)
        if world is not None:
            self._own(self.housekeeping.answers_gone(world, channel_id, gone))

    def _own(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it as a task that ends with the client."""
        if self._closing:
            coroutine.close()
            return
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _my_id(self) -> int | None:
        return None if self.user is None else self.user.id

    async def _run_command(
        self, interaction: discord.Interaction, action: Action, text: str
    ) -> ActionResult:
        home = home_of(interaction)
        if home is None and interaction.guild_id is not None and not action.anywhere:
            return ActionResult(NOT_A_MEMBER, private=True)
        author = author_of(interaction.user, home)
        async with self.agent.runtime(world_of(home, interaction.user)) as runtime:
            room_id, asked_at = interaction.channel_id or 0, time_of(interaction.id)
            running = runtime.run_action(action.name, author, room_id, text, asked_at)
            result = await self.book.watched(runtime, author.id, running)
        if is_elsewhere(interaction):
            return replace(result, text=f"{NOT_HERE}\n{result.text}")
        return result

    async def press(self, interaction: discord.Interaction, action: str, text: str) -> None:
        """A button that runs an action was pressed."""
        try:
            found = self.agent.action(action)
        except KeyError:
            await tell_quietly(interaction, "This does nothing any more.")
            return
        try:
            await respond(interaction, self._run_command(interaction, found, text))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            await tell_broken(interaction, error, f"The press of {action}")
