"""A storm: faults by chance, and the same ones again for the same seed."""

import random
from dataclasses import dataclass

from bot.harness.faults import (
    Answer,
    CutBody,
    Delay,
    Drop,
    Duplicate,
    Fault,
    InvalidSession,
    Reconnect,
    Reorder,
    RestFault,
    SlowBody,
)

_HANDSHAKE = ("READY", "RESUMED")


@dataclass(frozen=True, slots=True)
class Storm:
    """Hits a share of a bot's requests, events and (after an event) connections.

    What hits the n-th event of a name, or the n-th request of a route, depends on nothing but
    `seed`: a run in which other things come in another order is hit in the same places. Delays and
    retries take `longest` seconds at most. By default all can be survived without losing anything;
    a `harsh` storm also loses requests and answers, and sessions for good.
    """

    seed: int
    requests: float = 0.1
    events: float = 0.05
    connections: float = 0.01
    longest: float = 0.2
    harsh: bool = False

    def on_event(self, name: str, count: int) -> Fault | None:
        """What happens to the `count`th event of that name."""
        if name in _HANDSHAKE:
            return None
        dice = random.Random(f"{self.seed} {name} {count}")  # noqa: S311 - chance, not secrets
        chance = dice.random()
        if chance < self.connections:
            faults: list[Fault] = [Drop(), Drop(4000), Drop(1000), Reconnect()]
            faults += [InvalidSession(resumable=True)]
            faults += [InvalidSession()] if self.harsh else []
            return dice.choice(faults)
        if chance < self.connections + self.events:
            delay = Delay(seconds=round(dice.uniform(0, self.longest), 3))
            late: list[Fault] = [delay, Duplicate(), Reorder()]
            return dice.choice(late)
        return None

    def on_request(self, route: str, count: int) -> RestFault | None:
        """What happens to the `count`th request of a route, "METHOD /path" with names for ids."""
        dice = random.Random(f"{self.seed} {route} {count}")  # noqa: S311 - chance, not secrets
        if dice.random() >= self.requests:
            return None
        seconds = round(dice.uniform(0, self.longest), 3)
        faults: list[RestFault] = [
            Answer(status=429, retry_after=seconds),
            Answer(status=500),
            Answer(status=502),
            Answer(status=504),
            SlowBody(seconds=seconds),
        ]
        if self.harsh:
            faults += [Answer(status=503), CutBody()]
        return dice.choice(faults)
