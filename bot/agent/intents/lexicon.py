"""Tokens to words: which class each is of, what state it speaks of, which thing it names."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.agent.intents.language import Entry, Language
from bot.agent.intents.spelling import MAX_REPAIRS, Spelling
from bot.agent.intents.text import QUOTED
from bot.agent.intents.tokens import SIGN

_RUN = re.compile(r"(\w)\1{2,}")
_PUNCTUATION = {
    ",": "comma", "、": "comma", "，": "comma", "(": "comma", ")": "comma", "-": "comma",
    "–": "comma", "—": "comma", ":": "colon", "：": "colon", "=": "equals", "→": "equals",
    QUOTED: "quoted", SIGN: "sign",
}  # fmt: skip

# Shorter words end many others.
_MIN_GLUED = 6

_UNKNOWN_KINDS = {
    kind: frozenset((kind,)) for kind in (*_PUNCTUATION.values(), "number", "other", "mark")
}

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """One word or phrase of a message as a language knows it.

    `name` is the registered name when it names a thing; `typed` differs from `text` when the
    spelling was repaired.
    """

    text: str
    kinds: frozenset[str]
    state: str = ""
    name: Phrase = ()
    typed: str = ""


class Lexicon:
    """One language's words together with the registered names."""

    def __init__(
        self,
        language: Language,
        names: Mapping[Phrase, str],
        verbs: Mapping[Phrase, Entry],
    ) -> None:
        """Merge the language's words, the names (each with its class) and the actions' verbs."""
        self._entries = {**language.entries, **verbs}
        self._entries.update({phrase: Entry(frozenset((kind,))) for phrase, kind in names.items()})
        self._names = names
        self._spaces = language.spaces
        self._longest = max(len(phrase[0]) for phrase in self._entries)
        self._lengths = _lengths_by_first_word(self._entries)
        # Those that were met: most never are.
        self._words: dict[Phrase, Word] = {}
        self._known = frozenset(word for phrase in self._entries for word in phrase)
        self._folded = _unambiguous(self._known)
        self._hazards = frozenset(language.hazards)
        self._real_words = language.real_words
        self._slips = language.slips
        self._ends = tuple(
            {
                word
                for phrase in names
                for word in phrase
                if len(word) >= _MIN_GLUED and word.isalpha()
            }
        )

    @functools.cached_property
    def _spelling(self) -> Spelling:
        """Made for the first word that may be misspelled: few servers use all the languages."""
        hazards = self._hazards
        overlooked = {
            word
            for phrase, entry in self._entries.items()
            for word in phrase
            if not hazards.isdisjoint(entry.kinds) and len(phrase) == 1
        }
        states = dict.fromkeys(
            sorted(word for word in self._known - overlooked if word.isalpha()), ""
        )
        for phrase, entry in self._entries.items():
            for word in phrase:
                if entry.state and word in states and (len(phrase) == 1 or not states[word]):
                    states[word] = entry.state
        for phrase, entry in self._entries.items():
            if len(phrase) == 1 and not entry.state and phrase[0] in states:
                states[phrase[0]] = ""
        return Spelling(states, frozenset(word for phrase in self._names for word in phrase))

    def knows(self, token: str) -> bool:
        """Say whether a token is a word of the language or of a name, as typed."""
        return token in self._known

    def is_name(self, content: str) -> bool:
        """Say whether a quoted piece is nothing but a name or the name of a state."""
        phrase = tuple(content.replace("-", " ").split())
        entry = self._entries.get(phrase)
        return phrase in self._names or (
            len(phrase) == 1 and entry is not None and bool(entry.state)
        )

    def tag(self, tokens: Sequence[str]) -> tuple[Word, ...]:
        """Return the words of a sentence, longest phrases first."""
        typed: dict[int, str] = {}
        known: list[str] = []
        for token in tokens:
            for piece, was in self._pieces(token, MAX_REPAIRS - len(typed)):
                if was:
                    typed[len(known)] = was
                known.append(piece)
        words = []
        at = 0
        while at < len(known):
            word, length = self._phrase_at(known, at)
            if typed:
                was = " ".join(typed.get(i, known[i]) for i in range(at, at + length))
                if was != word.text:
                    word = replace(word, typed=was)
            words.append(word)
            at += length
        return tuple(words)

    def _phrase_at(self, tokens: Sequence[str], at: int) -> tuple[Word, int]:
        first = tokens[at]
        for length in self._lengths.get(first, ()):
            phrase = tuple(tokens[at : at + length])
            entry = self._entries.get(phrase)
            if entry is not None:
                return self._words.get(phrase) or self._met(phrase, entry), len(phrase)
        return Word(first, _UNKNOWN_KINDS[_unknown_kind(first)]), 1

    def _met(self, phrase: Phrase, entry: Entry) -> Word:
        name = phrase if phrase in self._names else ()
        word = Word(" ".join(phrase), entry.kinds, entry.state, name)
        return self._words.setdefault(phrase, word)

    def _pieces(self, token: str, repairs: int) -> Iterator[tuple[str, str]]:
        """Yield the known words within a token, each with what was typed if that differs."""
        if token in self._slips:
            yield self._slips[token], token
        elif token in self._known or (not token[0].isalnum() and token[0] != "@"):
            yield token, ""
        elif "_" in token and tuple(token.split("_")) in self._names:
            for piece in token.split("_"):
                yield piece, ""
        elif not self._spaces and not token.isascii():
            for piece in self._segments(token):
                yield piece, ""
        elif "-" in token:
            joined = token.replace("-", "")
            if joined in self._known:
                yield joined, ""
            else:
                for piece in token.split("-"):
                    yield from self._pieces(piece, repairs)
        elif "'" in token[1:]:
            head, _, tail = token.partition("'")
            if head + "'" in self._known:
                yield head + "'", ""
                if tail:
                    yield from self._pieces(tail, repairs)
            elif "'" + tail in self._known:
                meant = self._meant(head, repairs)
                if meant and f"{meant}'{tail}" in self._known:
                    yield f"{meant}'{tail}", token
                else:
                    yield from self._pieces(head, repairs)
                    yield "'" + tail, ""
            else:
                yield token, ""
        else:
            meant = self._meant(token, repairs)
            glued = None if meant else self._unglued(token)
            if glued:
                yield glued[0], ""
                yield glued[1], ""
            else:
                yield (meant, token) if meant else (token, "")

    def _unglued(self, token: str) -> tuple[str, str] | None:
        """Divide a token that is a known word and a name's word without the space."""
        if not (token.endswith(self._ends) or token.startswith(self._ends)):
            return None
        for end in self._ends:
            if token.endswith(end) and token[: -len(end)] in self._known:
                return token[: -len(end)], end
            if token.startswith(end) and token[len(end) :] in self._known:
                return end, token[len(end) :]
        return None

    def _meant(self, token: str, repairs: int) -> str | None:
        if _RUN.search(token):
            for kept in (r"\1", r"\1\1"):
                shorter = _RUN.sub(kept, token)
                if shorter in self._known:
                    return shorter
        folded = self._folded.get(_fold(token))
        if folded or repairs <= 0 or token in self._real_words:
            return folded
        meant = self._spelling.repair(token)
        # A letter with a mark that the word does not have was no slip of the finger.
        return None if meant and meant.isascii() and not token.isascii() else meant

    def _segments(self, run: str) -> Iterator[str]:
        """Divide a run of a script without spaces into its longest known pieces."""
        at = 0
        while at < len(run):
            for length in range(min(self._longest, len(run) - at), 0, -1):
                if run[at : at + length] in self._known or length == 1:
                    yield run[at : at + length]
                    at += length
                    break


def _lengths_by_first_word(phrases: Iterable[Phrase]) -> dict[str, tuple[int, ...]]:
    """Say how long the phrases that begin with a word are, longest first."""
    lengths: dict[str, set[int]] = {}
    for phrase in phrases:
        lengths.setdefault(phrase[0], set()).add(len(phrase))
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    ordered = {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}
    return {word: shared.setdefault(found, found) for word, found in ordered.items()}


def _unknown_kind(token: str) -> str:
    if token in _PUNCTUATION:
        return _PUNCTUATION[token]
    if token.isdigit():
        return "number"
    return "other" if token.replace("'", "").isalpha() else "mark"


def _fold(word: str) -> str:
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word)
    return "".join(char for char in parts if not unicodedata.combining(char))


def _unambiguous(words: frozenset[str]) -> dict[str, str]:
    """Map words without their accents to the one word that is meant, leaving out pairs."""
    folded: dict[str, str] = {}
    for word in sorted(words):
        if word.isascii() or not word.isalpha():
            continue
        plain = _fold(word)
        folded[plain] = "" if plain in folded or plain in words else word
    return {plain: word for plain, word in folded.items() if word}
