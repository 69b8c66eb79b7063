"""Pictures of the bot on the harness's page; `--basetemp` says under which folder they are kept."""

import asyncio
import shutil
from pathlib import Path

import pytest

from bot.agent.models import ModelRequest
from tests.front.scene import scene
from tests.front.test_buttons import Reasoner

WORDS = (
    "A comparison, as a table:\n\n"
    "| planet | moons | day |\n|---|---:|---|\n| Mars | 2 | 24.6 h |\n| Jupiter | 97 | 9.9 h |\n\n"
    "The area is \\(\\pi r^2\\), in code:\n\n```python\ndef area(r: float) -> float:\n"
)
REST = "    return 3.14159 * r**2\n```\nAnything else?"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.mark.xdist_group("browser")
async def test_a_streamed_answer_with_its_buttons(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.skip("there is no Chromium here")
    shots = tmp_path_factory.getbasetemp() / "screenshots"
    shots.mkdir(exist_ok=True)
    go_on = asyncio.Event()

    async def begin(request: ModelRequest) -> None:
        assert request.stream is not None
        request.stream.write(WORDS)
        await go_on.wait()
        request.stream.restart()

    model = Reasoner(text=WORDS + REST)
    model.before = begin
    expect = playwright.expect
    async with (
        scene(tmp_path, model=model) as stage,
        playwright.async_playwright() as driver,
        await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(f"{stage.fake.web}?as=ben")
        await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> planets and circles, please")
        stop = page.get_by_role("button", name="Stop")
        await expect(stop).to_be_visible()
        await page.screenshot(path=shots / "answer-streaming.png")
        go_on.set()
        await expect(page.get_by_role("button", name="🔁")).to_be_visible()
        await expect(stop).to_have_count(0)
        await page.get_by_role("button", name="💭").click()
        await expect(page.get_by_text("First I thought.").first).to_be_visible()
        await page.screenshot(path=shots / "answer-whole.png")
