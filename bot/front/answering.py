"""Whether a message is answered: the channel's mode, who may, cooldowns, and in ambient a model."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakValueDictionary

import discord

from bot.agent.models import Purpose
from bot.agent.runtime import AgentRuntime
from bot.front.agent_settings import AgentSettings, Mode
from bot.front.cooldowns import Cooldowns, Key
from bot.front.decisions import Decision
from bot.front.gate import Attention
from bot.front.open_channels import OpenChannels
from bot.front.should_respond import should_respond
from bot.store.records import ChatMessage

Context = Callable[[], Awaitable[Sequence[ChatMessage]]]

NOTICE = "⏳"
WAIT_PERSON = f"{NOTICE} One question at a time, please: I answer you again in {{seconds}} s."
WAIT_CHANNEL = f"{NOTICE} This channel asks me to go slowly: I answer here again in {{seconds}} s."


class Answering:
    """Decides on messages that are no commands."""

    def __init__(self, channels: OpenChannels) -> None:
        self._channels = channels
        self._cooldowns = Cooldowns()
        self._latest: dict[int, int] = {}
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def decide(
        self,
        runtime: AgentRuntime,
        settings: AgentSettings,
        message: discord.Message,
        kind: Attention,
        *,
        name: str,
        context: Context,
    ) -> Decision:
        """Whether to answer `message`; `context` gives what a model would be shown of it.

        `name` is what the agent is called there. An answer starts the cooldowns.
        """
        if message.guild is None:
            return Decision(True, "it is a direct message")
        channel = message.channel
        parent = channel.parent_id if isinstance(channel, discord.Thread) else None
        mode = settings.mode_of(channel.id, parent)
        # A thread that was set to mention by itself is not answered for being in it.
        joined = channel.id not in settings.modes and self._channels.has_joined(channel.id)
        decision = by_mode(mode, kind, joined=joined)
        if decision is not None and not decision.answers:
            return decision
        if kind is Attention.OPEN and not (message.content or message.attachments):
            return Decision(False, "there is nothing in it that I can read")
        # Who did not speak to the bot has not asked for anything, and need not be told.
        tell = kind is Attention.ADDRESSED
        keys = keys_of(message.author.id, message.guild, channel.id)
        refusal = refused(settings, message.author) or self._waits(settings, keys, tell=tell)
        if refusal is not None:
            return refusal
        if decision is None:
            decision = await self._ambient(runtime, settings, message, name, context)
            # Another answer may have begun while the model thought about this one.
            if decision.answers and (waits := self._waits(settings, keys, tell=tell)) is not None:
                return waits
        if decision.answers:
            self._start(keys)
        return decision

    def decide_again(
        self,
        settings: AgentSettings,
        person: discord.abc.User,
        guild: discord.Guild | None,
        channel_id: int,
    ) -> Decision:
        """Whether to answer again, or go on, for who pressed that button."""
        keys = keys_of(person.id, guild, channel_id)
        if guild is not None:
            refusal = refused(settings, person) or self._waits(settings, keys, tell=True)
            if refusal is not None:
                return refusal
        self._start(keys)
        return Decision(True, "a button was pressed")

    def _start(self, keys: tuple[Key, Key]) -> None:
        now = time.monotonic()
        for key in keys:
            self._cooldowns.start(key, now)

    def _waits(
        self, settings: AgentSettings, keys: tuple[Key, Key], *, tell: bool
    ) -> Decision | None:
        now = time.monotonic()
        person, channel = keys
        for key, cooldown, words, whose in (
            (person, settings.person_cooldown, WAIT_PERSON, "this person's"),
            (channel, settings.channel_cooldown, WAIT_CHANNEL, "this channel's"),
        ):
            left = self._cooldowns.seconds_left(key, cooldown, now)
            if left > 0:
                reason = f"{whose} cooldown has {left} s left"
                first = tell and self._cooldowns.notice(key)
                notice = words.format(seconds=left) if first else None
                return Decision(False, reason, notice, left)
        return None

    async def _ambient(
        self,
        runtime: AgentRuntime,
        settings: AgentSettings,
        message: discord.Message,
        name: str,
        context: Context,
    ) -> Decision:
        """One decision at a time in a channel: of the messages that wait, on the newest."""
        channel_id = message.channel.id
        self._latest[channel_id] = message.id
        turn = self._turns.setdefault(channel_id, asyncio.Lock())
        async with turn:
            if self._latest.get(channel_id) != message.id:
                return Decision(False, "ambient: a newer message came before I could decide")
            provider = settings.models.get(Purpose.SHOULD_RESPOND)
            try:
                return await should_respond(
                    runtime, message, await context(), name=name, provider=provider
                )
            finally:
                if self._latest.get(channel_id) == message.id:
                    del self._latest[channel_id]


def by_mode(mode: Mode, kind: Attention, *, joined: bool) -> Decision | None:
    """What the channel's mode says; None leaves it to the ambient decision.

    `joined` says that it is a thread that the agent is part of.
    """
    if mode is Mode.NEVER:
        return Decision(False, "this channel is set to never")
    if kind is Attention.ADDRESSED:
        return Decision(True, "it is for me: a mention, or a reply to me")
    if mode is Mode.ALWAYS:
        return Decision(True, "this channel is set to always")
    if mode is Mode.AMBIENT:
        return None
    if joined:
        return Decision(True, "I am part of this thread")
    return Decision(False, "it does not mention me, and this channel is set to mention")


def refused(settings: AgentSettings, person: discord.abc.User) -> Decision | None:
    """Why this person of a server is not answered; None for who may use the agent."""
    if not settings.allowed_roles:
        return None
    if isinstance(person, discord.Member) and (
        person.guild_permissions.manage_guild
        or any(role.id in settings.allowed_roles for role in person.roles)
    ):
        return None
    return Decision(False, "its author has none of the roles that may use me")


def keys_of(person_id: int, guild: discord.Guild | None, channel_id: int) -> tuple[Key, Key]:
    """Whose cooldowns count: the person's in that server, and the channel's."""
    guild_id = 0 if guild is None else guild.id
    return ("person", person_id, guild_id), ("channel", channel_id, 0)
