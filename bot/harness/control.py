"""The control API: what a test in any language does to the fake Discord, over HTTP.

It is apart from /api, takes a token of its own, and answers only on loopback. Faults, storms and
traces are as in `faults`, `storm` and `trace`.
"""

import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from aiohttp import web

from bot.harness.blast import blast
from bot.harness.errors import DiscordError
from bot.harness.fault_injector import FaultInjector
from bot.harness.faults import from_json
from bot.harness.gateway import Gateway
from bot.harness.model import JsonObject
from bot.harness.replay import Replay, replay_events
from bot.harness.storm import Storm
from bot.harness.trace import parse_lines

PREFIX = "/control"

Handler: TypeAlias = Callable[[web.Request], Awaitable[JsonObject | str]]


class Control:
    """The routes below /control. Requests carry "Authorization: Bearer " and `token`."""

    def __init__(self, faults: FaultInjector, gateway: Gateway) -> None:
        self.token = secrets.token_urlsafe(24)
        self._faults = faults
        self._gateway = gateway

    def add_to(self, app: web.Application) -> None:
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "/faults", self._cause),
            ("DELETE", "/faults", self._clear),
            ("PUT", "/storm", self._storm),
            ("DELETE", "/storm", self._calm),
            ("GET", "/trace", self._trace),
            ("DELETE", "/trace", self._forget),
            ("PUT", "/replay/faults", self._replay_faults),
            ("POST", "/replay/events", self._replay_events),
            ("POST", "/blast", self._blast),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, PREFIX + path, self._serve(handler))

    def _serve(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            if not _is_loopback(request.remote):
                return _answer(403, {"message": "only on loopback"})
            given = request.headers.get("Authorization", "")
            if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                return _answer(401, {"message": "this needs the control token"})
            try:
                return _answer(200, await handler(request))
            except (ValueError, TypeError, DiscordError) as error:
                return _answer(400, {"message": str(error)})
            except LookupError as error:
                return _answer(404, {"message": str(error)})

        return serve

    async def _cause(self, request: web.Request) -> JsonObject:
        """A fault, or a list of them; all are read before the first is caused."""
        asked = await request.json()
        faults = [from_json(one) for one in (asked if isinstance(asked, list) else [asked])]
        return {"hit": [self._faults.cause(fault) for fault in faults]}

    async def _clear(self, _: web.Request) -> JsonObject:
        self._faults.clear()
        return {}

    async def _storm(self, request: web.Request) -> JsonObject:
        storm = _storm(await request.json())
        self._faults.follow(storm)
        return asdict(storm)

    async def _calm(self, _: web.Request) -> JsonObject:
        self._faults.follow(None)
        return {}

    async def _trace(self, request: web.Request) -> str:
        since = int(request.query.get("since", "0"))
        return "".join(f"{line}\n" for line in self._gateway.trace.lines(since=since))

    async def _forget(self, _: web.Request) -> JsonObject:
        self._gateway.trace.clear()
        return {}

    async def _replay_faults(self, request: web.Request) -> JsonObject:
        replay = Replay(parse_lines((await request.text()).splitlines()))
        self._faults.follow(replay)
        return {"events": len(replay.events), "requests": len(replay.requests)}

    async def _replay_events(self, request: web.Request) -> JsonObject:
        entries = parse_lines((await request.text()).splitlines())
        pace = float(request.query.get("pace", "1"))
        return {"events": await replay_events(self._gateway, entries, pace=pace)}

    async def _blast(self, request: web.Request) -> JsonObject:
        """`count` messages of `content` in `channel_id` by `author_id`."""
        asked = await request.json()
        world = self._gateway.world
        channel = world.channel(_number(asked, "channel_id"))
        author = world.user(_number(asked, "author_id"))
        count, content = _number(asked, "count"), str(asked.get("content", "hello"))
        return asdict(await blast(self._gateway, channel, author, count, content))


def _storm(asked: Any) -> Storm:  # noqa: ANN401 - what somebody sent
    known = {field.name: field.type for field in fields(Storm)}
    if not isinstance(asked, dict) or "seed" not in asked or asked.keys() - known.keys():
        raise ValueError(f"a storm is an object with a seed and any of {', '.join(known)}")
    for name, value in asked.items():
        if isinstance(value, bool) is not (known[name] is bool):
            raise ValueError(f"storm.{name} is {value!r}")
        if not isinstance(value, int | float) or value < 0:
            raise ValueError(f"storm.{name} is {value!r}")
    return Storm(**asked)


def _number(asked: Any, name: str) -> int:  # noqa: ANN401 - what somebody sent
    value = asked.get(name) if isinstance(asked, dict) else None
    if isinstance(value, bool) or not str(value).isdigit():
        raise ValueError(f"{name} is {value!r}, which is no number")
    return int(str(value))


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _answer(status: int, body: JsonObject | str) -> web.Response:
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="application/x-ndjson")
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json"
    )
