"""What is known of people across all worlds, in memory."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class People:
    """`objections` are those who want to be recorded nowhere; `forgotten` up to when (ms) each is.

    `installation` is this installation's id, for receipts.
    """

    installation: str
    objections: set[int] = field(default_factory=set)
    forgotten: dict[int, int] = field(default_factory=dict)
