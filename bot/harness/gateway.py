"""The gateway: version 10, JSON, over a WebSocket, for bots and people alike.

Source: https://discord.com/developers/docs/events/gateway
"""

import asyncio
import contextlib
import json
import secrets
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.harness import payloads
from bot.harness.changes import Change
from bot.harness.compression import encoder_for
from bot.harness.events import dispatches
from bot.harness.gateway_codes import Close, GatewayClosed, Op, SessionInvalid
from bot.harness.gateway_faults import GatewayFaults
from bot.harness.guild_events import guild_create
from bot.harness.identify import (
    admit,
    as_object,
    guilds_for,
    presence_of,
    token_of,
    user_of,
    viewer_of,
)
from bot.harness.member_chunks import member_chunks
from bot.harness.model import Guild, JsonObject, User
from bot.harness.outbox import Outbox
from bot.harness.ratelimits import Limits
from bot.harness.session import Session, encode
from bot.harness.trace import Kind, Trace
from bot.harness.viewer import Dispatch
from bot.harness.windows import Window
from bot.harness.world import World

HEARTBEAT_MS = 41_250
# As long as over a network. One that was back in the same turn of the loop would be read before
# discord.py's thread has noted that the heartbeat is out, and be taken for 41 s late.
ROUND_TRIP_SECONDS = 0.05
_RESUMABLE_SECONDS = 300.0
_GUILDS_AT_ONCE = 25


class Gateway:
    """All sessions and connections of one server. `url` is what clients are told to resume at."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.limits = limits
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.heartbeat_ms = HEARTBEAT_MS
        self.trace = Trace()
        self.faults = GatewayFaults(self.trace)
        self._introductions: set[asyncio.Task[None]] = set()

    def publish(self, change: Change) -> None:
        """Send a change of the world to every session that may see it."""
        for event in dispatches(self.world, change):
            self.deliver(event)

    def deliver(self, event: Dispatch) -> None:
        """Send an event to every session it is for; it is encoded once for those of one shape."""
        encoded: dict[object, str] = {}
        for session in tuple(self.sessions.values()):
            if not session.takes(event):
                continue
            shape = event.shape(session.viewer)
            if shape not in encoded:
                encoded[shape] = encode(event.payload(session.viewer))
            session.send_encoded(event.name, encoded[shape])

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends."""
        socket = web.WebSocketResponse(max_msg_size=0, autoping=True, compress=False)
        await socket.prepare(request)
        connection = Connection(self, request, socket)
        self.connections.add(connection)
        self.trace.add(Kind.CONNECTION, {"event": "opened", "query": dict(request.query)})
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
            ended = {"event": "closed", "code": socket.close_code}
            self.trace.add(Kind.CONNECTION, ended, connection.user_id)
        return socket

    def introduce(self, session: Session, guilds: list[Guild]) -> None:
        """Send GUILD_CREATE for the guilds of a READY, without anybody waiting for the last.

        Until its turn comes, a guild is unavailable and no events of it are sent.
        """
        first, rest = guilds[:_GUILDS_AT_ONCE], guilds[_GUILDS_AT_ONCE:]
        session.unavailable = {guild.id for guild in rest}
        self._create(session, first)
        if rest:
            task = asyncio.create_task(self._introduce(session, rest))
            self._introductions.add(task)
            task.add_done_callback(self._introductions.discard)

    async def _introduce(self, session: Session, guilds: list[Guild]) -> None:
        for start in range(0, len(guilds), _GUILDS_AT_ONCE):
            await asyncio.sleep(0)
            if session.id not in self.sessions:
                return
            self._create(session, guilds[start : start + _GUILDS_AT_ONCE])

    def _create(self, session: Session, guilds: list[Guild]) -> None:
        for guild in guilds:
            session.unavailable.discard(guild.id)
            if guild.id in self.world.guilds:
                user_id = session.viewer.user_id
                session.dispatch(guild_create(self.world, guild, user_id, at_login=True))

    def show_presence(self, user_id: int) -> None:
        """Tell what the newest connected session of a user shows; without one they are offline."""
        shown = None
        for session in self.sessions.values():
            if session.viewer.user_id == user_id and session.outlet is not None:
                shown = session.presence
        if shown != self.world.presences.get(user_id):
            self.world.set_presence(self.world.users[user_id], shown)

    def connections_of(self, user_id: int) -> list["Connection"]:
        return [c for c in self.connections if c.session and c.session.viewer.user_id == user_id]

    def forget_stale(self) -> None:
        """Let go of sessions that were left without a connection for too long."""
        now = self.world.clock()
        for session in list(self.sessions.values()):
            left = session.detached_at
            if left is not None and now - left > _RESUMABLE_SECONDS:
                del self.sessions[session.id]

    async def close(self) -> None:
        """Close all connections and forget all sessions."""
        for introduction in self._introductions:
            introduction.cancel()
        closing = [c.close(WSCloseCode.GOING_AWAY, "server stops") for c in self.connections]
        await asyncio.gather(*closing)
        self.sessions.clear()


class Connection:
    """One WebSocket. A writer task owns the sending side, so that a publisher never waits."""

    def __init__(
        self, gateway: Gateway, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self.gateway = gateway
        self.session: Session | None = None
        self._request = request
        self._socket = socket
        self.user_id: int | None = None
        self.bot = False
        encoder = encoder_for(request.query.get("compress"))
        self.outbox = Outbox(request, encoder, gateway.faults.tap(self), self._written)
        self._sends = Window(gateway.limits.rates.sends)
        self._closed_here = False

    def send(self, text: str) -> None:
        self.outbox.put(text)

    def send_op(self, op: Op, data: object = None) -> None:
        # Every frame has "s" and "t": some clients read them from frames that are no events.
        self.send(json.dumps({"op": int(op), "d": data, "s": None, "t": None}))

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a close frame, after what was sent before."""
        self._closed_here = True
        with contextlib.suppress(ConnectionError):
            self.outbox.flush()
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        """Cut the connection without a close frame, as a broken network does."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def serve(self) -> None:
        writer = asyncio.create_task(self._write_all())
        try:
            self.send_op(Op.HELLO, {"heartbeat_interval": self.gateway.heartbeat_ms, "_trace": []})
            if self._request.query.get("encoding", "json") != "json":
                raise GatewayClosed(Close.DECODE_ERROR, "Only JSON is spoken here.")
            if self._request.query.get("v", "10") != "10":
                raise GatewayClosed(Close.INVALID_API_VERSION, "Invalid API version.")
            await self._read_all()
        except GatewayClosed as closed:
            await self.close(closed.code, closed.reason)
        finally:
            self._detach()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    async def _write_all(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.outbox.run()

    def _written(self, text: str) -> None:
        self.gateway.trace.add(Kind.SENT, text, self.user_id)

    async def _read_all(self) -> None:
        patience = self.gateway.heartbeat_ms * 2 / 1000
        while True:
            try:
                message = await self._socket.receive(timeout=patience)
            except TimeoutError:
                raise GatewayClosed(Close.SESSION_TIMED_OUT, "Session timed out.") from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self.gateway.trace.add(Kind.RECEIVED, str(message.data), self.user_id)
            try:
                frame = json.loads(message.data)
                op, data = frame["op"], frame.get("d")
            except (ValueError, TypeError, KeyError, AttributeError):
                raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.") from None
            try:
                self._receive(op, data)
            except SessionInvalid:
                self.send_op(Op.INVALID_SESSION, data=False)

    def _receive(self, op: object, data: Any) -> None:  # noqa: ANN401 - what a client sent
        if not self._sends.take(self.gateway.world.clock()):
            raise GatewayClosed(Close.RATE_LIMITED, "You are being rate limited.")
        match op:
            case Op.HEARTBEAT:
                loop = asyncio.get_running_loop()
                loop.call_later(ROUND_TRIP_SECONDS, self._acknowledge)
            case Op.IDENTIFY:
                self._identify(as_object(data))
            case Op.RESUME:
                self._resume(as_object(data))
            case Op.REQUEST_GUILD_MEMBERS:
                self._request_members(as_object(data))
            case Op.PRESENCE_UPDATE:
                self._authenticated().presence = presence_of(data)
                self.gateway.show_presence(self._authenticated().viewer.user_id)
            case Op.VOICE_STATE_UPDATE:
                self._authenticated()
            case _:
                raise GatewayClosed(Close.UNKNOWN_OPCODE, "Unknown opcode.")

    def _acknowledge(self) -> None:
        if not self._socket.closed:
            self.send_op(Op.HEARTBEAT_ACK)

    def _authenticated(self) -> Session:
        if self.session is None:
            raise GatewayClosed(Close.NOT_AUTHENTICATED, "Not authenticated.")
        return self.session

    def _identify(self, data: JsonObject) -> None:
        if self.session is not None:
            raise GatewayClosed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        world, token = self.gateway.world, token_of(data)
        user = user_of(world, token)
        viewer = viewer_of(world, user, data)
        presence = presence_of(data.get("presence") or {})
        guilds = guilds_for(world, viewer)
        admit(world, self.gateway.limits, viewer, guilds)
        self.gateway.forget_stale()
        session = Session(secrets.token_hex(16), token, viewer)
        session.presence = presence
        self.gateway.sessions[session.id] = session
        self._attach(session)
        self._ready(session, user, guilds, sharded="shard" in data)
        self.gateway.show_presence(user.id)

    def _ready(self, session: Session, user: User, guilds: list[Guild], *, sharded: bool) -> None:
        world = self.gateway.world
        data: JsonObject = {
            "v": 10,
            "user": payloads.own_user(user),
            "guilds": [{"id": str(g.id), "unavailable": True} for g in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.gateway.url,
            "private_channels": [],
            "presences": [],
            "relationships": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "_trace": [],
        }
        if sharded:
            data["shard"] = list(session.viewer.shard)
        if user.bot:
            application = world.application
            data["application"] = {"id": str(application.id), "flags": world.application_flags}
        session.send("READY", data)
        self.gateway.introduce(session, guilds)

    def _resume(self, data: JsonObject) -> None:
        if self.session is not None:
            raise GatewayClosed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        token, seq = token_of(data), data.get("seq")
        user_of(self.gateway.world, token)
        session = self.gateway.sessions.get(str(data.get("session_id")))
        if session is None or session.token != token or not isinstance(seq, int):
            self.send_op(Op.INVALID_SESSION, data=False)
            return
        if seq > session.seq:
            raise GatewayClosed(Close.INVALID_SEQ, "Invalid seq.")
        if not session.can_replay(seq):
            del self.gateway.sessions[session.id]
            self.send_op(Op.INVALID_SESSION, data=False)
            return
        for text in session.missed_since(seq):
            self.send(text)
        self._attach(session)
        session.send("RESUMED", {"_trace": []})
        self.gateway.show_presence(session.viewer.user_id)

    def _attach(self, session: Session) -> None:
        previous = session.outlet
        if isinstance(previous, Connection):
            previous.session = None
            previous.abort()
        session.outlet = self
        session.detached_at = None
        self.session = session
        self.user_id, self.bot = session.viewer.user_id, session.viewer.bot

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9: take the session away from this connection, for good unless it is resumable."""
        session = self.session
        self._detach()
        if session is not None and not resumable:
            self.gateway.sessions.pop(session.id, None)
        self.send_op(Op.INVALID_SESSION, resumable)

    def _detach(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        session.outlet = None
        session.detached_at = self.gateway.world.clock()
        # A client that says goodbye with 1000 or 1001 ends its session; any other end can resume.
        if self._socket.close_code in (1000, 1001) and not self._closed_here:
            self.gateway.sessions.pop(session.id, None)
        self.gateway.show_presence(session.viewer.user_id)

    def _request_members(self, data: JsonObject) -> None:
        session = self._authenticated()
        for chunk in member_chunks(self.gateway.world, session.viewer, data):
            session.send("GUILD_MEMBERS_CHUNK", chunk)
