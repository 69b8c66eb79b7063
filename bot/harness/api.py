"""The REST side: finds the route of a request, checks who asks, and answers in Discord's shapes."""

import json
import logging
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from bot.harness import errors
from bot.harness.call import Call, Reply, read_body
from bot.harness.errors import DiscordError
from bot.harness.interactions import Interactions
from bot.harness.model import JsonObject, User
from bot.harness.ratelimits import Asked, Banned, Limits
from bot.harness.world import World

log = logging.getLogger(__name__)

PREFIX = "/api/v10"
REQUESTS_KEPT = 10_000

Body: TypeAlias = JsonObject | list[JsonObject] | list[Any] | None
Handler: TypeAlias = Callable[[Call], Awaitable[Body | Reply]]

Watcher: TypeAlias = Callable[[web.Request, "RequestRecord"], None]

_RESOURCE = re.compile(r"^/(?:(?:channels|guilds)/[^/]+|webhooks/[^/]+/[^/]+)")
_OF_INTERACTIONS = ("/interactions/{interaction_id}", "/webhooks/{application_id}/{token}")


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its path below /api/v10, and the function that answers it.

    `open` routes need no token, or carry one in the path.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that was answered; `path` is without /api/v10.

    `answer` is the JSON that went back; `unknown` says that no route serves the request.
    """

    method: str
    path: str
    status: int
    body: Any
    user_id: int | None
    query: dict[str, str]
    answer: Any = None
    unknown: bool = False


class Api:
    """All REST routes on one world.

    `requests` are the last ones answered, oldest first; `unknown_routes` counts what no route
    serves, by "METHOD /path".
    """

    def __init__(self, world: World, interactions: Interactions, limits: Limits) -> None:
        self.world = world
        self.interactions = interactions
        self.gateway_url = ""
        self.limits = limits
        self.requests: deque[RequestRecord] = deque(maxlen=REQUESTS_KEPT)
        self.unknown_routes: Counter[str] = Counter()
        self.watchers: list[Watcher] = []
        self._paths: list[re.Pattern[str]] = []

    def add_to(self, app: web.Application, routes: list[Route]) -> None:
        for route in routes:
            app.router.add_route(route.method, PREFIX + route.path, self._serve(route))
        served = {re.sub(r"\{\w+\}", "[^/]+", route.path) for route in routes}
        self._paths = [re.compile(f"{path}$") for path in served]
        app.router.add_route("*", "/api{rest:(/.*)?}", self._unknown)

    def _serve(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            body: Any = None
            account: User | None = None
            headers: dict[str, str] = {}
            asked = _asked(request, route, None)
            try:
                account = self._authenticate(request, route)
                asked = _asked(request, route, account)
                headers = self.limits.admit(asked)
                body, uploads = await read_body(request)
                call = Call(
                    self.world,
                    self.interactions,
                    self.gateway_url,
                    self.limits,
                    request,
                    account,
                    body,
                    uploads,
                )
                reply = _as_reply(await route.handler(call))
            except DiscordError as error:
                reply = Reply(error.status, error.body)
                headers |= error.headers
            except Banned as ban:
                # No JSON and no Via header: this answer is not Discord's own.
                self._record(request, Reply(429), None, account)
                after = {"Retry-After": str(int(ban.wait) + 1)}
                return web.Response(status=429, text="error code: 1015", headers=after)
            except Exception:
                log.exception("%s %s failed", request.method, request.path)
                reply = Reply(500, errors.internal().body)
            self.limits.answered(asked, reply.status)
            self._record(request, reply, body, account)
            return _respond(reply, headers)

        return serve

    async def _unknown(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(PREFIX)
        known = any(pattern.match(path) for pattern in self._paths)
        error = errors.wrong_method() if known else errors.not_found()
        self.unknown_routes[f"{request.method} {path}"] += 1
        await request.read()
        reply = Reply(error.status, error.body)
        self._record(request, reply, None, None, unknown=True)
        return _respond(reply, {})

    def _authenticate(self, request: web.Request, route: Route) -> User | None:
        scheme, _, token = request.headers.get("Authorization", "").rpartition(" ")
        user = self.world.user_of(token)
        if user is not None and user.bot is (scheme == "Bot"):
            return user
        if route.open:
            return None
        raise errors.unauthorized()

    def _record(
        self,
        request: web.Request,
        reply: Reply,
        body: object,
        account: User | None,
        *,
        unknown: bool = False,
    ) -> None:
        record = RequestRecord(
            method=request.method,
            path=request.path.removeprefix(PREFIX),
            status=reply.status,
            body=body,
            user_id=account.id if account else None,
            query=dict(request.query),
            answer=reply.body,
            unknown=unknown,
        )
        self.requests.append(record)
        for watch in self.watchers:
            watch(request, record)


def _asked(request: web.Request, route: Route, account: User | None) -> Asked:
    resource = _RESOURCE.match(request.path.removeprefix(PREFIX))
    return Asked(
        route=f"{route.method} {route.path}",
        resource=resource[0] if resource else "",
        # Bans are by address at Discord. Here bot and people share one, so accounts stand in.
        who=str(account.id) if account else str(request.remote),
        exempt=route.path.startswith(_OF_INTERACTIONS),
    )


def _as_reply(result: Body | Reply) -> Reply:
    if isinstance(result, Reply):
        return result
    return Reply(204) if result is None else Reply(200, result)


def _respond(reply: Reply, headers: dict[str, str]) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    # Bytes with a bare content type: with a charset some clients do not see that this is JSON.
    return web.Response(
        status=reply.status,
        body=json.dumps(reply.body).encode(),
        content_type="application/json",
        headers=headers,
    )
