"""The gate: whether a message could name a registered thing, told in a microsecond or two.

Each name is represented by one of its words. A long word is found by fragments, chosen so that a
single slip leaves one of them whole; a false alarm only costs the full reading.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable

from bot.agent.intents.text import MAX_LENGTH

_LONG = 8


def make_gate(names: Iterable[tuple[str, ...]]) -> Callable[[str], bool]:
    """Return a test that nearly every message fails and that every command passes."""
    pieces = fragments(names)
    plain = tuple(piece for piece in pieces if piece.isascii())
    wide = tuple(piece for piece in pieces if not piece.isascii())

    def might_match(text: str) -> bool:
        if len(text) > MAX_LENGTH:
            return False
        lower = text.lower()
        for piece in plain:
            if piece in lower:
                return True
        if lower.isascii():
            return False
        lower = unicodedata.normalize("NFC", lower)
        return any(piece in lower for piece in wide)

    return might_match


def fragments(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return strings such that any spelling of a name worth repairing holds one of them."""
    found: dict[str, None] = {}
    for word in _representatives([name for name in names if name]):
        found.update(dict.fromkeys(_pieces(word)))
        found.update(dict.fromkeys(_pieces(_fold(word))))
    return tuple(
        piece for piece in found if not any(other != piece and other in piece for other in found)
    )


def _pieces(word: str) -> list[str]:
    if len(word) < _LONG:
        return [word]
    half = len(word) // 2
    head, tail = word[:half], word[half:]
    # A slip within one half leaves the other whole; the third is the swap across the middle.
    pieces = [head, tail, head[-3:-1] + tail[0] + head[-1]]
    if half <= 4:
        # Short halves invite a second slip ("resonning"): the head with one letter missing.
        pieces += [head[:i] + head[i + 1 :] + tail[0] for i in range(1, half)]
    return pieces


def _representatives(names: list[tuple[str, ...]]) -> list[str]:
    """Choose few words that every name holds one of, the longest among the equally common."""
    chosen: list[str] = []
    left = names
    while left:
        counts = Counter(word for name in left for word in set(name))
        best = max(counts, key=lambda word: (counts[word], len(word), word))
        chosen.append(best)
        start = best[: len(best) // 2] if len(best) >= _LONG else best
        left = [name for name in left if start not in " ".join(name)]
    return chosen


def _fold(word: str) -> str:
    parts = unicodedata.normalize("NFD", word)
    return unicodedata.normalize(
        "NFC", "".join(c for c in parts if ord(c) < 0x300 or ord(c) > 0x36F)
    )
