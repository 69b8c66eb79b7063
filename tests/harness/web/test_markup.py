"""What text becomes on the page: markdown where it should, markup never."""

import discord
import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed")
from playwright.async_api import expect

from bot.harness import FakeDiscord

from .conftest import Arrive
from .showcase import Showcase
from .visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKDOWN = """# Heading
**bold** *italic* __under__ ~~struck~~ `code` ||hidden|| \\*plain\\*
> quoted
- one
- two
1. first
-# small
```python
x = "**not bold**"
```
[docs](https://example.com/docs) <t:1700000000:R> <:party:123456789012345678>"""

ATTACKS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg/onload=window.hacked=1>",
    "[click](javascript:window.hacked=1)",
    "[click](JaVaScRiPt:window.hacked=1) <javascript:window.hacked=1>",
    '[x](https://example.com/"onmouseover="window.hacked=1)',
    "```<b>html</b>\n<img src=x onerror=window.hacked=1>```",
    "`<img src=x onerror=window.hacked=1>` ||<iframe src='javascript:window.hacked=1'>||",
    "> <style>body{display:none}</style>",
    "<@1<img src=x onerror=window.hacked=1>> <t:1<b>:R> <:a<b>:1>",
    "https://example.com/'onclick='window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
]
EVIL = "<img src=x onerror=window.hacked=1>"


async def test_markdown(bot: Showcase, ada: Visitor) -> None:
    me = bot.member("ada")
    place = bot.channel("workshop")
    text = f"{MARKDOWN}\n{me.mention} {place.mention} <@&{me.top_role.id}>"
    await bot.channel("general").send(text)
    said = ada.message("Heading")
    for selector, content in (
        (".heading-1", "Heading"),
        ("strong", "bold"),
        ("em", "italic"),
        ("u", "under"),
        ("s", "struck"),
        ("p > code", "code"),
        ("blockquote", "quoted"),
        ("ul", "onetwo"),
        ("ol", "first"),
        (".subtext", "small"),
        (".language", "python"),
        ("pre", 'x = "**not bold**"'),
        (".custom-emoji", ":party:"),
    ):
        await expect(said.locator(selector)).to_have_text(content)
    await expect(said).to_contain_text("*plain*")
    await expect(said.get_by_role("link", name="docs")).to_have_attribute(
        "href", "https://example.com/docs"
    )
    await expect(said.locator("time.moment")).to_contain_text("years ago")
    await expect(said.locator(".mention")).to_have_text(["@Ada", "workshop", "@Admin"])
    hidden = said.locator(".spoiler")
    await expect(hidden.locator(".spoiler-content")).to_be_hidden()
    await hidden.press("Enter")
    await expect(hidden.locator(".spoiler-content")).to_be_visible()
    await ada.shot("markdown")
    await said.locator(".mention", has_text="workshop").click()
    await expect(ada.page.locator("#header h1")).to_have_text("workshop")


async def test_text_is_never_markup(bot: Showcase, arrive: Arrive, fake: FakeDiscord) -> None:
    guild = next(iter(fake.world.guilds.values()))
    evil = fake.world.add_user(EVIL)
    fake.world.add_member(guild, evil)
    channel = bot.channel("general")
    fake.world.channel(channel.id).topic = EVIL
    embed = discord.Embed(title=EVIL, description="[x](javascript:alert(1))", url="https://a.b")
    embed.set_author(name=EVIL, url="https://a.b/<b>").set_footer(text=EVIL)
    embed.add_field(name=EVIL, value=ATTACKS[0])
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label=EVIL, custom_id=EVIL))
    view.add_item(
        discord.ui.Select(placeholder=EVIL, options=[discord.SelectOption(label=EVIL, value=EVIL)])
    )
    ada = await arrive("ada")
    for attack in ATTACKS:
        await channel.send(attack)
    await channel.send(f"last {evil.id} <@{evil.id}>", embed=embed, view=view)
    await expect(ada.message("last")).to_be_visible()
    await expect(ada.page.locator(".member", has_text=EVIL)).to_be_visible()
    await expect(ada.message("last").locator(".mention")).to_have_text(f"@{EVIL}")
    await expect(ada.page.locator(".topic")).to_have_text(EVIL)
    await ada.page.locator(".select").click()
    await expect(ada.option(EVIL)).to_be_visible()
    await ada.page.keyboard.press("Escape")
    found = await ada.page.evaluate("""() => ({
        hacked: window.hacked ?? null,
        elements: document.querySelectorAll("main :is(script, iframe, style, img)").length,
        handlers: [...document.querySelectorAll("*")]
            .filter((e) => e.getAttributeNames().some((n) => n.startsWith("on"))).length,
        links: [...document.querySelectorAll("main a")].map((a) => new URL(a.href).protocol),
    })""")
    assert (found["hacked"], found["elements"], found["handlers"]) == (None, 0, 0)
    assert set(found["links"]) <= {"https:"}
    for attack in ATTACKS[:3]:
        await expect(ada.message(attack).first.locator(".text")).to_have_text(attack)


async def test_long_and_twisted_text_does_not_hang(bot: Showcase, ada: Visitor) -> None:
    for twisted in (
        "*" * 1999,
        "**a*`" * 390,
        "[a](" * 490,
        "> " * 990,
        "`` ` " * 390,
        "_a " * 660,
    ):
        await bot.channel("general").send(twisted + ".")
    await bot.channel("general").send("the end")
    await expect(ada.message("the end")).to_be_visible()
