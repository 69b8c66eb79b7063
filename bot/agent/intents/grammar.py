"""Rules over classes, compiled to regular expressions over one-letter symbols.

A clause of at most `MAX_SYMBOLS` words is a string with one symbol a word, so an anchored match
consumes every word or fails: what the grammar does not know of, it cannot overlook.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.agent.intents.language import Language, LanguageError, Level, Rule

MAX_SYMBOLS = 48
# Classes that every language has without listing words for them; an action's verbs are "set".
RESERVED = (
    "object", "vague", "perhaps", "rival", "other", "number", "quoted", "mark", "comma", "colon",
    "equals", "qm", "sign",
)  # fmt: skip

# Stands in sets of symbols, which must not be empty; no word has it.
_NOTHING = "\0"
# Below 256 a set of symbols compiles several times faster.
_ALPHABET = "".join(sorted(set(map(chr, range(1, 256))) - set("[]|")))
_SPECIAL = re.compile(r"[\\^&~-]")
_QUESTION_MARK = frozenset(("qm",))
# A choice between single words is one set of symbols, which is far smaller to compile.
_CHOICE = re.compile(r"\(\?:(\[[^\]]*\](?:\|\[[^\]]*\])+)\)")
_BRACKETS = re.compile(r"[\[\]|]+")
_PIECE = re.compile(r"[a-z_]+|[()|?*+]|\{\d*,?\d*\}|\s+")
_HAZARDS = ("message", "sentence", "clause")


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
        kinds = {*RESERVED, "set", *itertools.chain.from_iterable(together)}
        together |= {frozenset((kind,)) for kind in (*RESERVED, "set")}
        # A word may be of several classes: each set of classes has a symbol, and a class in a
        # rule stands for the symbols of all sets that it is in.
        self._symbols = {
            group: _ALPHABET[number] if number < len(_ALPHABET) else chr(0xE000 + number)
            for number, group in enumerate(sorted(together, key=sorted))
        }
        self._classes = {
            kind: frozenset(s for group, s in self._symbols.items() if kind in group)
            for kind in kinds
        }
        self._language = language
        self._parts: dict[str, str] = {}
        self._firsts: dict[str, tuple[frozenset[str], bool]] = {}
        self._rules = language.rules
        self._sets = {kind: self._set_of(those) for kind, those in self._classes.items()}
        hazards = {*language.hazards, "quoted", "mark", "qm", "colon"}
        self._harmless = frozenset(
            symbol for group, symbol in self._symbols.items() if hazards.isdisjoint(group)
        )
        chatty = (*language.chatty, "sign")
        question = self._symbol("qm")
        padding = self._any_of((*language.padding, *chatty))
        self._polite = self._all_of((*language.padding, *language.chatty))
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
        self._chatty = self._all_of(chatty)
        self._hazards = [
            (how, self._all_of(kind for kind, does in language.hazards.items() if does == how))
            for how in _HAZARDS
        ]
        self._hazards[0] = ("message", self._hazards[0][1] | self._all_of(("quoted",)))
        self.joints = {
            symbol: how for kind, how in language.joints.items() for symbol in self._classes[kind]
        }
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
        self._unnamed = [
            (level, re.compile(f"[{lead}]*(?:{self._compiled(part)})[{padding}]*{question}?"))
            for level, part in (
                (Level.ADDRESSED, language.parts.get("unnamed", "")),
                (Level.ASK, language.parts.get("unnamed_ask", "")),
            )
            if part
        ]
        self._denied, self._warning, *self._asides = [
            re.compile(self._compiled(language.parts[part])) if part in language.parts else None
            for part in ("denied", "warning", "aside", "aside_after")
        ]

    def symbols(self, groups: Iterable[frozenset[str]], *, asks: bool = False) -> str:
        """Return one symbol for each word's classes, and one for a question mark."""
        known = self._symbols
        text = "".join([known[group] for group in groups])
        return text + known[_QUESTION_MARK] if asks else text

    def read(self, symbols: str, *, asks: bool) -> Found | None:
        """Return the surest rule that reads all the symbols, or None."""
        if asks:
            symbols += self._symbols[_QUESTION_MARK]
        for reader in self._readers:
            match = reader.fullmatch(symbols) if reader else None
            if match:
                return self._found(match)
        return None

    def read_loosely(self, symbols: str, *, asks: bool) -> Found | None:
        """Return a loose rule that reads a command with harmless words around it, or None."""
        if asks:
            symbols += self._symbols[_QUESTION_MARK]
        match = self._loose.fullmatch(symbols) if self._loose else None
        return self._found(match, loosely=True) if match else None

    def read_unnamed(self, symbols: str) -> Level:
        """Say how far a question of state goes that names nothing ("is it on?")."""
        for level, pattern in self._unnamed:
            if pattern.fullmatch(symbols):
                return level
        return Level.NOTHING

    def denies(self, symbols: str) -> bool:
        """Say whether something is said not to be a thing ("it isn't the lamp")."""
        return self._denied is not None and self._denied.search(symbols) is not None

    def warns(self, symbols: str) -> bool:
        """Say whether this begins with what not to do or not to mind ("don't ask me again")."""
        return self._warning is not None and self._warning.fullmatch(symbols) is not None

    def hazard(self, symbols: str) -> str:
        """Return the worst that the words spoil: "message", "sentence", "clause" or nothing."""
        return next((how for how, those in self._hazards if not those.isdisjoint(symbols)), "")

    def last_word(self, symbols: str) -> str:
        """Return the symbol of the last word but for politeness, or nothing."""
        return next((symbol for symbol in reversed(symbols) if symbol not in self._polite), "")

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

    def is_aside(self, symbols: str, *, after: bool = False) -> bool:
        """Say whether a sentence of its own is a remark about some time ("we begin tomorrow").

        `after` a command few are: "… tomorrow" may put it off.
        """
        pattern = self._asides[after]
        return pattern is not None and pattern.fullmatch(symbols) is not None

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
        # A look at the first symbol alone spares most rules a try.
        start = self._first(said.strip())
        if start:
            core = f"(?={self._set_of(start)}){core}"
        if rule.mark != "needed":
            return core
        padding = self._any_of((*self._language.padding, *self._language.chatty))
        return f"{core}(?=[{padding}]*{self._symbol('qm')})"

    def _any_of(self, kinds: tuple[str, ...]) -> str:
        return _NOTHING + "".join(self._symbol(kind)[1:-1] for kind in kinds)

    def _all_of(self, kinds: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self._classes[kind] for kind in kinds if kind in self._classes))

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
                if piece not in self._parts:
                    self._parts[piece] = self._compiled(self._language.parts[piece], depth + 1)
                done.append(f"(?:{self._parts[piece]})")
            elif piece == "any":
                done.append(self._set_of(self._harmless))
            elif piece == "(":
                done.append("(?:")
            elif piece[0].isalpha():
                done.append(self._symbol(piece))
            elif not piece.isspace():
                done.append(piece)
        return _CHOICE.sub(lambda choice: f"[{_BRACKETS.sub('', choice[1])}]", "".join(done))

    def _first(self, pattern: str) -> frozenset[str]:
        """Return the symbols that a pattern can begin with; nothing if it may be empty."""
        first, empty = self._first_of(_pieces(pattern))
        return frozenset() if empty else first

    def _first_of(self, pieces: list[str]) -> tuple[frozenset[str], bool]:
        """Take pieces up to a closing bracket: what they begin with, and if they may be empty."""
        every: frozenset[str] = frozenset()
        some_empty, empty = False, True
        while pieces:
            piece = pieces.pop(0)
            if piece == ")":
                break
            if piece == "|":
                some_empty, empty = some_empty or empty, True
                continue
            if piece == "(":
                first, may_lack = self._first_of(pieces)
            elif piece in self._language.parts:
                if piece not in self._firsts:
                    part = _pieces(self._language.parts[piece])
                    self._firsts[piece] = self._first_of(part)
                first, may_lack = self._firsts[piece]
            else:
                those = self._harmless if piece == "any" else self._classes[piece]
                first, may_lack = those, False
            if pieces and (pieces[0] in "?*+" or pieces[0][0] == "{"):
                may_lack = pieces.pop(0) not in "+" or may_lack
            if empty:
                every |= first
                empty = may_lack
        return every, some_empty or empty

    def _symbol(self, kind: str) -> str:
        try:
            return self._sets[kind]
        except KeyError:
            raise LanguageError(f"language {self._language.code}: no class {kind!r}") from None

    def _set_of(self, symbols: frozenset[str]) -> str:
        """Return a set of symbols, neighbours as ranges: those are much quicker to compile."""
        text = ""
        for known, run in itertools.groupby(self._symbols.values(), symbols.__contains__):
            if known:
                found = list(run)
                first, last = (_SPECIAL.sub(r"\\\g<0>", found[at]) for at in (0, -1))
                text += first if len(found) == 1 else f"{first}-{last}"
        return f"[{text}]"


def _pieces(pattern: str) -> list[str]:
    return [piece for piece in _PIECE.findall(pattern) if not piece.isspace()]
