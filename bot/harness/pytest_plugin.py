"""The fixture `fake_discord`, for anybody's tests. How to use it: docs/testing-your-bot.md."""

import importlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.harness.scene import Scene
from bot.harness.world import World

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


def _async_fixture(function: FunctionT) -> FunctionT:
    # Where pytest-asyncio is missing, pytest says so once a test asks for the fixture.
    try:
        library: Any = importlib.import_module("pytest_asyncio")
    except ImportError:
        library = pytest
    fixture: FunctionT = library.fixture(function)
    return fixture


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("fake-discord").addoption(
        "--fake-discord-traces",
        metavar="FOLDER",
        type=Path,
        help="keep what went on at the fake Discord of each test, as JSON lines",
    )


@pytest.fixture
def fake_discord_world() -> World | None:
    """Override this to begin with another world than the sample one."""
    return None


@_async_fixture
async def fake_discord(
    request: pytest.FixtureRequest, fake_discord_world: World | None
) -> AsyncIterator[Scene]:
    """A fake Discord of its own for the test."""
    async with Scene(fake_discord_world) as scene:
        yield scene
    folder: Path | None = request.config.getoption("--fake-discord-traces", None)
    if folder is not None:
        _keep(scene, folder, request.node.nodeid)


def _keep(scene: Scene, folder: Path, test: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "-" for c in test)
    scene.trace.save(folder / f"{name}.jsonl")
