"""Pointing discord.py at a server: Discord itself, or one that speaks its protocol.

discord.py 2.7 keeps both addresses in its classes, so they are the whole process's; a client that
was started before keeps what it had.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


@contextmanager
def discord_at(api_url: str, gateway_url: str) -> Iterator[None]:
    """While the block runs, REST goes to `api_url` (with /api/v10), the gateway is the other."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = api_url
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before
