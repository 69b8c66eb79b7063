"""Rate limits, as far as clients need to be told of them.

A client that is told nothing sends one request at a time for each bucket, so every answer carries
headers; the limits here are generous and never refuse. Stricter ones replace `Limits`.

Source: https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
import time
from collections.abc import Callable
from typing import Protocol


class Limits(Protocol):
    """Decides on each request before it is handled.

    `headers` gets the route ("GET /users/@me", with names for ids), the id of the resource that
    Discord keeps limits apart by (channel, guild or webhook; empty for none), and who asks. It
    returns the headers of the answer, or raises a DiscordError to refuse.
    """

    def headers(self, route: str, resource: str, user_id: int | None) -> dict[str, str]: ...


class GenerousLimits:
    """A thousand requests a second for each bucket, and nobody counts."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def headers(self, route: str, resource: str, user_id: int | None) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "999",
            "X-RateLimit-Reset": f"{self._clock() + 1:.3f}",
            "X-RateLimit-Reset-After": "1.000",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        }
