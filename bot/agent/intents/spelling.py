"""Bounded spelling repair that never chooses between opposites.

A word is repaired when one known word is nearest by edits (a swap of neighbours is one edit). A
word that speaks of a state must besides be clearly nearer to that state than to any other:
"dactivate" is one edit from both activate and deactivate, so it stays as it is.
"""

from collections.abc import Mapping

MAX_REPAIRS = 4
_MIN_LENGTH, _MAX_LENGTH = 4, 16
_MIDDLING, _LONG = 6, 8
_FAR = 3
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# What a name's word must end like if it does not begin like it.
_TAIL = 4


class Spelling:
    """The known words by what is left of them when letters are missing."""

    def __init__(self, states: Mapping[str, str], names: frozenset[str]) -> None:
        """Index the words; `states` maps each to the state it speaks of, `names` are names' words.

        Only words of a state and long words of names are indexed two edits deep.
        """
        self._states = states
        self._names = names
        self._starts = frozenset(word[0] for word in names if len(word) >= _LONG)
        self._ends = frozenset(
            end for word in names if len(word) >= _LONG for end in (word[:2], word[-_TAIL:])
        )
        self._scrambled = {"".join(sorted(w)): w for w in names if len(w) >= _MIDDLING}
        self._index: dict[str, tuple[str, ...]] = {}
        # Most of what is left of a word is left of that word alone: it is in one tuple.
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        for word, state in states.items():
            if not _MIN_LENGTH <= len(word) <= _MAX_LENGTH:
                continue
            deep = bool(state) or (word in names and len(word) >= _LONG)
            for key in _shortened(word, 2 if deep else 1):
                known = self._index.get(key, ())
                if word not in known:
                    words = (*known, word)
                    self._index[key] = shared.setdefault(words, words)

    def repair(self, token: str) -> str | None:
        """Return the known word that was meant, or None when that is not clear."""
        if not _MIN_LENGTH <= len(token) <= _MAX_LENGTH or not token.isalpha():
            return None
        deep = (
            len(token) >= _MIDDLING
            and token[0] in self._starts
            and (token[:2] in self._ends or token[-_TAIL:] in self._ends)
        )
        depth = 2 if deep else 1
        near = {word: distance(token, word) for word in self._near(token, depth)}
        scrambled = self._scrambled.get("".join(sorted(token)))
        if scrambled and scrambled not in near and scrambled[0] == token[0]:
            near[scrambled] = distance(token, scrambled)
        if not near:
            return None
        allowed = sorted(
            (edits, word) for word, edits in near.items() if self._is_allowed(token, word, edits)
        )
        if not allowed:
            return None
        edits, best = allowed[0]
        rivals = [word for other, word in allowed[1:] if other == edits]
        if best not in self._names and any(
            self._states[word] != self._states[best] or word in self._names for word in rivals
        ):
            return None
        return None if self._has_near_opposite(token, best, edits) else best

    def _near(self, token: str, depth: int) -> set[str]:
        index = self._index
        found: set[str] = set()
        for key in _shortened(token, depth):
            if key in index:
                found.update(index[key])
        return found

    def _is_allowed(self, token: str, word: str, edits: int) -> bool:
        if len(word) < _MIDDLING:
            # Short words have too many neighbours: only swapped or doubled letters count, and the
            # key beside the right one.
            doubled = len(token) == len(word) + 1 and _without_doubles(token) == word
            swapped = sorted(token) == sorted(word) and token[0] == word[0]
            missing = len(token) == len(word) - 1 and len(word) == 5 and token[0] == word[0]
            return edits == 1 and (doubled or swapped or missing or _is_key_beside(token, word))
        if self._states[word] and token[:-1] == word and token[-1] in "sdr":
            return False  # "enables" and "enabler" are no slips of "enable"
        if edits == 2 and word in self._names:
            scrambled = token[0] == word[0] and sorted(token) == sorted(word)
            alike = token[:2] == word[:2] or token[-_TAIL:] == word[-_TAIL:]
            return scrambled or (len(word) >= _LONG and token[0] == word[0] and alike)
        return edits <= 1

    def _has_near_opposite(self, token: str, best: str, edits: int) -> bool:
        """Say whether a word of another state is as near, or nearly so.

        Nearly does not count when the token starts like the best word, and the other starts
        unlike it ("deactivte" is no slip for "reactivate") or is far from the best one.
        """
        state = self._states[best]
        if not state:
            return False
        starts = token[:2] == best[:2]
        for word in self._near(token, 2):
            if self._states[word] in ("", state):
                continue
            others = distance(token, word)
            if len(word) < _MIDDLING and others > 1:
                continue  # no short word is taken for what is two edits away
            far = starts and (word[:2] != best[:2] or distance(best, word) >= _FAR)
            if others <= edits or (others == edits + 1 and not far):
                return True
        return False


def distance(left: str, right: str) -> int:
    """Return the edits between two words, a swap of neighbours counting as one."""
    start = 0
    shorter = min(len(left), len(right))
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    if not left or not right:
        return len(left) + len(right)
    if len(left) == len(right) and (len(left) == 1 or (len(left) == 2 and left == right[::-1])):
        return 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, char in enumerate(left, 1):
        last, before, row = before, row, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _shortened(word: str, depth: int) -> list[str]:
    found = [word]
    for i in range(len(word)):
        once = word[:i] + word[i + 1 :]
        found.append(once)
        if depth > 1:
            found += [once[:j] + once[j + 1 :] for j in range(i, len(once))]
    return found


def _without_doubles(token: str) -> str:
    return "".join(char for i, char in enumerate(token) if i == 0 or char != token[i - 1])


def _is_key_beside(token: str, word: str) -> bool:
    """Say whether one letter but the first is the key to the left or right of the right one."""
    if len(token) != len(word) or token[0] != word[0]:
        return False
    typed, meant = next(pair for pair in zip(token, word, strict=True) if pair[0] != pair[1])
    return any(typed + meant in row or meant + typed in row for row in _KEYS)
