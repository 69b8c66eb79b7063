"""A gateway session: the numbered events of one login, kept so that it can resume."""

import json
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from bot.harness.model import JsonObject
from bot.harness.viewer import Dispatch, Viewer

REPLAY_LIMIT = 10_000


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
        self._sent: deque[tuple[int, str]] = deque(maxlen=REPLAY_LIMIT)

    def dispatch(self, event: Dispatch) -> None:
        """Send an event if it is for this viewer."""
        if event.is_for(self.viewer):
            self.send(event.name, event.payload(self.viewer))

    def send(self, name: str, data: JsonObject) -> None:
        self.seq += 1
        text = json.dumps({"op": 0, "t": name, "s": self.seq, "d": data}, separators=(",", ":"))
        self._sent.append((self.seq, text))
        if self.outlet is not None:
            self.outlet.send(text)

    def can_replay(self, seq: int) -> bool:
        """Whether every event after `seq` is still kept."""
        return seq == self.seq or (bool(self._sent) and self._sent[0][0] <= seq + 1 <= self.seq)

    def missed_since(self, seq: int) -> Iterator[str]:
        return (text for number, text in self._sent if number > seq)
