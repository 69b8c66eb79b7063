"""The gateway: version 10, JSON, over a WebSocket, for bots and people alike.

Source: https://discord.com/developers/docs/events/gateway
"""

import asyncio
import contextlib
import json
import secrets
from enum import IntEnum
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.harness import payloads
from bot.harness.changes import Change
from bot.harness.compression import encoder_for
from bot.harness.events import dispatches, guild_create
from bot.harness.member_chunks import member_chunks
from bot.harness.model import JsonObject, User
from bot.harness.session import Session
from bot.harness.viewer import ALL_INTENTS, PRIVILEGED, Intent, Viewer
from bot.harness.world import World

HEARTBEAT_MS = 41_250
_RESUMABLE_SECONDS = 300.0


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQ = 4007
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class GatewayClosed(Exception):  # noqa: N818 - it is how a handler asks for a close, no mishap
    """Close this connection with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Gateway:
    """All sessions and connections of one server. `url` is what clients are told to resume at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()

    def publish(self, change: Change) -> None:
        """Send a change of the world to every session that may see it."""
        for event in dispatches(self.world, change):
            for session in tuple(self.sessions.values()):
                session.dispatch(event)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends."""
        socket = web.WebSocketResponse(max_msg_size=0, autoping=True, compress=False)
        await socket.prepare(request)
        connection = Connection(self, request, socket)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
        return socket

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
        self._encode = encoder_for(request.query.get("compress"))
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
        self._closed_here = False

    def send(self, text: str) -> None:
        self._outbox.put_nowait(text)

    def send_op(self, op: Op, data: object = None) -> None:
        # Every frame has "s" and "t": some clients read them from frames that are no events.
        self.send(json.dumps({"op": int(op), "d": data, "s": None, "t": None}))

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a close frame, after what was sent before."""
        self._closed_here = True
        while not self._outbox.empty():
            text = self._outbox.get_nowait()
            with contextlib.suppress(ConnectionError):
                await self._write(text)
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        """Cut the connection without a close frame, as a broken network does."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def serve(self) -> None:
        writer = asyncio.create_task(self._write_all())
        try:
            self.send_op(Op.HELLO, {"heartbeat_interval": HEARTBEAT_MS, "_trace": []})
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
            while True:
                await self._write(await self._outbox.get())

    async def _write(self, text: str) -> None:
        frame = self._encode(text)
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame)

    async def _read_all(self) -> None:
        patience = HEARTBEAT_MS * 2 / 1000
        while True:
            try:
                message = await self._socket.receive(timeout=patience)
            except TimeoutError:
                raise GatewayClosed(Close.SESSION_TIMED_OUT, "Session timed out.") from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            try:
                frame = json.loads(message.data)
                op, data = frame["op"], frame.get("d")
            except (ValueError, TypeError, KeyError, AttributeError):
                raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.") from None
            self._receive(op, data)

    def _receive(self, op: object, data: Any) -> None:  # noqa: ANN401 - what a client sent
        match op:
            case Op.HEARTBEAT:
                self.send_op(Op.HEARTBEAT_ACK)
            case Op.IDENTIFY:
                self._identify(_as_object(data))
            case Op.RESUME:
                self._resume(_as_object(data))
            case Op.REQUEST_GUILD_MEMBERS:
                self._request_members(_as_object(data))
            case Op.PRESENCE_UPDATE | Op.VOICE_STATE_UPDATE:
                self._authenticated()
            case _:
                raise GatewayClosed(Close.UNKNOWN_OPCODE, "Unknown opcode.")

    def _authenticated(self) -> Session:
        if self.session is None:
            raise GatewayClosed(Close.NOT_AUTHENTICATED, "Not authenticated.")
        return self.session

    def _identify(self, data: JsonObject) -> None:
        if self.session is not None:
            raise GatewayClosed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        token = str(data.get("token", "")).removeprefix("Bot ")
        user = self._user_of(token)
        viewer = Viewer(user.id, user.bot, self._intents(user, data), _shard(data))
        self.gateway.forget_stale()
        session = Session(secrets.token_hex(16), token, viewer)
        self.gateway.sessions[session.id] = session
        self._attach(session)
        self._ready(session, user, sharded="shard" in data)

    def _user_of(self, token: str) -> User:
        user = self.gateway.world.user_of(token)
        if user is None:
            raise GatewayClosed(Close.AUTHENTICATION_FAILED, "Authentication failed.")
        return user

    def _intents(self, user: User, data: JsonObject) -> Intent:
        if not user.bot:
            return ALL_INTENTS
        asked = data.get("intents")
        if not isinstance(asked, int) or asked & ~int(ALL_INTENTS):
            raise GatewayClosed(Close.INVALID_INTENTS, "Invalid intent(s).")
        if asked & int(PRIVILEGED) and not self.gateway.world.privileged_intents:
            raise GatewayClosed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
        return Intent(asked)

    def _ready(self, session: Session, user: User, *, sharded: bool) -> None:
        world = self.gateway.world
        shard, count = session.viewer.shard
        guilds = [
            g for g in world.guilds_of(user.id) if not user.bot or (g.id >> 22) % count == shard
        ]
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
            data["shard"] = [shard, count]
        if user.bot:
            application = world.application
            data["application"] = {"id": str(application.id), "flags": world.application_flags}
        session.send("READY", data)
        for guild in guilds:
            session.dispatch(guild_create(world, guild, user.id, at_login=True))

    def _resume(self, data: JsonObject) -> None:
        if self.session is not None:
            raise GatewayClosed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        token, seq = str(data.get("token", "")).removeprefix("Bot "), data.get("seq")
        self._user_of(token)
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

    def _attach(self, session: Session) -> None:
        previous = session.outlet
        if isinstance(previous, Connection):
            previous.session = None
            previous.abort()
        session.outlet = self
        session.detached_at = None
        self.session = session

    def _detach(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        session.outlet = None
        session.detached_at = self.gateway.world.clock()
        # A client that says goodbye with 1000 or 1001 ends its session; any other end can resume.
        if self._socket.close_code in (1000, 1001) and not self._closed_here:
            self.gateway.sessions.pop(session.id, None)

    def _request_members(self, data: JsonObject) -> None:
        session = self._authenticated()
        for chunk in member_chunks(self.gateway.world, session.viewer, data):
            session.send("GUILD_MEMBERS_CHUNK", chunk)


def _as_object(data: object) -> JsonObject:
    if not isinstance(data, dict):
        raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
    return data


def _shard(data: JsonObject) -> tuple[int, int]:
    match data.get("shard"):
        case None:
            return 0, 1
        case [int(shard), int(count)] if 0 <= shard < count:
            return shard, count
        case _:
            raise GatewayClosed(Close.INVALID_SHARD, "Invalid shard.")
