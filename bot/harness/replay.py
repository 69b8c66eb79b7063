"""A trace once more: its faults in the same places, or its events to the bots of now."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bot.harness.faults import (
    Answer,
    CutBody,
    Delay,
    Duplicate,
    Fault,
    Freeze,
    NoAnswer,
    Reorder,
    RestFault,
    SlowBody,
    Thaw,
    from_json,
)
from bot.harness.gateway import Gateway
from bot.harness.trace import Entry, Kind

_OF_LOGIN = ("READY", "RESUMED", "GUILD_CREATE")


class Replay:
    """A schedule by which faults strike where they struck in a trace.

    The places are counted from the trace's beginning: the n-th request of a route, the n-th event
    of a name. What was caused from outside strikes after the event that went before it.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.events: dict[tuple[str, int], Fault] = {}
        self.requests: dict[tuple[str, int], RestFault] = {}
        self._seen: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()  # what its fault counted before it came
        self._last = ""
        self._frozen: tuple[tuple[str, int], float] | None = None
        bots: set[int | None] = set()
        for entry in entries:
            self._walk(entry, bots)

    def on_event(self, name: str, count: int) -> Fault | None:
        return self.events.get((name, count))

    def on_request(self, route: str, count: int) -> RestFault | None:
        return self.requests.get((route, count))

    def _walk(self, entry: Entry, bots: set[int | None]) -> None:
        data = entry.data
        match entry.kind:
            case Kind.SENT if data.get("op") == 0:
                name = str(data["t"])
                if name == "READY" and data["d"]["user"].get("bot"):
                    bots.add(entry.user_id)
                if entry.user_id in bots and self._pass(name):
                    self._last = name
            case Kind.REQUEST if data.get("bot") and "fault" not in data:
                self._pass(f"{data['method']} {data['route']}")
            case Kind.FAULT:
                self._place(entry)

    def _pass(self, name: str) -> bool:
        """Count an event or request, unless its fault did; answers whether it was counted."""
        if self._counted[name]:
            self._counted[name] -= 1
            return False
        self._seen[name] += 1
        return True

    def _place(self, entry: Entry) -> None:
        told = dict(entry.data)
        on, _, caused = told.pop("on", ""), told.pop("count", 0), told.pop("state") == "caused"
        fault = from_json(told)
        if isinstance(fault, Answer | CutBody | SlowBody | NoAnswer):
            if not caused:
                self._seen[on] += 1
                self._counted[on] += isinstance(fault, CutBody | SlowBody)
                self.requests[on, self._seen[on]] = fault
        elif isinstance(fault, Delay | Duplicate | Reorder):
            if not caused:
                self._seen[on] += 1
                self._last = on
                self._counted[on] += 2 if isinstance(fault, Duplicate) else 1
                self.events[on, self._seen[on]] = fault
        elif isinstance(fault, Thaw):
            self._end_freeze(entry.at)
        else:
            self._place_after_last(fault, entry.at, on)

    def _place_after_last(self, fault: Fault, at: float, on: str) -> None:
        if on:
            # A schedule's own: told before its event went out.
            self._seen[on] += 1
            self._last = on
            self._counted[on] += 1
        place = (self._last, self._seen[self._last])
        while place in self.events:
            place = (place[0], place[1] + 1)
        self.events[place] = fault
        if isinstance(fault, Freeze):
            self._frozen = place, at

    def _end_freeze(self, at: float) -> None:
        if self._frozen is None:
            return
        place, since = self._frozen
        fault = self.events[place]
        if isinstance(fault, Freeze):
            self.events[place] = replace(fault, seconds=at - since)
        self._frozen = None


async def replay_events(gateway: Gateway, entries: Iterable[Entry], *, pace: float = 1.0) -> int:
    """Send the events that bots got in a trace to the bots that are connected now.

    They come as they were, with new numbers, at `pace` times the recorded distance (0: at once);
    the world does not change. Answers how many there were.
    """
    bots: set[int | None] = set()
    count = 0
    before: float | None = None
    for entry in entries:
        data = entry.data
        if entry.kind is not Kind.SENT or data.get("op") != 0:
            continue
        if data["t"] == "READY" and data["d"]["user"].get("bot"):
            bots.add(entry.user_id)
        if entry.user_id not in bots or data["t"] in _OF_LOGIN:
            continue
        if before is not None and pace:
            await asyncio.sleep((entry.at - before) * pace)
        before = entry.at
        count += 1
        for session in tuple(gateway.sessions.values()):
            if session.viewer.bot:
                session.send(data["t"], data["d"])
    return count
