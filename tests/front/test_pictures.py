"""The settings panel, the dashboard and a streamed answer, as people see them in a browser.

What is seen is kept as pictures beside the test's other files; two of them are in `docs`.
"""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from bot.agent.models import ModelRequest, ModelResponse
from bot.harness import FakeDiscord
from bot.store.activity import snowflake_at
from bot.store.operations import ReplyAttached, VoteCast
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from tests.agents import ScriptedModel
from tests.front.panels import opened
from tests.front.scene import Scene, scene

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.xdist_group("browser")

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOUR_MS = 3_600_000
ANSWER = """Here is how to reverse a list in Python:

```python
def reversed_copy(items: list[int]) -> list[int]:
    return items[::-1]
```

| way | changes the list |
|---|---|
| `items.reverse()` | yes |
| `items[::-1]` | no |"""


@asynccontextmanager
async def page_of(
    fake: FakeDiscord, name: str, *, dark: bool = True, height: int = 900
) -> AsyncIterator["Page"]:
    """The fake Discord's page in a browser, as somebody."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("there is no Chromium here")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(
            viewport={"width": 1280, "height": height}, color_scheme="dark" if dark else "light"
        )
        await page.goto(f"{fake.web}?as={name}")
        await playwright.expect(page.locator("#timeline .messages")).to_be_attached()
        yield page
        await browser.close()


async def test_the_settings_panel(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        await stage.client.book.change(
            World(WorldKind.GUILD, int(stage.guild_id)),
            int(stage.ada.id),
            name="Robo",
            system_prompt="You are Robo, the help desk of a small library. Be brief and kind.",
            temperature=0.4,
            person_cooldown=5.0,
        )
        async with page_of(fake, "ada", height=680) as page:
            panel = await opened(stage, stage.ada)
            await panel.turn_to("channels")
            await panel.use("channel", stage.channel_id)
            await panel.use("mode", "always")
            await page.get_by_text("Only you can see this").last.wait_for()
            await page.get_by_text("always", exact=False).last.wait_for()
            await page.screenshot(path=tmp_path / "settings-channels.png")
            for name in ("persona", "access", "models", "reasoning", "changes", "overview"):
                await panel.turn_to(name)
                title = panel.text.splitlines()[0].removeprefix("## ")
                await page.get_by_text(title.split(" ", 1)[1], exact=True).last.wait_for()
                await page.screenshot(path=tmp_path / f"settings-{name}.png")


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
async def test_the_dashboard(tmp_path: Path, *, dark: bool) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await a_day_of_exchanges(stage)
        stage.model.text = "Paris is the capital of France."
        await stage.ask(stage.ben, "what is the capital of France?")
        async with page_of(fake, "ada", dark=dark, height=1120) as page:
            answer = await stage.slash(stage.ada, "reasoning status")
            (chart,) = answer.latest["attachments"]
            assert "Bar charts of the last 24 hours" in chart["description"]
            picture = page.get_by_alt_text("Bar charts of the last 24 hours", exact=False)
            await picture.wait_for()
            assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
            await page.screenshot(path=tmp_path / "dashboard.png")


async def a_day_of_exchanges(stage: Scene) -> None:
    """Records of a day, as they might be."""
    chance = random.Random(7)  # noqa: S311 - it decides on a picture
    now = time.time_ns() // 1_000_000
    async with stage.agent.runtime(World(WorldKind.GUILD, int(stage.guild_id))) as runtime:
        operations: list[Exchange | ReplyAttached | VoteCast] = []
        for hour in range(24):
            for number in range(max(0, 12 - abs(hour - 13)) + chance.randint(0, 2)):
                operations += exchange_at(now - hour * HOUR_MS - number * 200_000 - 60_000, chance)
        await runtime.store.write(operations)


def exchange_at(timestamp: int, chance: random.Random) -> list[Exchange | ReplyAttached | VoteCast]:
    exchange = Exchange(
        id=snowflake_at(timestamp),
        timestamp=timestamp,
        room_id=5,
        user_id=9,
        message_id=snowflake_at(timestamp) + 1,
        model_type="planning",
        provider="custom",
        model="library-desk-1b",
        input=(ChatMessage("user", "hi", "ben", snowflake_at(timestamp) + 1, 9),),
        output="hello",
        reasoning=None,
        finish_reason="stop",
        success=True,
        error=None,
        fallback_from=None,
        fallback_reason=None,
        latency_ms=chance.lognormvariate(6.8, 0.5),
        first_token_ms=None,
        prompt_tokens=chance.randint(200, 900),
        completion_tokens=chance.randint(20, 300),
    )
    fate = chance.random()
    if fate < 0.08:
        exchange = replace(exchange, fallback_from="library-desk-1b", fallback_reason="timeout")
    elif fate < 0.1:
        exchange = replace(exchange, success=False, output=None, error="down")
    reply_id = exchange.id + 2
    vote = VoteCast(reply_id, 9, -1 if fate > 0.97 else 1, timestamp)
    return [exchange, ReplyAttached(exchange.id, (reply_id,)), *([vote] if fate > 0.8 else [])]


class Halfway(ScriptedModel):
    """A model that stops in the middle of its answer until it is told to go on."""

    def __init__(self) -> None:
        super().__init__(text=ANSWER)
        self.go_on = asyncio.Event()

    async def answer(self, request: ModelRequest) -> ModelResponse:
        self.calls.append(request)
        assert request.stream is not None
        middle = ANSWER.index("return")
        request.stream.write(ANSWER[:middle])
        await self.go_on.wait()
        request.stream.write(ANSWER[middle:])
        return ModelResponse(ANSWER, self.provider, "scripted", reasoning="A slice will do.")


async def test_a_streamed_answer(tmp_path: Path) -> None:
    model = Halfway()
    async with (
        FakeDiscord() as fake,
        scene(tmp_path, model=model, fake=fake) as stage,
        page_of(fake, "ben") as page,
    ):
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> how do I reverse a list?")
        await page.get_by_role("button", name="Stop").wait_for()
        await page.get_by_text("reversed_copy").first.wait_for()
        await page.screenshot(path=tmp_path / "streaming.png")
        model.go_on.set()
        await stage.handled.wait(int(said["id"]))
        await page.get_by_role("button", name="👍").wait_for()
        await page.screenshot(path=tmp_path / "streamed.png")
        assert await page.get_by_role("button", name="Stop").count() == 0
