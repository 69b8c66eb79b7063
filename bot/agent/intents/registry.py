"""The registered intents as tables, and the refusal of those that collide."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from bot.agent.intents.intent import Intent, IntentCollision, Kind
from bot.agent.intents.language import Entry, Language
from bot.agent.intents.lexicon import Lexicon, Phrase
from bot.agent.intents.tokens import Sentence, sentences

# Classes whose words set a state all by themselves; an action's own verbs join the first.
_VERB_CLASSES = ("set", "soft")
_MAX_LANGUAGES = 2


class Registry:
    """What is registered: names, actions by name and state, literal examples, own verbs."""

    def __init__(self, intents: Mapping[str, Intent], languages: Mapping[str, Language]) -> None:
        """Build the tables; raise `IntentCollision` when two actions claim the same."""
        self._intents = intents
        self.names: dict[Phrase, str] = {}
        self.actions: dict[tuple[Phrase, Kind, str], str] = {}
        self.literals: dict[Phrase, str] = {}
        self.examples: dict[Phrase, str] = {}
        self._verbs: dict[str, dict[Phrase, Entry]] = {code: {} for code in languages}
        for action, intent in intents.items():
            states = list(self._states(action, intent, languages))
            for name, kind in _names(action, intent):
                if self.names.setdefault(name, kind) != kind:
                    raise ValueError(f"{' '.join(name)!r} is named as {kind} and otherwise too")
                for state in states:
                    self._claim(action, name, state)
        self._codes = _codes_by_word(languages, self._verbs)
        self._unspaced = [code for code, language in languages.items() if not language.spaces]
        self._default = next(iter(languages), "")

    def lexicon(self, language: Language) -> Lexicon:
        """Return a language's lexicon with the names and verbs that were registered."""
        return Lexicon(language, self.names, self._verbs[language.code])

    def literal(self, message: Sequence[Sentence]) -> str | None:
        """Return the action that has this very message as an example that no grammar reads."""
        return self.literals.get(message[0].tokens) if len(message) == 1 else None

    def is_example(self, message: Sequence[Sentence], action: str) -> bool:
        """Say whether this very message is an example of the action that it was read as."""
        return len(message) == 1 and self.examples.get(message[0].tokens) == action

    def likely_languages(self, message: Sequence[Sentence]) -> list[str]:
        """Return the languages that most of the words are of, most first, at most two."""
        votes: Counter[str] = Counter()
        for sentence in message:
            for token in sentence.tokens:
                for code in self._codes.get(token, ()):
                    votes[code] += 1
                if not token.isascii() and token[0] > "\u3000":
                    for code in self._unspaced:
                        votes[code] += 2
                elif "'" in token:
                    for code in self._codes.get(token.partition("'")[0] + "'", ()):
                        votes[code] += 1
        ranked = sorted(votes, key=lambda code: (-votes[code], code != self._default))
        if self._default and self._default not in ranked:
            ranked.append(self._default)
        return [code for code in ranked[:_MAX_LANGUAGES] if 2 * votes[code] >= votes[ranked[0]]]

    def _states(
        self, action: str, intent: Intent, languages: Mapping[str, Language]
    ) -> Iterator[str]:
        """Yield the states that an intent answers to, adding its own verbs to the languages."""
        state = intent.state or ""
        yield state
        for code, verbs in intent.verbs.items():
            for verb in verbs if code in languages else ():
                phrase = tuple(verb.lower().split())
                known = languages[code].entries.get(phrase)
                if known is None:
                    # The word is the state: two things may be "played" by two actions.
                    own = f"verb {verb.lower()}"
                    self._verbs[code][phrase] = Entry(frozenset(_VERB_CLASSES[:1]), own)
                    yield own
                elif known.state and not known.kinds.isdisjoint(_VERB_CLASSES):
                    yield known.state
                else:
                    kinds = "/".join(sorted(known.kinds))
                    raise ValueError(f"{action}: {verb!r} is no verb in {code} but {kinds}")

    def _claim(self, action: str, name: Phrase, state: str) -> None:
        intents = self._intents
        kind = intents[action].kind
        key = (name, kind, "" if kind is Kind.QUESTION else state)
        other = self.actions.setdefault(key, action)
        if other != action:
            raise IntentCollision(
                f"{other} and {action} are both the {kind} {state} about {' '.join(name)!r}: "
                f"{_utterance(intents[other])!r} ({other}) clashes with "
                f"{_utterance(intents[action])!r} ({action})"
            )

    def add_examples(self, read: Callable[[str], str | None]) -> None:
        """Take the examples; raise `IntentCollision` when one is read as another action.

        `read` says which action a text is read as without them.
        """
        for action, intent in self._intents.items():
            for example in _examples(intent):
                other = read(example)
                known = self.literals if other is None else self.examples
                other = other or known.get(_tokens(example), action)
                known[_tokens(example)] = other
                if other != action:
                    raise IntentCollision(
                        f"{example!r} is an example of {action} but is read as {other}, like "
                        f"{_utterance(self._intents[other])!r}"
                    )


def _names(action: str, intent: Intent) -> Iterator[tuple[Phrase, str]]:
    for kind, names in (
        ("object", intent.about),
        ("vague", intent.vaguely),
        ("perhaps", intent.perhaps),
        ("rival", intent.instead_of),
    ):
        for name in names:
            phrase = tuple(name.lower().split())
            if not phrase:
                raise ValueError(f"{action}: an empty name")
            yield phrase, kind


def _examples(intent: Intent) -> Iterator[str]:
    for examples in intent.examples.values():
        yield from examples


def _tokens(example: str) -> Phrase:
    return tuple(token for sentence in sentences(example.lower()) for token in sentence.tokens)


def _utterance(intent: Intent) -> str:
    """Return an example of an intent, or one made up from its data."""
    return next(_examples(intent), f"{intent.state or 'status of'} {intent.about[0]}")


def _codes_by_word(
    languages: Mapping[str, Language], verbs: Mapping[str, Mapping[Phrase, Entry]]
) -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for code, language in languages.items():
        for phrase in (*language.entries, *verbs[code]):
            for word in phrase:
                if code not in codes.get(word, ()):
                    of_word = (*codes.get(word, ()), code)
                    codes[word] = shared.setdefault(of_word, of_word)
    return codes
