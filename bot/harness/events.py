"""Who sees what: each change of a world as the gateway events it causes, for each kind of viewer.

Rules: https://discord.com/developers/docs/events/gateway#gateway-intents and, for the order and
fields of events, https://discord.com/developers/docs/events/gateway-events
"""

from collections.abc import Iterator

from bot.harness.changes import Change
from bot.harness.guild_events import of_channels, of_guilds
from bot.harness.interaction_events import of_interactions
from bot.harness.message_events import of_messages
from bot.harness.viewer import Dispatch
from bot.harness.world import World


def dispatches(world: World, change: Change) -> Iterator[Dispatch]:
    """The gateway events that a change causes, in order."""
    for of_kind in (of_messages, of_interactions, of_channels, of_guilds):
        yield from of_kind(world, change)
