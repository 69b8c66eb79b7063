"""The REST routes, one module a resource. Each route is one small function of a `Call`."""

from bot.harness.api import Route
from bot.harness.routes import (
    applications,
    channels,
    gateway,
    guilds,
    interactions,
    messages,
    reactions,
    threads,
    users,
    webhooks,
)

ALL: list[Route] = [
    *gateway.ROUTES,
    *users.ROUTES,
    *applications.ROUTES,
    *guilds.ROUTES,
    *channels.ROUTES,
    *messages.ROUTES,
    *reactions.ROUTES,
    *threads.ROUTES,
    *interactions.ROUTES,
    *webhooks.ROUTES,
]
