"""Why a message led to what it led to, in words for people."""

from dataclasses import dataclass

from bot.agent.intents.lexicon import Word
from bot.agent.intents.reading import Clause, Reading, Role


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was recognised and why it did or didn't act; the text is only built by `str()`."""

    text: str
    outcome: str
    action: str | None
    why: str
    reading: Reading | None = None

    def __str__(self) -> str:
        """Return a few short lines of plain text."""
        verdict = self.outcome if self.action is None else f"{self.outcome} {self.action}"
        lines = [f"{verdict}: {self.why}."]
        if self.reading:
            lines.append(f"Read as: {self.reading.language}")
            lines += [_clause(clause) for clause in self.reading.clauses]
        return "\n".join(lines)


def _clause(clause: Clause) -> str:
    words = " ".join(word.typed or word.text for word in clause.words)
    said = clause.role.value
    if clause.role in (Role.COMMAND, Role.QUESTION):
        names = " / ".join(" ".join(name) for name in clause.names) or "“it”"
        state = f" {clause.state}" if clause.state else ""
        said = f"{said}{state}, about {names}"
        if clause.found:
            said += f" (rule: {clause.found.rule.pattern})"
    notes = [
        *(f"“{word.typed}” read as “{word.text}”" for word in clause.words if word.typed),
        *_unread(clause),
    ]
    return f"- “{words}” is {said}" + (f"; {'; '.join(notes)}" if notes else "")


def _unread(clause: Clause) -> list[str]:
    """Name the words that stood in the way."""
    if clause.role in (Role.COMMAND, Role.QUESTION, Role.NAME, Role.PADDING, Role.CONTEXT):
        return []
    unknown = [word.text for word in clause.words if _is_unknown(word)]
    return [f"unknown: {', '.join(unknown)}"] if unknown else []


def _is_unknown(word: Word) -> bool:
    return not word.kinds.isdisjoint(("other", "mark", "quoted", "number"))
