"""Causes faults: at once where they strike at once, or armed for what comes next."""

import asyncio
import contextlib

from bot.harness.faults import (
    Answer,
    ConnectionFault,
    CutBody,
    Delay,
    Down,
    Drop,
    Duplicate,
    ExpireInteraction,
    Fault,
    Freeze,
    Garbage,
    InvalidSession,
    NoAnswer,
    Oversized,
    Reconnect,
    Reorder,
    RevokeToken,
    SlowBody,
    Thaw,
    to_json,
)
from bot.harness.frames import frame
from bot.harness.gateway import Connection, Gateway
from bot.harness.gateway_codes import Close, Op
from bot.harness.gateway_faults import Line, Schedule
from bot.harness.interactions import Interactions
from bot.harness.rest_faults import RestFaults
from bot.harness.trace import Kind
from bot.harness.world import World

_NO_JSON = '{"op": 0, "d'
_NO_DATA = b"\xff" * 64 + b"\x00\x00\xff\xff"  # zlib streams wait for this end of a message


class FaultInjector:
    """What a test does to a bot's Discord. All that it does is in the trace.

    Faults of requests and events hit the next that fit; the others hit all connections of bots now.
    """

    def __init__(self, world: World, gateway: Gateway, interactions: Interactions) -> None:
        self.rest = RestFaults(gateway.trace)
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._closing: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        gateway.faults.strike = self._strike

    def cause(self, fault: Fault) -> int:
        """Cause one fault; answers how many connections it hit, 0 for one that waits.

        Raises LookupError for an interaction that is not there.
        """
        self._gateway.trace.add(Kind.FAULT, to_json(fault) | {"state": "caused"})
        return self._cause(fault)

    def follow(self, schedule: Schedule | None) -> None:
        """Let a schedule, such as a storm, decide on each event and request; None ends that."""
        self._gateway.faults.follow(schedule)
        self.rest.follow(schedule)

    def clear(self) -> None:
        """Back to normal: nothing waits, is frozen or is down. A revoked token stays revoked."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._gateway.faults.clear()
        self.rest.clear()

    async def close(self) -> None:
        """Clear, and see connections that are being closed to their end."""
        self.clear()
        closing = tuple(self._closing)
        for task in closing:
            task.cancel()
        for task in closing:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _cause(self, fault: Fault) -> int:
        match fault:
            case Answer() | CutBody() | SlowBody() | NoAnswer():
                self.rest.arm(fault)
            case Delay() | Duplicate() | Reorder():
                self._gateway.faults.arm(fault)
            case ExpireInteraction(interaction_id):
                self._expire(interaction_id)
            case Drop() | Reconnect() | InvalidSession() | Garbage() | Oversized():
                for connection in self._bots():
                    self._hit(connection, fault)
                return len(self._bots())
            case _:
                return self._change_all(fault)
        return 0

    def _change_all(self, fault: Freeze | Thaw | RevokeToken | Down) -> int:
        bots = self._bots()
        match fault:
            case Freeze(seconds=seconds):
                self._gateway.faults.freeze(fault)
                self._later(seconds, Thaw())
            case Thaw():
                self._gateway.faults.thaw()
            case RevokeToken():
                self._world.set_token(self._world.bot, None)
                for connection in bots:
                    self._close(connection, Close.AUTHENTICATION_FAILED)
            case Down(seconds=seconds):
                self.rest.take_down(fault)
                self._timers.append(
                    asyncio.get_running_loop().call_later(seconds, self.rest.take_down, None)
                )
                for connection in bots:
                    connection.abort()
        return len(bots)

    def _strike(self, line: Line, fault: Fault) -> None:
        match fault:
            case Drop() | Reconnect() | InvalidSession() | Garbage() | Oversized() if isinstance(
                line, Connection
            ):
                self._hit(line, fault)
            case _:
                self._cause(fault)

    def _hit(self, connection: Connection, fault: ConnectionFault) -> None:
        match fault:
            case Drop(code=None):
                connection.abort()
            case Drop(code=int(code)):
                self._close(connection, code)
            case Reconnect():
                connection.send_op(Op.RECONNECT)
            case InvalidSession(resumable):
                connection.invalidate(resumable=resumable)
            case Garbage(binary):
                connection.outbox.put_wire(frame(_NO_DATA if binary else _NO_JSON))
            case Oversized(size) if connection.session is not None:
                connection.session.send("OVERSIZED", {"padding": "x" * size})

    def _close(self, connection: Connection, code: int) -> None:
        task = asyncio.get_running_loop().create_task(connection.close(code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _later(self, seconds: float | None, fault: Fault) -> None:
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(seconds, self.cause, fault))

    def _expire(self, interaction_id: int | None) -> None:
        if interaction_id is None:
            use = next(reversed(self._world.interactions.values()), None)
        else:
            use = self._interactions.by_id(interaction_id)
        if use is None:
            raise LookupError("there is no such interaction")
        self._interactions.expire(use)

    def _bots(self) -> list[Connection]:
        return [c for c in self._gateway.connections if c.bot]
