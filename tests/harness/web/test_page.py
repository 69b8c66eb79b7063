"""The page itself: by keyboard alone, small, light and dark, and who may have it."""

import aiohttp
import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed")
from playwright.async_api import expect

from bot.harness import FakeDiscord

from .conftest import Arrive
from .showcase import Panel, Showcase
from .visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_by_keyboard_alone(bot: Showcase, ada: Visitor) -> None:
    keys = ada.page.keyboard
    await expect(ada.box).to_be_focused()
    await keys.type("One")
    await keys.press("Enter")
    await expect(ada.message("One")).to_be_visible()
    await bot.channel("general").send("Two", view=Panel())
    await expect(ada.message("Two")).to_be_visible()
    # Back into the conversation: the last message, then its neighbours.
    await ada.page.locator("#skip").focus()
    await keys.press("Enter")
    await expect(ada.box).to_be_focused()
    await ada.message("Two").focus()
    await keys.press("ArrowUp")
    await expect(ada.message("One")).to_be_focused()
    await keys.press("e")
    await expect(ada.page.get_by_label("Edit message")).to_be_focused()
    await keys.press("Escape")
    await expect(ada.box).to_be_focused()
    await ada.message("One").focus()
    await keys.press("Tab")
    await expect(ada.message("One").get_by_role("button", name="Add reaction")).to_be_focused()
    await keys.press("Enter")
    await expect(ada.page.get_by_label("Search emoji")).to_be_focused()
    await keys.press("ArrowDown")
    await keys.press("ArrowRight")
    await keys.press("Enter")
    await expect(ada.message("One").locator("[data-emoji='👎']")).to_be_visible()
    # A command, from its name to its answer.
    await ada.box.focus()
    await keys.type("/ask")
    await keys.press("Enter")
    await expect(ada.page.get_by_label("question")).to_be_focused()
    await keys.type("is this easy?")
    await keys.press("Enter")
    await expect(ada.message("plain answer to: is this easy?")).to_be_visible()
    # A select: open, move, choose.
    await ada.page.locator("[data-component=user]").focus()
    await keys.press("Enter")
    await expect(ada.option("Ben")).to_be_visible()
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(ada.message("chose")).to_be_visible()


async def test_escape_gives_the_focus_back(ada: Visitor) -> None:
    opener = ada.button("Insert emoji")
    await opener.focus()
    await ada.page.keyboard.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await ada.page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    await expect(opener).to_have_attribute("aria-expanded", "false")


async def test_everything_has_a_name(bot: Showcase, ada: Visitor) -> None:
    await bot.channel("general").send("Named", view=Panel())
    said = await ada.say("mine")
    await ada.act(said, "Add reaction")
    await ada.page.get_by_role("button", name="tada", exact=True).click()
    nameless = await ada.page.evaluate("""() =>
        [...document.querySelectorAll("button, a, input:not([hidden]), textarea, [role=dialog]")]
            .filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.title))
            .map((e) => e.outerHTML)""")
    assert nameless == []
    for role in ("main", "navigation", "complementary"):
        await expect(ada.page.get_by_role(role).first).to_be_visible()


async def test_at_360_pixels(bot: Showcase, arrive: Arrive) -> None:
    await bot.channel("general").send("Narrow " + "w" * 300, view=Panel())
    ada = await arrive(
        "ada", viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark"
    )
    await expect(ada.message("Narrow")).to_be_visible()
    for selector in ("html", "#timeline"):
        assert await ada.page.locator(selector).evaluate("box => box.scrollWidth") == 360
    await ada.shot("narrow")
    await expect(ada.page.locator("#places")).to_have_js_property("inert", value=True)
    await ada.button("Servers and channels").tap()
    await ada.shot("narrow-drawer")
    await ada.page.locator("[data-channel]", has_text="workshop").tap()
    await expect(ada.page.locator("#header h1")).to_have_text("workshop")
    await expect(ada.page.locator("#places")).to_have_js_property("inert", value=True)
    await ada.button("Members").tap()
    await expect(ada.page.locator(".member", has_text="Ben")).to_be_in_viewport()
    await ada.page.keyboard.press("Escape")
    await expect(ada.button("Members")).to_be_focused()
    await ada.say("From a telephone")


async def test_light_and_dark(bot: Showcase, arrive: Arrive) -> None:
    ada = await arrive("ada", color_scheme="dark")
    ben = await arrive("ben")
    await _small_talk(bot, ada, ben)
    background = "() => getComputedStyle(document.querySelector('main')).backgroundColor"
    dark = await ada.page.evaluate(background)
    await ada.shot("dark")
    await ada.button("Light theme").click()
    light = await ada.page.evaluate(background)
    assert (dark, light) == ("rgb(42, 43, 49)", "rgb(255, 255, 255)")
    await ada.page.reload()
    await expect(ada.button("Dark theme")).to_be_visible()
    assert await ada.page.evaluate(background) == light
    await expect(ada.message("keep going")).to_be_in_viewport()
    await ada.shot("light")


async def _small_talk(bot: Showcase, ada: Visitor, ben: Visitor) -> None:
    """Something to see on the screenshots."""
    await ada.say("Morning! Who answered while we slept?")
    await ben.say("I would like to know too ☕")
    report = await bot.channel("general").send(
        "The lead answered **41** calls, the understudy stepped in for **3** of them.\n"
        "```sql\nselect count(*) from exchanges where answered_by = 'understudy';\n```"
    )
    await report.add_reaction("👍")
    await ben.act(ben.message("stepped in"), "Add reaction")
    await ben.page.get_by_role("button", name="tada", exact=True).click()
    await ada.slash("reasoning")
    await ada.button("Send").click()
    await expect(ada.message("Custom reasoning is on.")).to_be_visible()
    await ada.act(ada.message("stepped in"), "Reply")
    await ada.box.press_sequentially("Well done, @und")
    await ada.box.press("Enter")
    await ada.box.press_sequentially("keep going!")
    await ada.box.press("Enter")
    await expect(ada.message("keep going!")).to_be_visible()
    await ada.page.mouse.move(0, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1", "Origin": "http://[::1]:1"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "127.0.0.1.rebound.example:80"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_who_is_told_the_tokens(
    fake: FakeDiscord, headers: dict[str, str], status: int
) -> None:
    url = f"{fake.web}web/session"
    async with aiohttp.request("GET", url, headers=headers) as response:
        assert response.status == status
        assert ("token" in await response.text()) is (status == 200)
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_files_and_their_policy(fake: FakeDiscord) -> None:
    async with aiohttp.ClientSession(fake.web) as http:
        async with http.get("/") as page:
            policy = page.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "<script>" not in await page.text()
        for name in ("..%2fpages.py", "%2e%2e%2fpages.py", "nothing.js", "..%5cpages.py"):
            async with http.get(f"/web/{name}") as missing:
                assert missing.status == 404


async def test_an_upload_can_not_act_as_the_page(ada: Visitor, fake: FakeDiscord) -> None:
    evil = b"<script>window.hacked = 1; fetch('/web/session')</script>"
    picker = ada.page.locator("#composer input[type=file]")
    await picker.set_input_files({"name": "a.html", "mimeType": "text/html", "buffer": evil})
    sent = await ada.say("open it")
    href = await sent.get_by_role("link", name="a.html").first.get_attribute("href")
    opened = await ada.page.context.new_page()
    await opened.goto(f"{fake.web.rstrip('/')}{href}")
    assert await opened.evaluate("() => window.hacked ?? null") is None
    assert await opened.evaluate("() => self.origin") == "null"
