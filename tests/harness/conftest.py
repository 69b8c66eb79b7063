"""A server, its people, and a real discord.py client that is pointed at it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.harness import FakeDiscord, Person

from . import openapi

SOON = 5.0


class Recorder(discord.Client):
    """A discord.py client that keeps what it is told, for tests to wait on."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            intents=intents or discord.Intents.all(),
            guild_ready_timeout=0.05,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.seen: list[tuple[str, Any]] = []
        self.tree: app_commands.CommandTree[Recorder] = app_commands.CommandTree(self)
        self.on_component: Callable[[discord.Interaction], Awaitable[None]] | None = None
        self._news = asyncio.Condition()

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        super().dispatch(event, *args, **kwargs)
        self.seen.append((event, args[0] if len(args) == 1 else args))
        self._told = asyncio.ensure_future(self._tell())

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if self.on_component and interaction.type is discord.InteractionType.component:
            await self.on_component(interaction)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def all(self, event: str) -> list[Any]:
        return [what for name, what in self.seen if name == event]

    async def until(self, event: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:  # noqa: ANN401
        """The first event of this name that fits, past or future."""

        def found() -> list[Any]:
            return [what for what in self.all(event) if fits(what)]

        async with asyncio.timeout(SOON), self._news:
            await self._news.wait_for(lambda: bool(found()))
        return found()[0]


@pytest.fixture
def pointed() -> Iterator[Callable[[FakeDiscord], None]]:
    """Points discord.py at a server, and back when the test is over."""
    before = (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY)

    def point(fake: FakeDiscord) -> None:
        Route.BASE = fake.rest
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(fake.gateway)

    yield point
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@pytest.fixture
async def fake(pointed: Callable[[FakeDiscord], None]) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as server:
        pointed(server)
        yield server
    if openapi.available():
        assert not openapi.violations(server.requests)


@asynccontextmanager
async def running(client: Recorder, fake: FakeDiscord) -> AsyncIterator[Recorder]:
    """A client that is logged in and ready."""
    task = asyncio.create_task(client.start(fake.bot_token))
    try:
        await client.until("ready")
        yield client
    finally:
        await client.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def bot(fake: FakeDiscord) -> AsyncIterator[Recorder]:
    async with running(Recorder(), fake) as client:
        yield client


@asynccontextmanager
async def person(fake: FakeDiscord, name: str) -> AsyncIterator[Person]:
    entry = next(u for u in fake.describe()["users"] if u["name"] == name)
    async with Person(entry, fake.rest, fake.gateway) as someone:
        yield someone


@pytest.fixture
async def ada(fake: FakeDiscord) -> AsyncIterator[Person]:
    async with person(fake, "ada") as someone:
        yield someone


@pytest.fixture
async def ben(fake: FakeDiscord) -> AsyncIterator[Person]:
    async with person(fake, "ben") as someone:
        yield someone


@pytest.fixture
def general(fake: FakeDiscord) -> str:
    return str(fake.describe()["channel_id"])


@pytest.fixture
def guild_id(fake: FakeDiscord) -> str:
    return str(fake.describe()["guild_id"])
