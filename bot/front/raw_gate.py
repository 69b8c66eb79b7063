"""Which messages are for the agent, told from the gateway's frame before any object is made of it.

It decides exactly as `gate.attention` does on the message that discord.py would build, and lets
everything else through: other events, and whatever does not look as Discord describes it.
"""

import logging
import re
from collections.abc import Container
from typing import Literal

import discord
import msgspec

from bot.agent.agent import Agent
from bot.agent.intents import Outcome
from bot.front.gate import SPOKEN

log = logging.getLogger(__name__)

SPOKEN_TYPES = frozenset(kind.value for kind in SPOKEN)

# As discord.py reads them.
MENTION = re.compile(r"<@!?([0-9]{15,20})>")
ROLE_MENTION = re.compile(r"<@&([0-9]{15,20})>")


class Author(msgspec.Struct, gc=False):
    """Who said it."""

    id: str
    bot: bool | None = False


class Reference(msgspec.Struct, gc=False):
    """That it replies to something; to what, `Said.referenced_message` tells."""


class RepliedTo(msgspec.Struct, gc=False):
    """What it replies to."""

    author: Author


class Said(msgspec.Struct, gc=False):
    """What the decision needs of a message.

    Source: https://discord.com/developers/docs/resources/message#message-object
    """

    channel_id: str
    author: Author
    type: int
    content: str
    guild_id: str | msgspec.UnsetType = msgspec.UNSET
    webhook_id: str | None = None
    message_reference: Reference | msgspec.UnsetType = msgspec.UNSET
    referenced_message: RepliedTo | None = None


class Frame(msgspec.Struct, gc=False):
    """A dispatch of MESSAGE_CREATE."""

    op: Literal[0]
    t: Literal["MESSAGE_CREATE"]
    s: int
    d: Said


class RawGate:
    """Decides on frames for one client.

    `open_channels` are channels and threads in which every message that a person writes passes; it
    is looked at anew each time. `dropped`, `passed` and `unread` count messages: those that nobody
    needs, those for the agent, and those that could not be read and therefore passed.
    """

    def __init__(
        self, client: discord.Client, agent: Agent, open_channels: Container[int] = ()
    ) -> None:
        self.dropped = 0
        self.passed = 0
        self.unread = 0
        self._client = client
        self._agent = agent
        self._open_channels = open_channels
        self._read = msgspec.json.Decoder(Frame).decode

    def unneeded(self, frame: str) -> int | None:
        """The sequence number of a message that nobody needs; None for what has to be handled."""
        if '"MESSAGE_CREATE"' not in frame:
            return None
        try:
            read = self._read(frame)
            wanted = self.wants(read.d)
        except Exception as error:  # noqa: BLE001 - what cannot be judged is not dropped
            if not self.unread:
                log.warning("Messages that cannot be judged as they come pass: %s", error)
            self.unread += 1
            return None
        if wanted:
            self.passed += 1
            return None
        self.dropped += 1
        return read.s

    def wants(self, said: Said) -> bool:
        """Whether the agent has to see this message. Raises ValueError for ids that are none."""
        if said.author.bot or said.webhook_id is not None or said.type not in SPOKEN_TYPES:
            return False
        me = self._client.user
        if me is None or said.guild_id is msgspec.UNSET:
            return True
        guild = self._client.get_guild(int(said.guild_id))
        if guild is None or int(said.channel_id) in self._open_channels:
            return True
        if is_addressed(said, guild, me.id):
            return True
        matcher = self._agent.matcher
        if not matcher.might_match(said.content):
            return False
        return matcher.match(said.content, addressed=False).outcome is Outcome.ACT


def is_addressed(said: Said, guild: discord.Guild, my_id: int) -> bool:
    """Whether the message mentions the bot (or its own role), or replies to it."""
    content = said.content
    if "<@" in content:
        if my_id in map(int, MENTION.findall(content)):
            return True
        if "<@&" in content:
            role = guild.self_role
            if role is not None and role.id in map(int, ROLE_MENTION.findall(content)):
                return True
    if said.message_reference is msgspec.UNSET or said.referenced_message is None:
        return False
    return int(said.referenced_message.author.id) == my_id
