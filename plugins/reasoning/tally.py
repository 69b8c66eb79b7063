"""What became of the exchanges of all worlds since the start, for whoever watches the bot."""

from collections import Counter
from collections.abc import Iterator

from bot.agent.metrics import Metric
from bot.store.records import Exchange, World
from plugins.reasoning.losses import Losses

ANSWERED, FELL_BACK, FAILED = "answered", "fell_back", "failed"


class Tally:
    """Counts the exchanges where custom reasoning is on.

    `withheld` counts those that were not to be kept, by world. `off` are worlds where it was off
    when that could last be read: of these nothing is lost.
    """

    def __init__(self) -> None:
        self.losses = Losses()
        self.withheld: Counter[World] = Counter()
        self.off: set[World] = set()
        self._outcomes = Counter({ANSWERED: 0, FELL_BACK: 0, FAILED: 0})
        self._tokens = Counter({"prompt": 0, "completion": 0})
        self._seconds = 0.0

    def count(self, exchange: Exchange) -> None:
        """An exchange took place."""
        self._outcomes[outcome_of(exchange)] += 1
        self._tokens["prompt"] += max(exchange.prompt_tokens or 0, 0)
        self._tokens["completion"] += max(exchange.completion_tokens or 0, 0)
        self._seconds += exchange.latency_ms / 1000

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        for kind, count in (
            ("exchange", self.losses.exchanges),
            ("change", self.losses.changes),
        ):
            yield Metric(
                "understudy_records_dropped_total",
                "Records that never came on the disk: given up while it was slow or full, the "
                "oldest first, refused on account of a value, or not known whether to be recorded.",
                count,
                counter=True,
                labels={"kind": kind},
            )
        for outcome, count in self._outcomes.items():
            yield Metric(
                "understudy_exchanges_total",
                "Calls of a model where custom reasoning is on: answered, answered by the original "
                "in the custom model's place (fell_back), or failed or stopped.",
                count,
                counter=True,
                labels={"outcome": outcome},
            )
        yield Metric(
            "understudy_exchanges_withheld_total",
            "Exchanges that were not recorded for somebody's privacy.",
            self.withheld.total(),
            counter=True,
        )
        yield Metric(
            "understudy_exchange_seconds_total",
            "How long these calls took together.",
            self._seconds,
            counter=True,
        )
        for part, count in self._tokens.items():
            yield Metric(
                "understudy_exchange_tokens_total",
                "Tokens of these calls, where the model tells them.",
                count,
                counter=True,
                labels={"part": part},
            )


def outcome_of(exchange: Exchange) -> str:
    """Whether it was answered, and by which of the two."""
    if not exchange.success:
        return FAILED
    return ANSWERED if exchange.fallback_reason is None else FELL_BACK
