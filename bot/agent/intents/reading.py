"""A message as clauses, and what they mean together."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.agent.intents.grammar import MAX_SYMBOLS, Found, Grammar
from bot.agent.intents.intent import Kind
from bot.agent.intents.language import Language, Level
from bot.agent.intents.lexicon import Lexicon, Phrase, Word
from bot.agent.intents.tokens import Sentence

Actions = Mapping[tuple[Phrase, Kind, str], str]


class Role(StrEnum):
    """What a clause does in its message."""

    COMMAND = "command"
    QUESTION = "question"
    NAME = "name"
    PADDING = "politeness"
    CONTEXT = "remark"
    ASIDE = "remark about another time"
    DOUBT = "not understood"
    NEGATION = "negation"
    CONDITION = "condition"
    REPORT = "reported or quoted words"


_SHORT = 2
_POINTERS = frozenset(("it", "this", "its", "it_is"))
_ROLES = {
    "message": Role.REPORT,
    "sentence": Role.CONDITION,
    "clause": Role.NEGATION,
    "": Role.DOUBT,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with the role it was read in.

    For commands and questions `state` and `names` say what is meant; a command without names
    speaks of "it". `level` is how far this clause alone may go.
    """

    words: tuple[Word, ...]
    role: Role
    level: Level = Level.ALONE
    state: str = ""
    names: tuple[Phrase, ...] = ()
    found: Found | None = None
    joint: str = ""
    sentence: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message means in one language: the action, how surely, and why not more surely."""

    language: str
    clauses: tuple[Clause, ...]
    action: str | None
    level: Level
    why: str


class Reader:
    """Reads whole messages in one language."""

    def __init__(self, language: Language, lexicon: Lexicon, actions: Actions) -> None:
        """Take a language, its lexicon and the table of actions by name, kind and state."""
        self.language = language
        self.lexicon = lexicon
        self._grammar = Grammar(language)
        self._actions = actions
        questions = {action for (_, kind, _), action in actions.items() if kind is Kind.QUESTION}
        self._only_question = questions.pop() if len(questions) == 1 else None

    def read(self, message: Sequence[Sentence]) -> Reading:
        """Read the sentences of a message."""
        tagged = [(self.lexicon.tag(sentence.tokens), sentence.asks) for sentence in message]
        if not any(word.name for words, _ in tagged for word in words):
            return self._unnamed(tagged)
        clauses: list[Clause] = []
        for number, (words, asks) in enumerate(tagged):
            clauses += self._sentence(words, asks=asks, number=number)
        return self._judge(tuple(self._with_asides(clauses)))

    def _unnamed(self, message: Sequence[tuple[tuple[Word, ...], bool]]) -> Reading:
        """Read a message that names nothing: a bare question of state has an answer all the same.

        It is clear what it means only if one action alone answers questions.
        """
        clauses, level = [], Level.NOTHING
        for number, (words, asks) in enumerate(message):
            symbols = self._symbols(words)
            polite = self._grammar.is_padding(symbols, leads=not number)
            role = Role.PADDING if polite else Role.DOUBT
            if not polite and not level and len(words) <= MAX_SYMBOLS:
                level = self._grammar.read_unnamed(self._symbols(words, asks=asks))
                role = Role.QUESTION if level else role
            clauses.append(Clause(words, role, sentence=number))
        action = self._only_question
        if action and level and all(clause.role is not Role.DOUBT for clause in clauses):
            why = "a state is asked for, and only one thing here has one"
            return Reading(self.language.code, tuple(clauses), action, level, why)
        why = "it names nothing that an action is about"
        return Reading(self.language.code, tuple(clauses), None, Level.NOTHING, why)

    def _sentence(self, words: tuple[Word, ...], *, asks: bool, number: int) -> list[Clause]:
        symbols = self._symbols(words)
        whole = self._clause(words, symbols, asks=asks, number=number)
        if whole.role in (Role.COMMAND, Role.QUESTION, Role.NAME, Role.PADDING):
            return [whole]
        if whole.role is Role.CONDITION and self._is_aside(words, symbols):
            return [replace(whole, role=Role.ASIDE)]
        pieces = self._divided(symbols)
        if len(pieces) == 1:
            return [self._loosely(whole, asks=asks)]
        clauses: list[Clause] = []
        for joint, start, end in pieces:
            ends = asks and self._grammar.is_padding(symbols[end:])
            clause = self._clause(
                words[start:end], symbols[start:end], asks=ends, number=number, joint=joint
            )
            if joint == "colon" and clauses and not _may_precede_colon(clauses[-1], clause):
                clauses[-1] = replace(clauses[-1], role=Role.REPORT)
            clauses.append(self._loosely(clause, asks=ends))
        told = any(clause.role in (Role.COMMAND, Role.QUESTION) for clause in clauses)
        return [whole] if whole.role is Role.CONTEXT and not told else clauses

    def _divided(self, symbols: str) -> list[tuple[str, int, int]]:
        """Divide at the joints: how each piece was joined to the one before, its start and end."""
        pieces: list[tuple[str, int, int]] = []
        joints = self._grammar.joints
        joint, start = "", 0
        for at, symbol in enumerate(symbols):
            how = joints.get(symbol)
            if how:
                if at > start:
                    pieces.append((joint, start, at))
                    joint = ""
                joint = how if how != "plain" or not joint else joint
                start = at + 1
        if start < len(symbols):
            pieces.append((joint, start, len(symbols)))
        return pieces or [("", 0, len(symbols))]

    def _symbols(self, words: Sequence[Word], *, asks: bool = False) -> str:
        grammar = self._grammar
        return grammar.symbols([word.kinds for word in words], asks=asks)

    def _clause(
        self, words: tuple[Word, ...], symbols: str, *, asks: bool, number: int, joint: str = ""
    ) -> Clause:
        grammar = self._grammar
        if len(words) <= MAX_SYMBOLS:
            found = grammar.read(symbols, asks=asks)
            if found:
                clause = self._meant(words, symbols, found, asks=asks, number=number, joint=joint)
                if clause:
                    return clause
            role = None
            if grammar.is_padding(symbols, leads=number == 0 and not joint):
                role = Role.PADDING
            elif grammar.is_name(symbols):
                role = Role.NAME
            elif self._is_remark(words, symbols):
                role = Role.CONTEXT
            if role:
                return Clause(words, role, joint=joint, sentence=number)
        return Clause(words, _ROLES[grammar.hazard(symbols)], joint=joint, sentence=number)

    def _is_remark(self, words: Sequence[Word], symbols: str) -> bool:
        """Say whether this is a whole harmless remark, not the beginning of one."""
        ends = self.language.unfinished.isdisjoint(words[-1].kinds) if words else True
        return ends and self._grammar.is_context(symbols)

    def _is_aside(self, words: Sequence[Word], symbols: str) -> bool:
        """Say whether a sentence that speaks of another time has nothing to do with a command."""
        ends = self.language.unfinished.isdisjoint(words[-1].kinds)
        points = any(word.name or not _POINTERS.isdisjoint(word.kinds) for word in words)
        return ends and not points and self._grammar.is_aside(symbols)

    def _with_asides(self, clauses: Sequence[Clause]) -> Iterator[Clause]:
        """Yield the clauses; an aside is a remark, or a condition if it may put off a command."""
        after = False
        for clause in clauses:
            after |= clause.role in (Role.COMMAND, Role.QUESTION)
            if clause.role is Role.ASIDE:
                symbols = self._symbols(clause.words)
                harmless = not after or self._grammar.is_aside(symbols, after=True)
                yield replace(clause, role=Role.CONTEXT if harmless else Role.CONDITION)
            else:
                yield clause

    def _loosely(self, clause: Clause, *, asks: bool) -> Clause:
        """Read a command among harmless words that are not understood; it is asked back."""
        if clause.role is not Role.DOUBT or len(clause.words) > MAX_SYMBOLS:
            return clause
        words, symbols = clause.words, self._symbols(clause.words)
        found = self._grammar.read_loosely(symbols, asks=asks)
        if found is None:
            return clause
        number, joint = clause.sentence, clause.joint
        return self._meant(words, symbols, found, asks=asks, number=number, joint=joint) or clause

    def _meant(
        self,
        words: tuple[Word, ...],
        symbols: str,
        found: Found,
        *,
        asks: bool,
        number: int,
        joint: str,
    ) -> Clause | None:
        rule = found.rule
        core = words[found.start : found.end]
        level = Level.ASK if found.loosely else rule.level
        if self._grammar.is_chatty(symbols[: found.start] + symbols[found.end :]):
            level = min(level, Level.ADDRESSED)
        doubtful = rule.mark in ("doubt", "bare")
        if asks and doubtful and not any("tag" in word.kinds for word in words):
            level = min(level, Level.ASK)
        if rule.mark == "bare" and any("adv" in word.kinds for word in words):
            level = min(level, Level.ASK)
        if rule.kind is Kind.QUESTION and joint == "plain" and not asks:
            level = min(level, Level.ASK)
        state = ""
        if rule.kind is Kind.COMMAND:
            # The last word may take it all back ("…, as it is slow, not").
            if self._grammar.hazard(self._grammar.last_word(symbols)) == "clause":
                level = min(level, Level.ASK)
            state = self._state(rule.state, core)
            said = {word.state for word in (words if found.loosely else core) if word.state}
            if not state or (found.loosely and len(said) > 1):
                return None
        role = Role.COMMAND if rule.kind is Kind.COMMAND else Role.QUESTION
        names = tuple(word.name for word in core if word.name and "rival" not in word.kinds)
        if not names:
            names = tuple(word.name for word in core if word.name)
        return Clause(words, role, level, state, names, found, joint, number)

    def _state(self, how: str, core: Sequence[Word]) -> str:
        if how not in ("said", "opposite"):
            return how
        states = {word.state for word in core if word.state}
        if len(states) != 1:
            return ""
        state = states.pop()
        return self.language.opposites.get(state, "") if how == "opposite" else state

    def _judge(self, clauses: tuple[Clause, ...]) -> Reading:
        """Put the clauses together: any one that casts doubt lowers what the others may do."""

        def reading(why: str, action: str | None = None, level: Level = Level.NOTHING) -> Reading:
            return Reading(self.language.code, clauses, action, level, why)

        roles = {clause.role for clause in clauses}
        if Role.REPORT in roles:
            return reading("words are quoted or reported, not said to the bot")
        if _is_taken_back(clauses):
            return reading("it is taken back")
        spoiled = {
            clause.sentence
            for at, clause in enumerate(clauses)
            if clause.role in (Role.CONDITION, Role.NEGATION) and not _stands_apart(clauses, at)
        }
        said = [c for c in clauses if c.role is Role.COMMAND and c.sentence not in spoiled]
        if not said:
            said = [c for c in clauses if c.role is Role.QUESTION and c.sentence not in spoiled]
            if any(c.role is Role.COMMAND for c in clauses):
                said = []
        if not said:
            return reading(self._why_nothing(roles))
        actions = [self._action(clause, clauses) for clause in said]
        action = actions[-1]
        if action is None:
            return reading("no registered action is about this")
        level = max(clause.level for clause in said)
        why = "every word was understood" if level > Level.ASK else "the wording is not quite clear"
        for limit, reason in self._limits(clauses, said, actions):
            if limit < level:
                level, why = limit, reason
        return reading(why, action, level)

    def _limits(
        self,
        clauses: Sequence[Clause],
        said: Sequence[Clause],
        actions: Sequence[str | None],
    ) -> list[tuple[Level, str]]:
        limits = []
        others = [c for c in clauses if c not in said and c.role is not Role.PADDING]
        if len(set(actions)) > 1:
            limits.append((Level.ASK, "more than one thing is asked for"))
        asks = said[0].role is Role.QUESTION
        if any(
            # What is only asked for may have a condition in its reason: "… before we begin".
            (c.role is Role.NEGATION and not self._is_contrasted(clauses, at))
            or (c.role is Role.CONDITION and not asks)
            for at, c in enumerate(clauses)
        ):
            limits.append((Level.ASK, "another part holds a condition or a negation"))
        beside = self._sentences_beside(clauses, said)
        if any(c.role is Role.DOUBT and c.sentence not in beside for c in clauses):
            limits.append((Level.ASK, "another part was not understood"))
        if any(
            c.role is Role.QUESTION and clauses.index(c) > clauses.index(said[0]) for c in others
        ):
            limits.append((Level.ASK, "a question follows the command"))
        if self._joined_doubtfully(clauses):
            limits.append((Level.ASK, "it is joined to something else"))
        if self._named_afterwards(said[-1], clauses):
            limits.append((Level.ASK, "what “it” is comes only in a remark behind it"))
        if any(not clause.names for clause in said):
            limits.append((Level.ADDRESSED, "it says only “it”"))
        if others or len(said) > 1:
            limits.append((Level.ADDRESSED, "more is said than the command"))
        return limits

    def _is_contrasted(self, clauses: Sequence[Clause], at: int) -> bool:
        """Say whether a command is what to do instead ("don't ask me again, just enable …")."""
        words, after = clauses[at].words, clauses[at + 1 : at + 2]
        return (
            _stands_apart(clauses, at)
            and not any(word.state for word in words)
            and self._grammar.warns(self._symbols(words))
            and any("contrast" in other.words[0].kinds for other in after)
        )

    def _sentences_beside(self, clauses: Sequence[Clause], said: Sequence[Clause]) -> set[int]:
        """Return the sentences beside a question that need not be understood to answer it.

        An answer changes nothing, and asking back would only cost a turn. But "why", "do you
        think" or a condition show that something else is wanted than the state.
        """
        if not all(clause.role is Role.QUESTION and clause.names for clause in said):
            return set()
        hazards = self.language.hazards.keys()
        return {clause.sentence for clause in clauses} - {
            clause.sentence
            for clause in clauses
            if clause in said or any(not hazards.isdisjoint(w.kinds) for w in clause.words)
        }

    def _named_afterwards(self, clause: Clause, clauses: Sequence[Clause]) -> bool:
        """Say whether "it" is explained by nothing but a later remark."""
        at = clauses.index(clause)
        return not clause.names and not any(
            word.name
            for index, other in enumerate(clauses)
            if index < at or other.role is Role.NAME
            for word in other.words
        )

    def _joined_doubtfully(self, clauses: Sequence[Clause]) -> bool:
        """Say whether an "and" or "but" stands beside something that is asked for."""
        spoken = [clause for clause in clauses if clause.role is not Role.PADDING]
        return any(
            right.joint == "doubtful"
            and {left.role, right.role} & {Role.COMMAND, Role.QUESTION}
            and not left.role is right.role is Role.COMMAND
            for left, right in itertools.pairwise(spoken)
        )

    def _why_nothing(self, roles: set[Role]) -> str:
        for role in (Role.CONDITION, Role.NEGATION):
            if role in roles:
                return f"there is a {role.value}, and no command apart from it"
        return "no command or question about this was understood"

    def _action(self, clause: Clause, clauses: Sequence[Clause]) -> str | None:
        """Look the action up; a clause that says "it" takes its name from the other clauses."""
        kind = Kind.COMMAND if clause.role is Role.COMMAND else Kind.QUESTION
        names = clause.names or tuple(self._names_beside(clause, clauses))
        found = {self._actions.get((name, kind, clause.state)) for name in names}
        return found.pop() if len(found) == 1 else None

    def _names_beside(self, clause: Clause, clauses: Sequence[Clause]) -> Iterator[Phrase]:
        """Yield the names that "it" may mean: not those that are said not to be it."""
        for other in clauses:
            if other is not clause:
                denied = self._grammar.denies(self._symbols(other.words))
                yield from () if denied else (word.name for word in other.words if word.name)


def _may_precede_colon(before: Clause, after: Clause) -> bool:
    """Say whether a colon introduces a request or a name, rather than someone's words."""
    names_it = before.role is Role.COMMAND and not before.names and after.role is Role.NAME
    return before.role is Role.NAME or names_it


def _stands_apart(clauses: Sequence[Clause], at: int) -> bool:
    """Say whether a negation is a remark of its own before a command ("it does not help, …")."""
    clause, after = clauses[at], clauses[at + 1 : at + 2]
    return (
        clause.role is Role.NEGATION
        and len(clause.words) > _SHORT
        and any(other.role is Role.COMMAND and other.joint == "plain" for other in after)
        and not any(word.name for word in clause.words)
    )


def _is_taken_back(clauses: Sequence[Clause]) -> bool:
    """Say whether a bare refusal follows what is asked for ("… not", "… never!")."""
    asked = itertools.dropwhile(lambda clause: clause.role is not Role.COMMAND, clauses)
    return any(clause.role is Role.NEGATION and len(clause.words) <= _SHORT for clause in asked)
