"""What goes wrong on the way out of the gateway: events late, twice, out of order, or nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Protocol, TypeAlias

from bot.harness.faults import (
    Delay,
    DispatchFault,
    Duplicate,
    Fault,
    Freeze,
    Reorder,
    RestFault,
    to_json,
)
from bot.harness.outbox import Write
from bot.harness.trace import Kind, Trace


class Line(Protocol):
    """A connection, as far as faults know it; `bot` is False until it is known to be a bot's."""

    @property
    def bot(self) -> bool: ...


class Schedule(Protocol):
    """Decides on faults by what happens: the `count`th (from 1) event or request of a name."""

    def on_event(self, name: str, count: int) -> Fault | None: ...

    def on_request(self, route: str, count: int) -> RestFault | None: ...


Strike: TypeAlias = Callable[[Line, Fault], None]


class GatewayFaults:
    """The faults that wait for bots' events.

    `strike` does what a schedule asks for beside that.
    """

    def __init__(self, trace: Trace) -> None:
        self.strike: Strike | None = None
        self._trace = trace
        self._armed: list[tuple[DispatchFault, int]] = []
        self._frozen: Freeze | None = None
        self._thawed = asyncio.Event()
        self._schedule: Schedule | None = None
        self._counts: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        return bool(self._armed) or self._frozen is not None or self._schedule is not None

    def tap(self, line: Line) -> "ConnectionTap":
        return ConnectionTap(self, line)

    def arm(self, fault: DispatchFault) -> None:
        self._armed.append((fault, fault.times))

    def follow(self, schedule: Schedule | None) -> None:
        """Ask a schedule for each event from now on, counting from one."""
        self._schedule = schedule
        self._counts.clear()

    def freeze(self, fault: Freeze) -> None:
        self._frozen = fault
        self._thawed.clear()

    def thaw(self) -> None:
        self._frozen = None
        self._thawed.set()

    def clear(self) -> None:
        """Forget all faults; what was frozen goes out."""
        self._armed.clear()
        self.follow(None)
        self.thaw()

    async def admits(self, op: int) -> bool:
        """Whether a frame goes out at all; waits while everything is frozen."""
        while self._frozen is not None:
            if self._frozen.acks_only:
                return op != 11
            await self._thawed.wait()
            if op == 11:
                return False
        return True

    def take(self, event: str) -> Fault | None:
        """The fault for an event that is about to go out."""
        self._counts[event] += 1
        fault: Fault | None = None
        for index, (armed, left) in enumerate(self._armed):
            if armed.event in ("*", event):
                fault = armed
                self._armed[index : index + 1] = [(armed, left - 1)] if left > 1 else []
                break
        else:
            if self._schedule is not None:
                fault = self._schedule.on_event(event, self._counts[event])
        if fault is not None:
            struck = {"state": "struck", "on": event, "count": self._counts[event]}
            self._trace.add(Kind.FAULT, to_json(fault) | struck)
        return fault


class ConnectionTap:
    """Applies the faults to one connection. An event that was put back waits here for the next."""

    def __init__(self, faults: GatewayFaults, line: Line) -> None:
        self._faults = faults
        self._line = line
        self._held: list[str] = []

    @property
    def open(self) -> bool:
        return self._line.bot and (self._faults.active or bool(self._held))

    async def through(self, text: str, write: Write) -> None:
        frame = json.loads(text)
        if not await self._faults.admits(frame["op"]):
            return
        fault = self._faults.take(frame["t"]) if frame["op"] == 0 else None
        match fault:
            case Reorder():
                self._held.append(text)
                return
            case Delay(seconds=seconds):
                await asyncio.sleep(seconds)
                write(text)
            case Duplicate():
                write(text)
                write(text)
            case _:
                write(text)
        held, self._held = self._held, []
        for late in held:
            write(late)
        if fault is not None and not isinstance(fault, Delay | Duplicate) and self._faults.strike:
            self._faults.strike(self._line, fault)
