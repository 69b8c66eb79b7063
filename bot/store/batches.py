"""How much is moved into a world's file in one transaction."""

from collections.abc import Iterator, Sequence

BATCH = 512


def batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """These, at most BATCH at a time."""
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]
