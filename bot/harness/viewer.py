"""Who looks at the gateway, with which intents, and which events are for them.

Rule: https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

from bot.harness.model import JsonObject, Message


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


NO_INTENT = Intent(0)
ALL_INTENTS = ~NO_INTENT
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT


@dataclass(frozen=True, slots=True)
class Viewer:
    """Someone at the gateway. A person has every intent."""

    user_id: int
    bot: bool
    intents: Intent = ALL_INTENTS
    shard: tuple[int, int] = (0, 1)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One event. `payload` makes its data for a viewer for whom `sees` is true.

    `intent` is what a bot needs (none: always sent); `guild_id` decides the shard, None is shard 0.
    Viewers of one `shape` get the same data, which is then made once.
    """

    name: str
    payload: Callable[[Viewer], JsonObject]
    sees: Callable[[int], bool]
    intent: Intent = NO_INTENT
    guild_id: int | None = None
    shape: Callable[[Viewer], object] = lambda viewer: viewer

    def is_for(self, viewer: Viewer) -> bool:
        if viewer.bot:
            if self.intent and not self.intent & viewer.intents:
                return False
            shard, count = viewer.shard
            if ((self.guild_id or 0) >> 22) % count != shard:
                return False
        return self.sees(viewer.user_id)


def same_for_all(
    name: str,
    data: JsonObject,
    sees: Callable[[int], bool],
    intent: Intent = NO_INTENT,
    guild_id: int | None = None,
) -> Dispatch:
    """An event whose data does not depend on who looks."""
    return Dispatch(name, lambda _: data, sees, intent, guild_id, lambda _: None)


def content_is_visible(message: Message, viewer: Viewer) -> bool:
    """Whether MESSAGE_CONTENT lets a viewer read a message's content.

    Without the intent a bot reads its own messages, direct messages and those that mention it.
    """
    return (
        not viewer.bot
        or Intent.MESSAGE_CONTENT in viewer.intents
        or message.author_id == viewer.user_id
        or message.guild_id is None
        or viewer.user_id in message.mentions.user_ids
    )
