"""What went on at a fake Discord, in order: requests, gateway frames, connections and faults."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from bot.harness.model import JsonObject

ENTRIES_KEPT = 20_000
CHARACTERS_KEPT = 64_000_000


class Kind(StrEnum):
    """`SENT` and `RECEIVED` are gateway frames, as the server sees it."""

    REQUEST = "request"
    SENT = "sent"
    RECEIVED = "received"
    CONNECTION = "connection"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, `at` seconds after the trace began.

    `user_id` is whose request or connection it was, as far as that was known.
    """

    number: int
    at: float
    kind: Kind
    user_id: int | None
    raw: JsonObject | str

    @property
    def data(self) -> JsonObject:
        """A gateway frame, or the fields of a request, connection or fault."""
        if isinstance(self.raw, dict):
            return self.raw
        try:
            data = json.loads(self.raw)
        except ValueError:
            return {"text": self.raw}
        return data if isinstance(data, dict) else {"text": self.raw}

    def is_dispatch(self, name: str | None = None) -> bool:
        """Whether this is a gateway event that was sent, of that name if one is given."""
        if self.kind is not Kind.SENT:
            return False
        data = self.data
        return data.get("op") == 0 and name in (None, data.get("t"))

    def as_json(self) -> JsonObject:
        return {
            "number": self.number,
            "at": round(self.at, 6),
            "kind": str(self.kind),
            "user_id": None if self.user_id is None else str(self.user_id),
            "data": self.data,
        }


Predicate = Callable[[Entry], bool]


class Trace:
    """Grows by `add`, forgets the oldest: at most `limit` entries and `characters` of frames."""

    def __init__(self, *, limit: int = ENTRIES_KEPT, characters: int = CHARACTERS_KEPT) -> None:
        self._limit = limit
        self._characters = characters
        self._entries: deque[Entry] = deque()
        self._size = 0
        self._next = 0
        self._began = time.monotonic()
        self._waiters: list[tuple[Predicate, asyncio.Future[Entry]]] = []

    # Writing

    def add(self, kind: Kind, raw: JsonObject | str, user_id: int | None = None) -> None:
        entry = Entry(self._next, time.monotonic() - self._began, kind, user_id, raw)
        self._next += 1
        self._entries.append(entry)
        self._size += _size(entry)
        while len(self._entries) > self._limit or self._size > self._characters:
            self._size -= _size(self._entries.popleft())
        for predicate, found in self._waiters:
            if not found.done() and predicate(entry):
                found.set_result(entry)

    def clear(self) -> None:
        self._entries.clear()
        self._size = 0

    # Reading

    def mark(self) -> int:
        """The number of the next entry; give it as `since` to look only at what follows."""
        return self._next

    def entries(self, kind: Kind | None = None, *, since: int = 0) -> list[Entry]:
        return [e for e in self._entries if e.number >= since and kind in (None, e.kind)]

    def requests(self, route: str = "*", *, since: int = 0) -> list[Entry]:
        """Requests whose "METHOD /path" or "METHOD /route" fits a pattern with `*`."""
        return [
            entry
            for entry in self.entries(Kind.REQUEST, since=since)
            if any(
                fnmatchcase(f"{entry.data['method']} {entry.data[key]}", route)
                for key in ("path", "route")
            )
        ]

    def dispatches(
        self, name: str | None = None, *, user_id: int | None = None, since: int = 0
    ) -> list[Entry]:
        """Gateway events that were sent, of one name or to one user where given."""
        return [
            entry
            for entry in self.entries(Kind.SENT, since=since)
            if user_id in (None, entry.user_id) and entry.is_dispatch(name)
        ]

    def received(self, op: int | None = None, *, since: int = 0) -> list[Entry]:
        """Frames that clients sent, of one opcode where given."""
        frames = self.entries(Kind.RECEIVED, since=since)
        return [e for e in frames if op in (None, e.data.get("op"))]

    def faults(self, *, since: int = 0) -> list[Entry]:
        return self.entries(Kind.FAULT, since=since)

    def connections(self, *, since: int = 0) -> list[Entry]:
        return self.entries(Kind.CONNECTION, since=since)

    async def wait_for(
        self,
        predicate: Predicate,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the caller's word for it
        since: int = 0,
    ) -> Entry:
        """The first entry that fits, past or future. Raises TimeoutError."""
        for entry in self.entries(since=since):
            if predicate(entry):
                return entry
        found: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        waiter = (predicate, found)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await found
        finally:
            self._waiters.remove(waiter)

    # Keeping

    def lines(self, *, since: int = 0) -> Iterator[str]:
        """Each entry as one line of JSON, without line ends."""
        return (json.dumps(e.as_json(), separators=(",", ":")) for e in self.entries(since=since))

    def save(self, path: Path) -> None:
        """Write the trace as JSON lines."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.lines())


def load(path: Path) -> list[Entry]:
    """The entries of a file that `Trace.save` wrote. Raises ValueError for other files."""
    with path.open(encoding="utf-8") as file:
        return parse_lines(file)


def parse_lines(lines: Iterable[str]) -> list[Entry]:
    """The entries of JSON lines. Raises ValueError that names the first line that is none."""
    return [_parsed(line, place) for place, line in enumerate(lines, 1) if line.strip()]


def _parsed(line: str, place: int) -> Entry:
    try:
        told = json.loads(line)
        user_id = told["user_id"]
        return Entry(
            int(told["number"]),
            float(told["at"]),
            Kind(told["kind"]),
            None if user_id is None else int(user_id),
            dict(told["data"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"line {place} is no entry of a trace: {error}") from None


def _size(entry: Entry) -> int:
    return len(entry.raw) if isinstance(entry.raw, str) else 0
