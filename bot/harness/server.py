"""A Discord to run on one's own machine: REST, gateway and attachments on one loopback port."""

from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp.web import (
    Application,
    AppRunner,
    HTTPNotFound,
    Request,
    Response,
    StreamResponse,
    TCPSite,
)

from bot.harness import routes
from bot.harness.api import PREFIX, Api, RequestRecord
from bot.harness.control import PREFIX as CONTROL
from bot.harness.control import Control
from bot.harness.fault_injector import FaultInjector
from bot.harness.gateway import Gateway
from bot.harness.interactions import Interactions
from bot.harness.model import JsonObject, User
from bot.harness.permissions import Permission
from bot.harness.ratelimits import Limits
from bot.harness.rest_faults import is_of_bot, route_of
from bot.harness.sample import sample_world
from bot.harness.trace import Kind, Trace
from bot.harness.web import pages
from bot.harness.world import World

BODY_LIMIT = 100 * 1024 * 1024


class FakeDiscord:
    """A server on a world (the sample world unless given), for use as `async with`.

    `port` 0 takes a free one. `respond_within` is how long an application has for the first answer
    to an interaction, in seconds. `limits` (off unless given) are those of REST and gateway. After
    a stop it can start again, on the same port and world but without the sessions. Several may run
    side by side.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        respond_within: float = 3.0,
        limits: Limits | None = None,
    ) -> None:
        self.world = world or sample_world()
        self.host = host
        self.port = port
        self.interactions = Interactions(self.world, respond_within=respond_within)
        self.limits = limits or Limits.off(self.world.clock)
        self.api = Api(self.world, self.interactions, self.limits)
        self.gateway_server = Gateway(self.world, self.limits)
        self.faults = FaultInjector(self.world, self.gateway_server, self.interactions)
        self.control = Control(self.faults, self.gateway_server)
        self.api.watchers.append(self._trace_request)
        self._runner: AppRunner | None = None
        self._unsubscribe: Callable[[], None] | None = None

    # Life

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        runner = AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await TCPSite(runner, self.host, self.port, reuse_address=True).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self.world.cdn = self.web
        self.api.gateway_url = self.gateway_server.url = self.gateway
        self._unsubscribe = self.world.subscribe(self.gateway_server.publish)

    async def stop(self) -> None:
        """Close every connection and give the port back."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        if self._unsubscribe is not None:
            self._unsubscribe()
        self.interactions.close()
        await self.faults.close()
        await self.gateway_server.close()
        await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    # Where it is

    @property
    def rest(self) -> str:
        return f"http://{self.host}:{self.port}{PREFIX}"

    @property
    def gateway(self) -> str:
        return f"ws://{self.host}:{self.port}/gateway"

    @property
    def web(self) -> str:
        return f"http://{self.host}:{self.port}/"

    @property
    def control_url(self) -> str:
        """Where the control API is; its token is `control.token`."""
        return f"http://{self.host}:{self.port}{CONTROL}"

    @property
    def bot_token(self) -> str:
        return self.world.bot.token or ""

    def describe(self) -> JsonObject:
        """What someone needs to join: addresses, tokens and the ids of the first guild."""
        world = self.world
        guild = next(iter(world.guilds.values()), None)
        people = [u for u in world.users.values() if not u.bot and u.token is not None]
        return {
            "rest": self.rest,
            "gateway": self.gateway,
            "web": self.web,
            "bot_token": self.bot_token,
            "bot_user_id": str(world.bot.id),
            "application_id": str(world.application.id),
            "guild_id": str(guild.id) if guild else None,
            "channel_id": str(guild.channel_ids[0]) if guild and guild.channel_ids else None,
            "users": [
                {"id": str(u.id), "name": u.name, "token": u.token, "role": self._role_of(u)}
                for u in people
            ],
        }

    # What a test looks at

    @property
    def requests(self) -> deque[RequestRecord]:
        """The REST requests that were answered, oldest first."""
        return self.api.requests

    @property
    def unknown_routes(self) -> Counter[str]:
        """How often each route that this server does not have was asked for."""
        return self.api.unknown_routes

    @property
    def trace(self) -> Trace:
        """All that went on: requests, gateway frames, connections and faults."""
        return self.gateway_server.trace

    # What a test does to the bot

    async def drop_bot(self, code: int | None = None) -> int:
        """End the bot's gateway connections: with a close frame, or without `code` cut them off.

        Answers how many there were. The sessions stay and can be resumed.
        """
        connections = self.gateway_server.connections_of(self.world.bot.id)
        for connection in connections:
            if code is None:
                connection.abort()
            else:
                await connection.close(code)
        return len(connections)

    def allow_privileged_intents(self, allowed: bool) -> None:
        """Switch the privileged intents in the "developer portal": off, IDENTIFY gets 4014."""
        self.world.privileged_intents = allowed

    def revoke_token(self, user: User | None = None) -> None:
        """Void the bot's token, or another user's: 401 and 4004 from now on."""
        self.world.set_token(user or self.world.bot, None)

    # Inside

    def _app(self) -> Application:
        app = Application(client_max_size=BODY_LIMIT, middlewares=[self.faults.rest.guard])
        self.control.add_to(app)
        app.router.add_get("/", self._root)
        app.router.add_get("/gateway", self.gateway_server.handle)
        app.router.add_get("/gateway/", self.gateway_server.handle)
        app.router.add_get("/attachments/{channel_id}/{attachment_id}/{name}", self._attachment)
        self.api.add_to(app, routes.ALL)
        pages.add_to(app, self.describe)
        return app

    async def _root(self, request: Request) -> StreamResponse:
        # Some clients keep only host and port of the gateway's address.
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.gateway_server.handle(request)
        return await pages.index(request)

    async def _attachment(self, request: Request) -> Response:
        found = self.world.conversation.attachment(
            request.match_info["channel_id"], request.match_info["attachment_id"]
        )
        if found is None:
            raise HTTPNotFound
        headers = pages.UPLOAD_HEADERS | {"Content-Type": found.content_type}
        return Response(body=found.data, headers=headers)

    def _trace_request(self, request: Request, record: RequestRecord) -> None:
        told = {
            "method": record.method,
            "path": record.path,
            "route": route_of(request),
            "status": record.status,
            "body": record.body,
            "query": record.query,
            "answer": record.answer,
            "bot": is_of_bot(request),
        }
        self.trace.add(Kind.REQUEST, told, record.user_id)

    def _role_of(self, user: User) -> str:
        manage = Permission.MANAGE_GUILD
        guilds = self.world.guilds_of(user.id)
        first = guilds[0] if guilds else None
        if first is not None and manage in self.world.guild_permissions(first, user.id):
            return "admin"
        return "member"
