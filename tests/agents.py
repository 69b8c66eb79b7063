"""Agents for tests: the real one on real files, with models that answer by a script."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.agent.agent import Agent
from bot.agent.models import Model, ModelRequest, ModelResponse, Origin
from bot.agent.plugin import Plugin
from bot.compose import privacy_office
from bot.store.records import ChatMessage, World, WorldKind
from bot.store.sqlite import SqliteStore
from plugins.privacy import privacy_plugin

GUILD = World(WorldKind.GUILD, 1001)
OTHER_GUILD = World(WorldKind.GUILD, 2002)

Answer = Callable[[ModelRequest], Awaitable[ModelResponse]]


class ScriptedModel:
    """A model that answers what it is told to, and counts how often it was asked."""

    def __init__(self, provider: str = "lead", text: str = "hello") -> None:
        self.provider = provider
        self.text = text
        self.calls: list[ModelRequest] = []
        self.fails_with: BaseException | None = None
        self.before: Callable[[ModelRequest], Awaitable[None]] | None = None

    async def answer(self, request: ModelRequest) -> ModelResponse:
        """Answer, or fail, as scripted."""
        self.calls.append(request)
        if self.before is not None:
            await self.before(request)
        if self.fails_with is not None:
            raise self.fails_with
        if request.stream is not None:
            request.stream.write(self.text)
        return ModelResponse(self.text, self.provider, "scripted", prompt_tokens=3)

    def plugin(self, priority: int | None = 0) -> Plugin:
        """A plugin that brings just this model."""
        return Plugin(
            name=self.provider,
            description="a scripted model",
            models=(Model(self.provider, "scripted", self.answer, priority=priority),),
        )


@asynccontextmanager
async def agent_with(
    folder: Path, *plugins: Plugin, idle_seconds: float = 600.0, with_privacy: bool = False
) -> AsyncIterator[Agent]:
    """An agent whose files are below `folder`; nobody need agree to be recorded, unless told."""
    # In a thread, which begins in no time; the process has tests of its own.
    async with (
        SqliteStore(folder, in_process=True) as store,
        Agent(store, idle_seconds=idle_seconds) as agent,
    ):
        for plugin in (*plugins, *([privacy_plugin(privacy_office(store))] * with_privacy)):
            await agent.register(plugin)
        yield agent


def ask(
    text: str = "hi", *, message_id: int | None = 7, room_id: int = 5, user_id: int = 9
) -> ModelRequest:
    """A request with one message of a member."""
    return ModelRequest(
        messages=(
            ChatMessage("system", "Be kind."),
            ChatMessage("user", text, name="ben", message_id=message_id, author_id=user_id),
        ),
        origin=Origin(room_id, user_id, message_id),
    )
