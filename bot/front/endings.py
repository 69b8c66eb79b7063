"""How the making of each answer ended, counted."""

from collections import Counter
from enum import StrEnum


class Ending(StrEnum):
    """What became of an answer that was begun."""

    ANSWERED = "answered"
    STOPPED = "stopped"
    FAILED = "failed"


def no_endings() -> Counter[Ending]:
    """A count that has all of them from the start."""
    return Counter(dict.fromkeys(Ending, 0))
