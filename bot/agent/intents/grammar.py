"""Rules over classes, compiled to regular expressions over one-letter symbols.

A clause of at most `MAX_SYMBOLS` words is a string with one symbol a word, so an anchored match
consumes every word or fails: what the grammar does not know of, it cannot overlook.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.agent.intents.language import Language, LanguageError, Level, Rule

MAX_SYMBOLS = 48
# Classes that every language has without listing words for them.
RESERVED = (
    "object", "vague", "perhaps", "rival", "other", "number", "quoted", "mark", "comma", "colon",
    "equals", "qm", "sign",
)  # fmt: skip

# Stands in sets of symbols, which must not be empty; no word has it.
_NOTHING = "\0"
# Below 256 a set of symbols compiles several times faster; these would have to be escaped in one.
_ALPHABET = "".join(sorted(set(map(chr, range(1, 256))) - set("[]\\^-&~|")))
_QUESTION_MARK = frozenset(("qm",))
# A choice between single words is one set of symbols, which is far smaller to compile.
_CHOICE = re.compile(r"\(\?:(\[[^\]]*\](?:\|\[[^\]]*\])+)\)")
_BRACKETS = re.compile(r"[\[\]|]+")
_PIECE = re.compile(r"[a-z_]+|[()|?*+]|\{\d*,?\d*\}|\s+")


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that read the symbols from `start` to `end` of a clause."""

    rule: Rule
    start: int
    end: int
    loosely: bool = False


class Grammar:
    """One language's rules, ready to read clauses."""

    def __init__(self, language: Language) -> None:
        """Compile the rules of a language; a name that is no class is a `LanguageError`."""
        together = {entry.kinds for entry in language.entries.values()}
        kinds = {*RESERVED, *itertools.chain.from_iterable(together)}
        together |= {frozenset((kind,)) for kind in kinds}
        # A word may be of several classes: each set of classes has a symbol, and a class in a
        # rule stands for the symbols of all sets that it is in.
        self._symbols = {
            group: _ALPHABET[number] if number < len(_ALPHABET) else chr(0xE000 + number)
            for number, group in enumerate(sorted(together, key=sorted))
        }
        self._classes = {
            kind: "".join(s for group, s in self._symbols.items() if kind in group)
            for kind in kinds
        }
        self._language = language
        self._rules = language.rules
        chatty = (*language.chatty, "sign")
        padding = self._any_of((*language.padding, *chatty))
        lead = padding + self._any_of(language.before)
        opening = f"(?:[{lead}]|[{self._any_of(language.before_comma)}](?={self._symbol('comma')}))"
        idle = self._compiled(language.parts.get("idle", "quoted"))
        self._padding = {
            leads: re.compile(f"[{allowed}]*|[{allowed}]*{idle}")
            for leads, allowed in (
                (True, lead + self._any_of(language.before_comma)),
                (False, padding),
            )
        }
        self._chatty = frozenset(self._any_of(chatty))
        self._readers = [
            self._reader(f"{opening}*({{core}})[{padding}]*{self._symbol('qm')}?", level)
            for level in (Level.ALONE, Level.ADDRESSED, Level.ASK)
        ]
        before, after = (language.parts.get(part, "") for part in ("loose_before", "loose_after"))
        self._loose = self._reader(
            f"{self._compiled(before)}[{padding}]*({{core}})[{padding}]*{self._compiled(after)}"
            f"{self._symbol('qm')}?",
            None,
        )
        self._named = re.compile(self._compiled(language.parts.get("name_alone", "object")))
        self._context = re.compile(self._compiled(language.parts.get("context", "object")))

    def symbols(self, groups: Iterable[frozenset[str]], *, asks: bool = False) -> str:
        """Return one symbol for each word's classes, and one for a question mark."""
        known = self._symbols
        text = "".join([known[group] for group in groups])
        return text + known[_QUESTION_MARK] if asks else text

    def read(self, symbols: str) -> Found | None:
        """Return the surest rule that reads all the symbols, or None."""
        for reader in self._readers:
            match = reader.fullmatch(symbols) if reader else None
            if match:
                return self._found(match)
        return None

    def read_loosely(self, symbols: str) -> Found | None:
        """Return a loose rule that reads a command with harmless words around it, or None."""
        match = self._loose.fullmatch(symbols) if self._loose else None
        return self._found(match, loosely=True) if match else None

    def is_padding(self, symbols: str, *, leads: bool = False) -> bool:
        """Say whether there is nothing but politeness; `leads` when it opens the message."""
        return self._padding[leads].fullmatch(symbols) is not None

    def is_chatty(self, symbols: str) -> bool:
        """Say whether some padding is more than politeness."""
        return not self._chatty.isdisjoint(symbols)

    def is_name(self, symbols: str) -> bool:
        """Say whether there is nothing but a thing's name."""
        return self._named.fullmatch(symbols) is not None

    def is_context(self, symbols: str) -> bool:
        """Say whether this is a harmless remark, such as a reason."""
        return self._context.fullmatch(symbols) is not None

    def _found(self, match: re.Match[str], *, loosely: bool = False) -> Found:
        assert match.lastgroup is not None  # noqa: S101 - every reader's core is a named group
        rule = self._rules[int(match.lastgroup[1:])]
        start, end = match.span(match.lastgroup)
        return Found(rule, start, end, loosely)

    def _reader(self, frame: str, level: Level | None) -> re.Pattern[str] | None:
        numbers = [
            number
            for number, rule in enumerate(self._rules)
            if (rule.loose if level is None else rule.level is level)
        ]
        numbers.sort(key=lambda number: self._rules[number].mark != "needed")
        cores = [self._core(number) for number in numbers]
        if not cores:
            return None
        return re.compile(frame.replace("({core})", f"(?:{'|'.join(cores)})"))

    def _core(self, number: int) -> str:
        rule = self._rules[number]
        # What follows a "~" is read with the rule but says nothing about the state.
        said, _, rest = rule.pattern.partition("~")
        core = f"(?P<r{number}>{self._compiled(said.strip())}){self._compiled(rest.strip())}"
        if rule.mark != "needed":
            return core
        padding = self._any_of((*self._language.padding, *self._language.chatty))
        return f"{core}(?=[{padding}]*{self._symbol('qm')})"

    def _any_of(self, kinds: tuple[str, ...]) -> str:
        return _NOTHING + "".join(self._symbol(kind)[1:-1] for kind in kinds)

    def _compiled(self, pattern: str, depth: int = 0) -> str:
        """Translate a rule; a part's name stands for the part, in brackets."""
        if depth > 8:
            raise LanguageError(f"language {self._language.code}: parts go in circles")
        pieces = _PIECE.findall(pattern)
        if "".join(pieces) != pattern:
            raise LanguageError(f"language {self._language.code}: cannot read rule {pattern!r}")
        done = []
        for piece in pieces:
            if piece in self._language.parts:
                done.append(f"(?:{self._compiled(self._language.parts[piece], depth + 1)})")
            elif piece == "any":
                done.append(self._harmless())
            elif piece == "(":
                done.append("(?:")
            elif piece[0].isalpha():
                done.append(self._symbol(piece))
            elif not piece.isspace():
                done.append(piece)
        return _CHOICE.sub(lambda choice: f"[{_BRACKETS.sub('', choice[1])}]", "".join(done))

    def _harmless(self) -> str:
        hazards = {*self._language.hazards, "quoted", "mark", "qm", "colon"}
        harmless = (s for group, s in self._symbols.items() if hazards.isdisjoint(group))
        return f"[{''.join(harmless)}]"

    def _symbol(self, kind: str) -> str:
        try:
            return f"[{self._classes[kind]}]"
        except KeyError:
            raise LanguageError(f"language {self._language.code}: no class {kind!r}") from None


def opposite(state: str, opposites: Mapping[str, str]) -> str:
    """Return the opposite state, or nothing when it has none."""
    return opposites.get(state, "")
