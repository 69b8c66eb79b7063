"""Metrics: single numbers for whoever watches the bot from outside.

Names, units and what is a counter follow Prometheus's conventions.
https://prometheus.io/docs/practices/naming/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.store.counts import StoreCounts

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class Metric:
    """One number at present.

    A `counter` only grows, from 0 at the start, and its name ends in `_total`. `labels` tell apart
    the numbers of one name: a few that are known beforehand, never a server, a person or a text.

    Raises ValueError, TypeError or OverflowError where it is none: one would spoil the whole page.
    """

    name: str
    about: str
    value: float
    counter: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check it."""
        for name in (self.name, *self.labels):
            if NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name of a metric or a label")
        # Fails for what is no text, or none in UTF-8; the last for what is no number, or too large.
        "".join((self.about, *self.labels.values())).encode()
        float(self.value)


def store_metrics(counts: StoreCounts) -> Iterator[Metric]:
    """How the keeping of records goes."""
    yield Metric(
        "understudy_records_kept_total",
        "Records (exchanges, edits, deletions, votes) that are on disk since the start.",
        counts.kept,
        counter=True,
    )
    yield Metric(
        "understudy_records_lost_total",
        "Records that were on disk and could not be put into their server's file.",
        counts.lost,
        counter=True,
    )
    yield Metric(
        "understudy_records_waiting",
        "Records that the disk has not taken yet.",
        counts.waiting,
    )
    yield Metric(
        "understudy_records_waiting_bytes",
        "The size of the records that the disk has not taken yet.",
        counts.waiting_bytes,
    )
    yield Metric(
        "understudy_records_waiting_limit_bytes",
        "The size from which on the oldest records that the disk has not taken are dropped.",
        counts.most_waiting_bytes,
    )
    yield Metric(
        "understudy_records_unmoved",
        "Records that are on disk, and not in their server's file yet.",
        counts.unmoved,
    )
    yield Metric(
        "understudy_records_well",
        "0 while the bot knows that none are being kept; a disk that hangs shows in those waiting.",
        counts.well,
    )
    yield Metric(
        "understudy_files_held_up",
        "Servers whose file takes no records at present.",
        counts.held_up,
    )
    yield Metric(
        "understudy_files_lingering",
        "Servers in whose file's log something forgotten still stands.",
        counts.lingering,
    )
