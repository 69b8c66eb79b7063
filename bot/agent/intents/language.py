"""A language is one data file: its words by class, and its sentences as rules over the classes."""

import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from bot.agent.intents.intent import Kind


class Level(IntEnum):
    """How far what was read may go: a question back, an act if addressed, an act in any case."""

    NOTHING = 0
    ASK = 1
    ADDRESSED = 2
    ALONE = 3


class LanguageError(ValueError):
    """A language file is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a word or phrase is: its classes, and the state that it speaks of, if any."""

    kinds: frozenset[str]
    state: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to say something.

    `state` is "said" (by the words), "opposite" (of what the words say) or a state's name;
    `mark` says what a question mark does: "fits", "needed" or "doubt" (then it is asked back);
    "bare" is "doubt" where an adverb is doubtful, too ("don't leave it on overnight").
    `loose` rules may be followed by more words, and are then asked back.
    """

    kind: Kind
    level: Level
    state: str
    mark: str
    loose: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language file, read."""

    code: str
    spaces: bool
    entries: Mapping[tuple[str, ...], Entry]
    parts: Mapping[str, str]
    rules: tuple[Rule, ...]
    padding: tuple[str, ...]
    chatty: tuple[str, ...]
    before: tuple[str, ...]
    before_comma: tuple[str, ...]
    joints: Mapping[str, str]
    unfinished: frozenset[str]
    hazards: Mapping[str, str]
    opposites: Mapping[str, str]
    real_words: frozenset[str]
    slips: Mapping[str, str]


def load_languages() -> dict[str, Language]:
    """Read every language file of this package; English first, the others by code."""
    folder = Path(__file__).with_name("languages")
    files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.toml")}
    codes = sorted(files, key=lambda code: (code != "en", code))
    return {code: read_language(code, files[code]) for code in codes}


def read_language(code: str, source: str) -> Language:
    """Read one language file's text; raise `LanguageError` when it is wrong."""
    import tomllib  # here, so that a start without intents does not pay for it

    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise LanguageError(f"language {code}: {error}") from error
    return Language(
        code=code,
        spaces=bool(data.get("spaces", True)),
        entries=_entries(code, data),
        parts=dict(data.get("parts", {})),
        rules=tuple(_rules(code, data)),
        padding=tuple(data.get("padding", {}).get("always", ())),
        chatty=tuple(data.get("padding", {}).get("chatty", ())),
        before=tuple(data.get("padding", {}).get("before", ())),
        before_comma=tuple(data.get("padding", {}).get("before_comma", ())),
        joints={kind: how for how, kinds in data.get("joints", {}).items() for kind in kinds},
        unfinished=frozenset(data.get("unfinished", {}).get("ends_on", ())),
        hazards={kind: how for how, kinds in data.get("hazards", {}).items() for kind in kinds},
        opposites=dict(data.get("opposites", {"on": "off", "off": "on"})),
        real_words=frozenset(
            word for line in data.get("spelling", {}).get("real_words", ()) for word in line.split()
        ),
        slips=dict(line.split() for line in data.get("spelling", {}).get("slips", ())),
    )


def phrases(line: str) -> Iterator[tuple[str, ...]]:
    """Spell out one line of alternatives: "turn/switch on/_" is turn on, turn, switch on, switch.

    Words stand between spaces, alternatives between slashes, and `_` is nothing.
    """
    for choice in itertools.product(*(part.split("/") for part in line.split())):
        yield tuple(sys.intern(word) for word in choice if word != "_")


def _entries(code: str, data: Mapping[str, Any]) -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    # Thousands of phrases are of some hundred kinds.
    shared: dict[Entry, Entry] = {}
    groups = [("", data.get("words", {}))]
    groups += list(data.get("states", {}).items())
    for state, classes in groups:
        for kind, lines in classes.items():
            for phrase in itertools.chain.from_iterable(phrases(line) for line in lines):
                known = entries.get(phrase)
                if known and known.state and state and known.state != state:
                    raise LanguageError(
                        f"language {code}: {' '.join(phrase)!r} is both {known.state} and {state}"
                    )
                kinds = known.kinds | {kind} if known else frozenset((kind,))
                entry = Entry(kinds, state or (known.state if known else ""))
                entries[phrase] = shared.setdefault(entry, entry)
    return entries


def _rules(code: str, data: Mapping[str, Any]) -> Iterator[Rule]:
    for table in data.get("rules", ()):
        try:
            kind, level = Kind(table["kind"]), Level[table["level"].upper()]
        except (KeyError, ValueError) as error:
            raise LanguageError(f"language {code}: a rule's kind or level: {error}") from error
        for pattern in table["read"]:
            yield Rule(
                kind=kind,
                level=level,
                state=table.get("state", "said"),
                mark=table.get("mark", "fits" if kind is Kind.QUESTION else "doubt"),
                loose=bool(table.get("loose", False)),
                pattern=pattern,
            )
