"""What is known of earlier answers: a service that a plugin may run under the name "reviews"."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bot.agent.runtime import AgentRuntime

REVIEWS = "reviews"


@runtime_checkable
class Reviews(Protocol):
    """Looks an answer up by the Discord message that carries it."""

    async def reasoning_of(self, reply_id: int) -> str | None:
        """How the model came to that answer; None where it gave no reasons, or none are kept."""

    async def vote_of(self, reply_id: int, user_id: int) -> int:
        """A person's vote on that answer: +1, -1, or 0 for none."""

    async def stop(self) -> None:
        """End it."""


def find_reviews(runtime: "AgentRuntime") -> Reviews | None:
    """The service of a runtime's world, if one runs there."""
    service = runtime.services.get(REVIEWS)
    return service if isinstance(service, Reviews) else None
