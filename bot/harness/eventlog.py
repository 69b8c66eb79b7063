"""What a person saw at the gateway, in order, and what the messages look like by now."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.harness.model import JsonObject

EVENTS_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Event:
    """One gateway event: its name, its data, its position in the log, and when (monotonic)."""

    name: str
    data: JsonObject
    position: int
    at: float


@dataclass(slots=True)
class SeenMessage:
    """A message as it stands now: `latest` has all fields of the newest event about it."""

    latest: JsonObject
    deleted: bool = False
    edits: int = 0
    created_at: int = 0  # position of its MESSAGE_CREATE
    changed_at: int = 0  # position of the last event about it

    @property
    def content(self) -> str:
        return str(self.latest.get("content", ""))

    @property
    def author_id(self) -> str:
        return str(self.latest["author"]["id"])

    @property
    def ephemeral(self) -> bool:
        return bool(self.latest.get("flags", 0) & 64)

    @property
    def loading(self) -> bool:
        """Whether this is a deferred answer that still shows "thinking"."""
        return bool(self.latest.get("flags", 0) & 128)


Predicate = Callable[[Event], bool]


def named(name: str, **fields: object) -> Predicate:
    """Fits events of one name whose data has these fields."""
    return lambda event: (
        event.name == name and all(event.data.get(key) == value for key, value in fields.items())
    )


@dataclass(slots=True)
class _Waiter:
    predicate: Predicate
    found: asyncio.Future[Event] = field(repr=False)


class EventLog:
    """Grows by `add`; `wait_for` sleeps until something in it fits. The last 50,000 are kept."""

    def __init__(self) -> None:
        self.messages: dict[str, SeenMessage] = {}
        self.guild_of: dict[str, str] = {}  # by channel or thread
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._next = 0
        self._waiters: list[_Waiter] = []
        self._broken: BaseException | None = None

    def mark(self) -> int:
        """The position of the next event; give it as `since` to look only at what follows."""
        return self._next

    def events(self, since: int = 0) -> Iterator[Event]:
        """The events from a position on. Raises LookupError if the first of them is not kept."""
        first = self._events[0].position if self._events else self._next
        if since < first and first > 0:
            raise LookupError(f"events before {first} are no longer kept; asked for {since}")
        return (event for event in tuple(self._events) if event.position >= since)

    def add(self, name: str, data: JsonObject) -> None:
        event = Event(name, data, self._next, time.monotonic())
        self._next += 1
        self._events.append(event)
        self._follow(event)
        for waiter in tuple(self._waiters):
            if not waiter.found.done() and waiter.predicate(event):
                waiter.found.set_result(event)

    def fail(self, reason: BaseException) -> None:
        """Nothing will come any more: everyone who waits gets `reason`."""
        self._broken = reason
        for waiter in self._waiters:
            if not waiter.found.done():
                waiter.found.set_exception(reason)

    async def wait_for(
        self,
        predicate: Predicate,
        *,
        timeout: float,  # noqa: ASYNC109 - the caller's word for it
        since: int | None = None,
    ) -> Event:
        """The first event that fits, from `since` on or (without it) from now on.

        Raises TimeoutError after `timeout` seconds, ConnectionError if the connection was lost.
        """
        for event in self.events(since) if since is not None else ():
            if predicate(event):
                return event
        if self._broken is not None:
            raise self._broken
        waiter = _Waiter(predicate, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter.found
        finally:
            self._waiters.remove(waiter)

    def messages_since(
        self, since: int, *, author_id: str | None = None, channel_id: str | None = None
    ) -> list[SeenMessage]:
        """Messages that appeared from a position on and are not deleted, in order."""
        return [
            seen
            for seen in self.messages.values()
            if seen.created_at >= since
            and not seen.deleted
            and author_id in (None, seen.author_id)
            and channel_id in (None, seen.latest["channel_id"])
        ]

    def _follow(self, event: Event) -> None:
        match event.name:
            case "GUILD_CREATE":
                for channel in event.data["channels"] + event.data["threads"]:
                    self.guild_of[channel["id"]] = event.data["id"]
            case "CHANNEL_CREATE" | "THREAD_CREATE" if "guild_id" in event.data:
                self.guild_of[event.data["id"]] = event.data["guild_id"]
            case "MESSAGE_CREATE":
                self.messages[event.data["id"]] = SeenMessage(
                    event.data, created_at=event.position, changed_at=event.position
                )
            case "MESSAGE_UPDATE" if (seen := self.messages.get(event.data["id"])) is not None:
                seen.latest = seen.latest | event.data
                seen.edits += 1
                seen.changed_at = event.position
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                for message_id in event.data.get("ids") or [event.data["id"]]:
                    if (gone := self.messages.get(message_id)) is not None:
                        gone.deleted = True
                        gone.changed_at = event.position
