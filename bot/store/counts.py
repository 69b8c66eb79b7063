"""How the keeping goes in all worlds together, since the start and at present."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """Records are operations: exchanges, and what changes them (edits, deletions, votes).

    `kept` are on disk, and `unmoved` of them not in their worlds' files yet; `lost` were kept and
    are not there any more. `waiting` are not known to be on disk, and take `waiting_bytes`, of
    which there are at most `most_waiting_bytes`. `well` is whether anything is being kept at
    present. `held_up` worlds' files take nothing, and `lingering` worlds' files still have in their
    logs what was forgotten.
    """

    kept: int
    unmoved: int
    lost: int
    waiting: int
    waiting_bytes: int
    most_waiting_bytes: int
    well: bool
    held_up: int
    lingering: int
