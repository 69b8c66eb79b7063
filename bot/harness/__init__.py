"""A fake Discord on loopback: REST and gateway for real clients, and people to talk to them.

It knows nothing of any bot. Start with `FakeDiscord` (the server), `World` (its state) and `Person`
(somebody's client).
"""

from bot.harness.api import RequestRecord
from bot.harness.client import Refused
from bot.harness.errors import Code, DiscordError
from bot.harness.eventlog import Event, EventLog, SeenMessage
from bot.harness.permissions import Permission
from bot.harness.person import Person, Sent
from bot.harness.ratelimits import Limits, Rates
from bot.harness.sample import sample_world
from bot.harness.server import FakeDiscord
from bot.harness.viewer import Intent
from bot.harness.windows import Rate
from bot.harness.world import World

__all__ = [
    "Code",
    "DiscordError",
    "Event",
    "EventLog",
    "FakeDiscord",
    "Intent",
    "Limits",
    "Permission",
    "Person",
    "Rate",
    "Rates",
    "Refused",
    "RequestRecord",
    "SeenMessage",
    "Sent",
    "World",
    "sample_world",
]
