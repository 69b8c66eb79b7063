"""Rate limits of REST: buckets by route and resource, one for everything, and the ban behind them.

A client that is told nothing sends one request at a time for each bucket, so every answer carries
headers even where nothing is limited.

Source: https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Self

from bot.harness.errors import Code, DiscordError
from bot.harness.windows import Rate, Window

_WINDOWS_KEPT = 50_000
_CHANNEL = "/channels/{channel_id}"
_MESSAGE = f"{_CHANNEL}/messages/{{message_id}}"
_REACTIONS = f"{_MESSAGE}/reactions/{{emoji}}"

# Discord publishes no numbers and asks clients to read the headers. These are what its headers
# have said to bots in the field.
DISCORD_RATES: Mapping[str, Rate] = MappingProxyType(
    {
        f"POST {_CHANNEL}/messages": Rate(5, 5.0),
        f"PATCH {_MESSAGE}": Rate(5, 5.0),
        f"DELETE {_MESSAGE}": Rate(5, 1.0),
        f"POST {_CHANNEL}/messages/bulk-delete": Rate(1, 1.0),
        f"PUT {_REACTIONS}/@me": Rate(1, 0.25),
        f"DELETE {_REACTIONS}/@me": Rate(1, 0.25),
        f"POST {_CHANNEL}/typing": Rate(5, 5.0),
        f"PATCH {_CHANNEL}": Rate(5, 15.0),
        "GET /gateway/bot": Rate(2, 5.0),
        "GET /guilds/{guild_id}/members": Rate(10, 10.0),
        "PATCH /guilds/{guild_id}/members/{user_id}": Rate(10, 10.0),
        "POST /webhooks/{application_id}/{token}": Rate(5, 2.0),
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as limits see it.

    `route` is "GET /users/@me", with names for ids; `resource` what Discord keeps buckets apart by
    (a channel, a guild, or a webhook with its token; empty for none); `who` the account, or the
    address of somebody without one. `exempt` requests do not count for the global limit.
    """

    route: str
    resource: str
    who: str
    exempt: bool = False


class Banned(Exception):  # noqa: N818 - it is an answer
    """Too many invalid requests: the edge network answers, not Discord. `wait` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Rates:
    """What a `Limits` keeps. What is None is not kept at all.

    REST: `default` is for routes without a rate of their own, `everything` for all requests of an
    account, `invalid` for answers 401, 403 and 429, `old_edits` for edits of messages older than an
    hour in a channel. Gateway: `identifies` is for each bucket of `max_concurrency`, `sessions` for
    all starts of a bot's sessions, `sends` for frames on one connection.
    """

    routes: Mapping[str, Rate] = field(default_factory=dict)
    default: Rate | None = None
    everything: Rate | None = None
    invalid: Rate | None = None
    old_edits: Rate | None = None
    identifies: Rate | None = None
    sessions: Rate | None = None
    sends: Rate | None = None
    max_concurrency: int = 1
    guilds_per_shard: int | None = None


DISCORD = Rates(
    routes=DISCORD_RATES,
    default=Rate(5, 1.0),
    everything=Rate(50, 1.0),
    invalid=Rate(10_000, 600.0),
    old_edits=Rate(30, 3600.0),
    identifies=Rate(1, 5.0),
    sessions=Rate(1000, 86_400.0),
    sends=Rate(120, 60.0),
    guilds_per_shard=2500,
)
STRICT = replace(
    DISCORD,
    routes=MappingProxyType({}),
    default=Rate(1, 1.0),
    everything=Rate(10, 1.0),
    invalid=Rate(20, 600.0),
    old_edits=Rate(1, 3600.0),
)


@dataclass(slots=True)
class Limits:
    """Decides on each request before it is handled. Made by `off`, `discord` or `strict`.

    `refused` counts the 429 answers by route.
    """

    rates: Rates
    clock: Callable[[], float] = time.time
    refused: dict[str, int] = field(default_factory=dict)
    _windows: dict[str, Window] = field(default_factory=dict, repr=False)

    @classmethod
    def off(cls, clock: Callable[[], float] = time.time) -> Self:
        """A thousand requests a second for each bucket by the headers, and nobody counts."""
        return cls(Rates(), clock)

    @classmethod
    def discord(cls, clock: Callable[[], float] = time.time) -> Self:
        """As Discord's: buckets, 50 a second in all, 10,000 invalid requests in 10 minutes."""
        return cls(DISCORD, clock)

    @classmethod
    def strict(cls, clock: Callable[[], float] = time.time) -> Self:
        """Stricter than Discord's, to see how a bot copes; for others, `Limits(Rates(...))`."""
        return cls(STRICT, clock)

    def admit(self, asked: Asked) -> dict[str, str]:
        """The headers of the answer. Raises DiscordError (429) to refuse, or Banned."""
        now = self.clock()
        self._refuse_banned(asked, now)
        self._admit_to_everything(asked, now)
        bucket = _bucket_name(asked.route)
        rate = self.rates.routes.get(asked.route, self.rates.default)
        if rate is None:
            return _headers(bucket, 1000, 999, now + 1, 1.0)
        window = self._window(f"bucket {asked.route} {asked.resource} {asked.who}", rate)
        admitted = window.take(now)
        wait = window.wait(now)
        headers = _headers(bucket, rate.limit, window.remaining(now), now + wait, wait)
        if not admitted:
            self._refuse(asked)
            raise rate_limited(wait, headers=headers | {"X-RateLimit-Scope": "user"})
        return headers

    def answered(self, asked: Asked, status: int) -> None:
        """Count an answer: 401, 403 and 429 are invalid requests."""
        if status in (401, 403, 429):
            self._invalid_of(asked).take(self.clock())

    def admit_old_edit(self, channel_id: int) -> None:
        """Count an edit of a message that is older than an hour. Raises 30046."""
        now = self.clock()
        window = self._window(f"old {channel_id}", self.rates.old_edits)
        if not window.take(now):
            raise rate_limited(window.wait(now), Code.TOO_MANY_OLD_EDITS)

    def admit_identify(self, user_id: int, shard: int) -> bool:
        """Count an IDENTIFY in its bucket; False if the last one there was too short ago."""
        bucket = f"identify {user_id} {shard % self.rates.max_concurrency}"
        return self._window(bucket, self.rates.identifies).take(self.clock())

    def admit_session(self, user_id: int) -> bool:
        """Count a session; False if all of the day are used up."""
        return self._sessions_of(user_id).take(self.clock())

    def session_starts(self, user_id: int) -> dict[str, int]:
        """`session_start_limit` as GET /gateway/bot answers it; `reset_after` in milliseconds."""
        now, window = self.clock(), self._sessions_of(user_id)
        rate = window.rate or Rate(1000, 86_400.0)
        return {
            "total": rate.limit,
            "remaining": window.remaining(now) if window.rate else rate.limit,
            "reset_after": int((window.wait(now) or rate.seconds) * 1000),
            "max_concurrency": self.rates.max_concurrency,
        }

    def _sessions_of(self, user_id: int) -> Window:
        return self._window(f"sessions {user_id}", self.rates.sessions)

    def _refuse_banned(self, asked: Asked, now: float) -> None:
        window = self._invalid_of(asked)
        if window.rate is not None and window.remaining(now) <= 0:
            raise Banned(window.wait(now))

    def _invalid_of(self, asked: Asked) -> Window:
        return self._window(f"invalid {asked.who}", self.rates.invalid)

    def _admit_to_everything(self, asked: Asked, now: float) -> None:
        window = self._window(f"all {asked.who}", self.rates.everything)
        if not asked.exempt and not window.take(now):
            self._refuse(asked)
            headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
            raise rate_limited(window.wait(now), everything=True, headers=headers)

    def _window(self, name: str, rate: Rate | None) -> Window:
        window = self._windows.get(name)
        if window is None:
            self._forget_old()
            window = self._windows[name] = Window(rate)
        return window

    def _forget_old(self) -> None:
        if len(self._windows) >= _WINDOWS_KEPT:
            now = self.clock()
            self._windows = {name: w for name, w in self._windows.items() if w.wait(now) > 0}

    def _refuse(self, asked: Asked) -> None:
        self.refused[asked.route] = self.refused.get(asked.route, 0) + 1


def rate_limited(
    wait: float,
    code: Code = Code.GENERAL,
    *,
    everything: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> DiscordError:
    """A 429 that asks to come back in `wait` seconds.

    It carries `Via`, by which clients tell Discord's own from a ban by the edge network.
    """
    message = "You are being rate limited." if code is Code.GENERAL else None
    error = DiscordError(code, status=429, message=message)
    error.body |= {"retry_after": round(wait, 3), "global": everything}
    error.headers = {"Via": "1.1 google", "Retry-After": str(math.ceil(wait)), **headers}
    return error


def _headers(bucket: str, limit: int, remaining: int, reset: float, after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{reset:.3f}",
        "X-RateLimit-Reset-After": f"{after:.3f}",
        "X-RateLimit-Bucket": bucket,
    }


@lru_cache(maxsize=1024)
def _bucket_name(route: str) -> str:
    return hashlib.sha256(route.encode()).hexdigest()[:32]
