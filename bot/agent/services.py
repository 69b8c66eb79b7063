"""A service: what a plugin keeps running for one world."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.agent.runtime import AgentRuntime


class Service(Protocol):
    """One world's instance of a plugin's service."""

    async def stop(self) -> None:
        """End it: whatever it still holds is written, whatever it changed is put back."""


ServiceFactory = Callable[["AgentRuntime"], Awaitable[Service]]
"""Makes and starts the service of a runtime, before that world's first message is handled."""
