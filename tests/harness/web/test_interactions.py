"""Using an application: slash commands, components, modals, and what only one person sees."""

import io

import discord
import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed")
from playwright.async_api import FilePayload, Locator, expect

from bot.harness import FakeDiscord

from .conftest import Arrive
from .showcase import Layout, Panel, Selects, Showcase
from .visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTE: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"a note"}
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763084d7b06000293016557ac66f30000000049454e44ae426082"
)


async def test_a_slash_command_with_choices(bot: Showcase, ada: Visitor) -> None:
    await ada.box.press_sequentially("/as")
    await expect(ada.option("/ask")).to_contain_text("Ask a question")
    await ada.shot("slash-commands")
    await ada.box.press("Enter")
    question = ada.page.get_by_label("question")
    await expect(question).to_be_focused()
    await question.press("Enter")
    await expect(ada.page.locator(".form-error")).to_have_text("question: This option is required.")
    await question.fill("why?")
    await ada.button("+ style").click()
    await ada.option("long").click()
    await ada.shot("slash-options")
    await ada.page.get_by_label("style").press("Enter")
    answer = ada.message("long answer to: why?")
    await expect(answer.locator(".context")).to_have_text("AAdaused /ask")
    await expect(ada.box).to_be_focused()


async def test_autocompletion(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("colour")
    await expect(ada.option("red")).to_be_visible()
    await ada.page.get_by_role("combobox", name="name").press_sequentially("gr")
    await expect(ada.option("red")).to_have_count(0)
    await ada.page.get_by_role("combobox", name="name").press("ArrowDown")
    await ada.page.get_by_role("combobox", name="name").press("Enter")
    await expect(ada.page.get_by_role("combobox", name="name")).to_have_value("grey")
    await ada.page.get_by_role("combobox", name="name").press("Enter")
    await expect(ada.message("colour #grey")).to_be_visible()


async def test_options_of_every_kind(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("pick")
    for name, typed in (
        ("who", "be"),
        ("where", "work"),
        ("role", "adm"),
        ("sure", "tr"),
    ):
        field = ada.page.get_by_label(name, exact=True)
        await expect(field).to_be_focused()
        await field.press_sequentially(typed)
        await ada.page.locator(".suggestions .option").first.click()
    many = ada.page.get_by_label("many")
    await many.fill("11")
    await many.press("Enter")
    await expect(ada.page.locator(".form-error")).to_have_text("many: At most 10.")
    await many.fill("7")
    await many.press("Enter")
    await expect(ada.message("ben workshop Admin True 7 0.5")).to_be_visible()


async def test_who_may_not_is_not_offered(bot: Showcase, arrive: Arrive) -> None:
    ben = await arrive("ben")
    await ben.box.press_sequentially("/")
    await expect(ben.option("/ask")).to_be_visible()
    await expect(ben.option("/reasoning enable")).to_have_count(0)
    await ben.box.press("Escape")
    await expect(ben.option("/ask")).to_have_count(0)
    ada = await arrive("ada")
    await ada.slash("reasoning")
    await ada.button("Send").click()
    answer = ada.message("Custom reasoning is on.")
    await expect(answer.locator(".context")).to_have_text("AAdaused /reasoning enable")


async def test_what_only_one_person_sees(bot: Showcase, ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    await ada.slash("secret")
    await ada.button("Send").click()
    secret = ada.message("A secret.")
    await expect(secret.locator(".privacy")).to_have_text("Only you can see this • Dismiss message")
    await ada.say("marker")
    await expect(ben.message("marker")).to_be_visible()
    await expect(ben.message("A secret.")).to_have_count(0)
    await ada.shot("ephemeral")
    await secret.get_by_role("button", name="Dismiss message").click()
    await expect(secret).to_have_count(0)


async def test_thinking_until_it_answers(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("think")
    await ada.button("Send").click()
    await expect(ada.message("Understudy is thinking…")).to_be_visible()


async def test_buttons(bot: Showcase, ada: Visitor) -> None:
    await bot.channel("general").send("What now?", view=Panel())
    panel = ada.message("What now?")
    await expect(panel.get_by_role("link", name="Docs")).to_have_attribute(
        "href", "https://example.com/docs"
    )
    await expect(panel.get_by_role("button", name="Closed")).to_be_disabled()
    await panel.get_by_role("button", name="Whisper").click()
    await expect(ada.message("Only for you.")).to_contain_text("Only you can see this")
    ignored = panel.get_by_role("button", name="Ignore")
    await ignored.click()
    await expect(ignored).to_have_attribute("aria-busy", "true")
    await expect(panel.locator(".failure")).to_contain_text("This interaction failed")
    await ada.shot("buttons")
    await panel.get_by_role("button", name="Approve").click()
    await expect(ada.message("Approved.")).to_be_visible()
    await expect(ada.message("Approved.").locator(".components")).to_have_count(0)


async def test_selects(bot: Showcase, ada: Visitor) -> None:
    await bot.channel("general").send("Choose", view=Panel())
    await bot.channel("general").send("And these", view=Selects())
    await _select(ada, "colours").click()
    await ada.option("red").click()
    await ada.option("blue").click()
    await ada.shot("select")
    await ada.page.keyboard.press("Escape")
    await expect(ada.message("chose red, blue")).to_be_visible()
    for custom_id, option, answer in (
        ("user", "Cleo", "chose cleo"),
        ("role", "@Admin", "chose Admin"),
        ("channel", "workshop", "chose workshop"),
        ("mentionable", "Ben", "chose ben"),
    ):
        await _select(ada, custom_id).click()
        await ada.option(option).click()
        await expect(ada.message(answer)).to_be_visible()


async def test_a_modal(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("form")
    await ada.button("Send").click()
    name = ada.dialog.get_by_label("Name")
    await expect(name).to_be_focused()
    await name.press("Enter")
    await expect(ada.dialog.get_by_role("alert")).to_have_text(
        "Fill in what is marked with a star."
    )
    await name.fill("Ada")
    await ada.dialog.get_by_label("Story").fill("Once")
    await ada.shot("modal")
    await ada.dialog.get_by_role("button", name="Submit").click()
    await expect(ada.message("Ada says: Once")).to_be_visible()
    await expect(ada.dialog).to_have_count(0)


async def test_every_field_of_a_modal(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("survey")
    await ada.button("Send").click()
    await ada.dialog.get_by_role("button", name="Colour").click()
    await ada.option("green").click()
    await ada.dialog.get_by_role("radio", name="M").check()
    await ada.dialog.get_by_role("checkbox", name="salt").check()
    await ada.dialog.get_by_role("checkbox", name="sugar").check()
    await ada.dialog.get_by_role("checkbox", name="Sure").check()
    await ada.dialog.locator("input[type=file]").set_input_files(NOTE)
    await ada.shot("modal-fields")
    await ada.dialog.get_by_role("button", name="Submit").click()
    await expect(ada.message("green M salt sugar True a note")).to_be_visible()


async def test_a_file_for_a_command(bot: Showcase, ada: Visitor) -> None:
    await ada.slash("show")
    await ada.page.locator(".option-field input[type=file]").set_input_files(NOTE)
    await ada.button("Send").click()
    await expect(ada.message("note.txt: a note")).to_be_visible()


async def test_components_v2_and_embeds(bot: Showcase, ada: Visitor) -> None:
    files = [discord.File(io.BytesIO(DOT), "dot.png"), discord.File(io.BytesIO(b"1"), "report.txt")]
    await bot.channel("general").send(view=Layout(), files=files)
    report = ada.message("Weekly report")
    await expect(report.locator(".container.accented")).to_be_visible()
    await expect(report.locator("strong")).to_have_text("stepped in")
    await expect(report.get_by_alt_text("A dot")).to_have_js_property("naturalWidth", 1)
    await expect(report.get_by_role("link", name="report.txt").first).to_be_visible()
    await expect(report.get_by_role("separator")).to_be_attached()
    await expect(report.get_by_role("button", name="Later")).to_be_visible()
    embed = discord.Embed(title="Summary", description="**fine**", colour=0x1D7A46)
    embed.add_field(name="Calls", value="`41`").set_footer(text="recorded")
    embed.set_image(url="https://example.com/elsewhere.png")
    await bot.channel("general").send(embed=embed)
    card = ada.page.locator(".embed")
    await expect(card).to_contain_text("SummaryfineCalls41")
    await expect(card.get_by_role("link", name="Embedded picture")).to_be_visible()
    await ada.shot("components-v2")


async def test_an_app_on_a_message(bot: Showcase, ada: Visitor) -> None:
    said = await ada.say("To be quoted")
    await ada.act(said, "More")
    await ada.page.get_by_role("menuitem", name="Quote").click()
    await expect(ada.message("Quoted: To be quoted")).to_be_visible()


async def test_an_app_on_ones_own_account(bot: Showcase, fake: FakeDiscord, ada: Visitor) -> None:
    """Added from its profile, it can be used in a server that it is not in, and in a group."""
    world = fake.world
    people = {user.name: user for user in world.users.values()}
    guild = world.add_guild("Elsewhere", owner=people["ben"], channels=("abroad",), bot=False)
    world.add_member(guild, people["ada"])
    group = world.add_group_dm(people["ada"], people["ben"], people["cleo"], name="Friends")
    await bot.channel("general").send("Take me along")
    await ada.message("Take me along").locator(".author").click()
    await ada.shot("add-to-account")
    await ada.button("Add to my account").click()
    for server, place in (("Elsewhere", "abroad"), ("Direct messages", "Friends")):
        await ada.page.locator("#rail").get_by_role("button", name=server).click()
        await ada.page.locator("#channels").get_by_role("button", name=place).click()
        said = await ada.say(f"To be quoted in {place}")
        await ada.act(said, "More")
        await ada.page.get_by_role("menuitem", name="Quote").click()
        await expect(ada.message(f"Quoted: To be quoted in {place}")).to_be_visible()
    await ada.shot("in-a-group")
    assert len(group.messages) == 2
    await ada.message("Quoted: To be quoted in Friends").locator(".author").click()
    await ada.button("Remove from my account").click()
    await expect(ada.page.locator(".profile")).to_have_count(0)
    await ada.act(ada.message("To be quoted in Friends").first, "More")
    await expect(ada.page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    await expect(ada.page.get_by_role("menuitem", name="Quote")).to_have_count(0)


def _select(visitor: Visitor, custom_id: str) -> Locator:
    return visitor.page.locator(f"[data-component={custom_id}]")
