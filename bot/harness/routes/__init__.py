"""The REST routes, one module a resource. Each route is one small function of a `Call`."""

from bot.harness.api import Route
from bot.harness.routes import (
    applications,
    channels,
    gateway,
    guilds,
    interactions,
    members,
    messages,
    pins,
    reactions,
    roles,
    threads,
    users,
    webhooks,
)

ALL: list[Route] = [
    *gateway.ROUTES,
    *users.ROUTES,
    *applications.ROUTES,
    *guilds.ROUTES,
    *members.ROUTES,
    *roles.ROUTES,
    *channels.ROUTES,
    *pins.ROUTES,
    *messages.ROUTES,
    *reactions.ROUTES,
    *threads.ROUTES,
    *interactions.ROUTES,
    *webhooks.ROUTES,
]
