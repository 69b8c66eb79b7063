"""What the agent can do when it is told to: actions, by ElizaOS's names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.agent.intents import Intent
from bot.agent.permissions import Author, Permission

if TYPE_CHECKING:
    from bot.agent.runtime import AgentRuntime


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Who called an action and where; `room_id` is the channel.

    `text` is what they gave with it, where the action takes a parameter. `asked_at` is when (ms),
    by the clock that also times what people say; None where that is not known.
    """

    runtime: "AgentRuntime"
    author: Author
    room_id: int
    text: str = ""
    asked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with an answer; `description` is for who cannot see a picture."""

    name: str
    content: bytes
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ActionButton:
    """A button that runs the action of that name, with `text`, for whoever presses it.

    It works after a restart, too.
    """

    label: str
    action: str
    text: str = ""
    style: Literal["primary", "secondary", "danger"] = "secondary"


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What the person is told. `private` asks for an answer that only they see, where possible."""

    text: str
    private: bool = False
    files: tuple[Attachment, ...] = ()
    buttons: tuple[ActionButton, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """Something the agent does on request.

    `similes` are other names for the same action; names are looked up exactly. `title` is how
    it is put to people ("enable custom reasoning"). With an `intent` it can be asked for in chat,
    with a `command` ("reasoning enable") as that slash command, where `parameter` describes the one
    text it takes, if any, and `option` is what that is called; with `choices` it is one of these,
    the first where none is given. A command is on offer in the bot's servers; with `anywhere` in
    direct messages too, and wherever somebody has the bot on their account, then with its whole
    group. Who lacks the `permission` is refused before the handler runs.
    """

    name: str
    title: str
    description: str
    handler: Callable[[ActionContext], Awaitable[ActionResult]]
    similes: tuple[str, ...] = ()
    intent: Intent | None = None
    command: str | None = None
    parameter: str | None = None
    option: str = "text"
    choices: tuple[str, ...] = ()
    anywhere: bool = False
    permission: Permission | None = None


class ActionCollisionError(ValueError):
    """Two actions claim the same name or simile."""


def index_actions(actions: tuple[Action, ...]) -> dict[str, Action]:
    """Every name and simile to its action. Raises ActionCollisionError when two share one."""
    index: dict[str, Action] = {}
    for action in actions:
        for name in (action.name, *action.similes):
            other = index.setdefault(name, action)
            if other is not action:
                raise ActionCollisionError(
                    f"{name!r} is claimed by both {other.name} and {action.name}: rename one."
                )
    return index
