"""What a plugin says about an action so that people can ask for it in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """A command sets a state; a question asks for it."""

    COMMAND = "command"
    QUESTION = "question"


class IntentCollision(ValueError):  # noqa: N818 - it says what happened to whom
    """Two actions claim the same utterance; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One action's meaning, as data. The matcher has no code for any action.

    The names of the thing may be in any language and are understood in every language:

    - `about`: names that mean this thing and nothing else ("custom reasoning").
    - `vaguely`: names that other things go by too ("reasoning"). They count when the verb or a
      noun such as "service" makes them clear; in a message that is not addressed only in the very
      words of an example.
    - `perhaps`: names that are good for a question back, never for acting.
    - `instead_of`: what is there when the thing is off. Going back to it turns the thing off.

    A command says the `state` that it sets: "on" and "off" are known to every language file. A
    state of its own ("rolled") needs `verbs`, by language. `examples`, by language, must be read
    as this action; one that no grammar reads is taken literally. `label` is the short name that
    measurements and labelled data use.
    """

    about: tuple[str, ...]
    kind: Kind = Kind.COMMAND
    state: str | None = None
    label: str = ""
    vaguely: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()
    verbs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could never be matched."""
        if not self.about:
            raise ValueError("an intent needs at least one name in `about`")
        if self.kind is Kind.COMMAND and not self.state:
            raise ValueError(f"a command needs the state that it sets (about {self.about[0]!r})")
