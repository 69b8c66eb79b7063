"""What a plugin is: a name, and what it brings to the agent."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.agent.actions import Action
from bot.agent.metrics import Metric
from bot.agent.models import Model

if TYPE_CHECKING:
    from bot.agent.agent import Agent
    from bot.agent.runtime import AgentRuntime
    from bot.agent.services import ServiceFactory

EventHandler = Callable[["AgentRuntime", Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One capability. The agent takes it whole or not at all, and what it brought goes with it.

    `init` runs before anything of it is visible and may raise to refuse; `dispose` runs after
    everything of it is gone. `services` are started once in every world's runtime; `events`
    maps an event's class (see `bot.agent.events`) to what should be told of it. `metrics` is asked
    each time somebody looks; it returns at once.
    """

    name: str
    description: str
    actions: tuple[Action, ...] = ()
    models: tuple[Model, ...] = ()
    services: Mapping[str, "ServiceFactory"] = field(default_factory=dict)
    events: Mapping[type, EventHandler] = field(default_factory=dict)
    metrics: Callable[[], Iterable[Metric]] | None = None
    init: Callable[["Agent"], Awaitable[None]] | None = None
    dispose: Callable[[], Awaitable[None]] | None = None
