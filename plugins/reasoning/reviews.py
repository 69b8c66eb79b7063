"""What the records know of earlier answers, for who asks how one came about."""

from typing import Self

from bot.agent.runtime import AgentRuntime


class RecordedReviews:
    """The service "reviews" of one world; also while nothing is being recorded."""

    def __init__(self, runtime: AgentRuntime) -> None:
        self._store = runtime.store

    @classmethod
    async def start(cls, runtime: AgentRuntime) -> Self:
        """The service of this runtime."""
        return cls(runtime)

    async def reasoning_of(self, reply_id: int) -> str | None:
        """How the model came to the answer that this message carries. Raises StoreError."""
        return await self._store.reasoning_of(reply_id)

    async def vote_of(self, reply_id: int, user_id: int) -> int:
        """A person's vote on the answer that this message carries. Raises StoreError."""
        return await self._store.vote_of(reply_id, user_id)

    async def stop(self) -> None:
        """There is nothing to end."""
