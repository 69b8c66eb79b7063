"""A browser, a server with a real bot, and visitors at its page."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord.gateway
import discord.http
import pytest
import pytest_asyncio
import yarl

from bot.harness import FakeDiscord

from .showcase import Showcase

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from .visitor import Visitor

SOON_MS = 5000
VIEWPORT = {"width": 1280, "height": 800}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for all of them: two browsers at once slow each other down tenfold."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("browser"))


NAMES = ("chromium", "chromium-browser", "google-chrome")

Arrive = Callable[..., Awaitable["Visitor"]]


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots are kept; `--basetemp` says under which folder."""
    folder = tmp_path_factory.getbasetemp() / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator["Browser"]:
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium here")
    playwright.expect.set_options(timeout=SOON_MS)
    async with playwright.async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def fake() -> AsyncIterator[FakeDiscord]:
    """A server that gives applications little time, with discord.py pointed at it."""
    before = (discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    async with FakeDiscord(respond_within=1.0) as server:
        discord.http.Route.BASE = server.rest
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway)
        yield server
    discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = before


@pytest_asyncio.fixture(loop_scope="session")
async def bot(fake: FakeDiscord) -> AsyncIterator[Showcase]:
    client = Showcase()
    running = asyncio.create_task(client.start(fake.bot_token))
    try:
        async with asyncio.timeout(SOON_MS / 1000):
            await client.ready.wait()
        yield client
    finally:
        await client.close()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def regulars(browser: "Browser") -> "dict[str, Visitor]":
    """The visitors whose pages are used again by test after test: a new one takes its time."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(
    browser: "Browser", fake: FakeDiscord, shots: Path, regulars: "dict[str, Visitor]"
) -> AsyncIterator[Arrive]:
    """Have someone come to the page; what went wrong in the browser fails the test at its end.

    With `options` (Playwright's, of a browser context) they come with a browser of their own.
    """
    from .visitor import Visitor

    visitors: list[Visitor] = []

    async def visitor(**options: Any) -> Visitor:  # noqa: ANN401 - Playwright's
        context = await browser.new_context(**({"viewport": VIEWPORT} | options))
        context.set_default_timeout(SOON_MS)
        return Visitor(await context.new_page(), shots)

    async def come(name: str = "ada", **options: Any) -> Visitor:  # noqa: ANN401 - Playwright's
        someone = await visitor(**options) if options else regulars.get(name) or await visitor()
        if not options:
            regulars[name] = someone
        someone.errors.clear()
        visitors.append(someone)
        await someone.come(fake.web, name)
        return someone

    yield come
    errors = [error for someone in visitors for error in someone.errors]
    for someone in visitors:
        if someone in regulars.values():
            await someone.page.goto("about:blank")
        else:
            await someone.page.context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def ada(arrive: Arrive) -> "Visitor":
    return await arrive("ada")
