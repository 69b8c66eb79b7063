"""A gateway session: the numbered events of one login, kept so that it can resume."""

import json
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from bot.harness.model import JsonObject
from bot.harness.viewer import Dispatch, Viewer

REPLAY_LIMIT = 10_000

# Payloads are trees that are made here, so that nothing has to be looked for that points to itself.
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def encode(data: JsonObject) -> str:
    return _ENCODER.encode(data)


class Outlet(Protocol):
    """Where frames go: a connection."""

    def send(self, text: str) -> None: ...


class Session:
    """One login of a viewer. It lives on without a connection (`outlet` is None) and buffers."""

    def __init__(self, session_id: str, token: str, viewer: Viewer) -> None:
        self.id = session_id
        self.token = token
        self.viewer = viewer
        self.outlet: Outlet | None = None
        self.seq = 0
        self.detached_at: float | None = None
        self.presence: JsonObject | None = None
        self.unavailable: set[int] = set()  # guilds whose GUILD_CREATE is still to come
        self._sent: deque[tuple[int, str]] = deque(maxlen=REPLAY_LIMIT)

    def takes(self, event: Dispatch) -> bool:
        """Whether an event is for this viewer, who knows its guild already or learns of its end."""
        unknown = event.guild_id in self.unavailable and event.name != "GUILD_DELETE"
        return not unknown and event.is_for(self.viewer)

    def dispatch(self, event: Dispatch) -> None:
        """Send an event if it is for this viewer."""
        if self.takes(event):
            self.send(event.name, event.payload(self.viewer))

    def send(self, name: str, data: JsonObject) -> None:
        self.send_encoded(name, encode(data))

    def send_encoded(self, name: str, data: str) -> None:
        """Send an event whose data is JSON already; only the number in its frame is one's own."""
        self.seq += 1
        text = f'{{"op":0,"t":"{name}","s":{self.seq},"d":{data}}}'
        self._sent.append((self.seq, text))
        if self.outlet is not None:
            self.outlet.send(text)

    def skip(self, count: int) -> int:
        """Give away the next `count` numbers; answers the first. What has them is not kept."""
        first = self.seq + 1
        self.seq += count
        self._sent.clear()
        return first

    def can_replay(self, seq: int) -> bool:
        """Whether every event after `seq` is still kept."""
        return seq == self.seq or (bool(self._sent) and self._sent[0][0] <= seq + 1 <= self.seq)

    def missed_since(self, seq: int) -> Iterator[str]:
        return (text for number, text in self._sent if number > seq)
