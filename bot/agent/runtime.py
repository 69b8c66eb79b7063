"""One world's view of the agent: its services, its store, its `use_model`."""

import logging
import time
from typing import TYPE_CHECKING, Any

from bot.agent.actions import Action, ActionContext, ActionResult
from bot.agent.chain import ModelChain, Registration
from bot.agent.intents import Outcome
from bot.agent.messages import Message, Question
from bot.agent.middleware import ModelHook, ModelMiddleware
from bot.agent.models import UseModel
from bot.agent.permissions import Author
from bot.agent.services import Service
from bot.store.interface import WorldStore
from bot.store.records import World

if TYPE_CHECKING:
    from bot.agent.agent import Agent

log = logging.getLogger(__name__)


class AgentRuntime:
    """The runtime of one guild, or of one person's direct messages. Light: there are thousands.

    `use_model(model_type, request)` answers. While no plugin has put anything around it, it *is*
    `original_use_model`, the very same object.
    """

    __slots__ = (
        "_chain",
        "_holders",
        "_last_used",
        "agent",
        "original_use_model",
        "services",
        "store",
        "use_model",
        "world",
    )

    def __init__(self, agent: "Agent", world: World, store: WorldStore) -> None:
        self.agent = agent
        self.world = world
        self.store = store
        self.services: dict[str, Service] = {}
        self.original_use_model: UseModel = agent.use_model
        self.use_model: UseModel = self.original_use_model
        self._chain: ModelChain | None = None
        self._holders = 0
        self._last_used = time.monotonic()

    def hold(self) -> None:
        """Keep this runtime in memory until `release`, as often as it was held."""
        self._holders += 1

    def release(self) -> None:
        """Undo one `hold`."""
        self._holders -= 1
        self._last_used = time.monotonic()

    def idle(self, now: float, seconds: float) -> bool:
        """Whether nobody holds it, or has for this long, at `now` (`time.monotonic()`)."""
        return self._holders == 0 and now - self._last_used >= seconds

    def add_model_middleware(self, owner: str, middleware: ModelMiddleware) -> Registration:
        """Put `middleware` around `use_model`, for the plugin `owner`; undone by `remove()`."""
        return self._chained().add_middleware(owner, middleware)

    def add_model_hook(self, owner: str, hook: ModelHook) -> Registration:
        """Tell `hook` of each call of `use_model` when it is over; undone by `remove()`."""
        return self._chained().add_hook(owner, hook)

    def remove_owner(self, owner: str) -> None:
        """Take out whatever a plugin has put around `use_model`."""
        if self._chain is not None:
            self._chain.discard_owner(owner)

    async def handle_message(self, message: Message) -> ActionResult | Question | None:
        """Do what the message asks for, if it is a command.

        Returns what to tell the person; a Question when it is likely but not sure; None when it
        is no command, and so a matter for conversation.
        """
        match = self.agent.matcher.match(message.text, addressed=message.addressed)
        if match.action is None or match.outcome is Outcome.NONE:
            return None
        if match.outcome is Outcome.ASK:
            return Question(self.agent.action(match.action))
        return await self.run_action(match.action, message.author, message.room_id)

    async def run_action(
        self,
        name: str,
        author: Author,
        room_id: int,
        text: str = "",
        asked_at: int | None = None,
    ) -> ActionResult:
        """Run the action of that name or simile, if the author may.

        Raises KeyError when there is no such action. Whatever the handler raises is logged and
        told to the person in one sentence.
        """
        action = self.agent.action(name)
        if not author.may(action.permission):
            return refuse(action)
        try:
            return await action.handler(ActionContext(self, author, room_id, text, asked_at))
        except Exception as error:
            log.exception("%s failed in %s", action.name, self.world)
            reason = str(error) or type(error).__name__
            return ActionResult(f"❌ Failed to {action.title}: {reason}")

    async def emit(self, event: Any) -> None:  # noqa: ANN401 - one of bot.agent.events
        """Tell every plugin that listens to this kind of event; one that fails is logged."""
        for handler in self.agent.event_handlers(type(event)):
            try:
                await handler(self, event)
            except Exception:
                log.exception("A handler of %s failed in %s", type(event).__name__, self.world)

    def _chained(self) -> ModelChain:
        if self._chain is None:
            self._chain = ModelChain(self.original_use_model, self._set_use_model)
        return self._chain

    def _set_use_model(self, use_model: UseModel) -> None:
        self.use_model = use_model


def refuse(action: Action) -> ActionResult:
    """What someone is told who lacks the right to run an action."""
    return ActionResult(
        f"🔒 Only members with **{action.permission}** can {action.title} here. "
        "Nothing was changed.",
        private=True,
    )
