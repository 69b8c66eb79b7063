"""The matcher: from a message to an action, a question back, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.agent.intents.explain import Explanation
from bot.agent.intents.gate import make_gate
from bot.agent.intents.intent import Intent
from bot.agent.intents.language import Language, Level, load_languages
from bot.agent.intents.reading import Reader, Reading
from bot.agent.intents.registry import Registry
from bot.agent.intents.text import Plain, plain
from bot.agent.intents.tokens import Sentence, sentences

# Longer messages that name nothing are no bare questions of state.
_SHORT = 80


class Outcome(StrEnum):
    """What the caller should do with a message."""

    ACT = "act"
    ASK = "ask"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome for one message; `action` is set for act and ask.

    `str(match.explanation)` says what was recognised and why.
    """

    outcome: Outcome
    action: str | None
    explanation: Explanation


class IntentMatcher:
    """Matches messages against the intents of the registered actions.

    It holds no state that a message changes: the same text always gives the same match.
    """

    def __init__(
        self, intents: Mapping[str, Intent], languages: Mapping[str, Language] | None = None
    ) -> None:
        """Take the intents by action name; raise `IntentCollision` when two claim an utterance.

        `languages` are the shipped ones unless given, in the order in which ties are broken.
        """
        self.intents = dict(intents)
        if languages is None:
            languages = load_languages() if intents else {}
        self._languages = dict(languages)
        self._registry = Registry(self.intents, self._languages)
        self._readers = {
            code: Reader(language, self._registry.lexicon(language), self._registry.actions)
            for code, language in self._languages.items()
        }
        self._registry.add_examples(self._understood)
        # Called for every message of every server: an attribute saves the method around it.
        self.might_match: Callable[[str], bool] = make_gate(
            [*self._registry.names, *self._registry.literals]
        )

    def with_intents(self, intents: Mapping[str, Intent]) -> "IntentMatcher":
        """Return a matcher for other intents that shares the languages already read."""
        return IntentMatcher(intents, self._languages or None)

    def match(self, text: str, *, addressed: bool) -> Match:
        """Say what `text` asks for; `addressed` tells that it was said to the bot.

        What is not addressed is only ever acted on when it is the command and nothing else.
        """
        if not self.might_match(text) and not (addressed and len(text) <= _SHORT):
            return self._nothing(text, "it names nothing that an action is about")
        words = plain(text, self._is_name)
        if words.refused:
            return self._nothing(text, words.refused)
        message = sentences(words.words)
        literal = self._registry.literal(message)
        if literal:
            return self._outcome(text, words, literal, Level.ALONE, "it is an example", addressed)
        reading = self._read(message)
        if reading is None:
            return self._nothing(text, "there are no words in it")
        level = reading.level
        # A vague name is clear enough in the very words that the plugin gives as an example.
        if (
            reading.action
            and level > Level.ASK
            and self._registry.is_example(message, reading.action)
        ):
            level = Level.ALONE
        return self._outcome(text, words, reading.action, level, reading.why, addressed, reading)

    def _read(self, message: list[Sentence]) -> Reading | None:
        """Read the message in the likeliest languages until one makes sense of it."""
        first: Reading | None = None
        for code in self._registry.likely_languages(message):
            reading = self._readers[code].read(message)
            if reading.action:
                return reading
            first = first or reading
        return first

    def _understood(self, example: str) -> str | None:
        reading = self._read(sentences(plain(example, self._is_name).words))
        return reading.action if reading else None

    def _is_name(self, content: str) -> bool:
        return any(reader.lexicon.is_name(content) for reader in self._readers.values())

    def _nothing(self, text: str, why: str) -> Match:
        return Match(Outcome.NONE, None, Explanation(text, "none", None, why))

    def _outcome(
        self,
        text: str,
        words: Plain,
        action: str | None,
        level: Level,
        why: str,
        addressed: bool,
        reading: Reading | None = None,
    ) -> Match:
        if words.in_quotes and level > Level.ASK:
            level, why = Level.ASK, "quotes stand around it"
        outcome = Outcome.NONE
        if not addressed:
            if level is Level.ALONE and not words.mentions:
                outcome = Outcome.ACT
            elif level:
                why = f"it was not said to the bot and is not just a command ({why})"
        elif level:
            outcome = Outcome.ACT if level > Level.ASK else Outcome.ASK
        found = action if outcome is not Outcome.NONE else None
        return Match(outcome, found, Explanation(text, outcome.value, found, why, reading))
