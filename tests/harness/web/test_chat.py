"""Talking: send, reply, edit, delete, react, upload, direct messages, threads, typing."""

import asyncio

import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed")
from playwright.async_api import expect

from bot.harness import FakeDiscord

from .conftest import Arrive
from .showcase import Showcase
from .visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_saying_something(bot: Showcase, ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    await ada.say("Good morning")
    await expect(ben.message("Good morning")).to_be_visible()
    await expect(ben.page.locator("#announcer")).to_have_text("Ada: Good morning")
    await ada.box.fill("first line")
    await ada.box.press("Shift+Enter")
    await ada.box.press_sequentially("second line")
    await ada.box.press("Enter")
    await expect(ada.message("second line")).to_contain_text("first line")
    heard = [(await asyncio.wait_for(bot.heard.get(), 5)).content for _ in range(2)]
    assert heard == ["Good morning", "first line\nsecond line"]
    # One author's messages stand under one name.
    await expect(ada.page.locator("li.message .author", has_text="Ada")).to_have_count(1)


async def test_mentions_are_completed(bot: Showcase, ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    await ada.box.press_sequentially("hi @be")
    await expect(ada.option("Ben")).to_be_visible()
    await ada.box.press("Enter")
    await ada.box.press_sequentially("see #work")
    await ada.box.press("Tab")
    await ada.box.press_sequentially("and :roc")
    await ada.box.press("Enter")
    await expect(ada.box).to_have_value("hi @Ben see #workshop and 🚀 ")
    await ada.box.press("Enter")
    heard = await asyncio.wait_for(bot.heard.get(), 5)
    place = bot.channel("workshop").mention
    assert heard.content == f"hi {bot.member('ben').mention} see {place} and 🚀"
    await expect(ben.message("hi @Ben")).to_have_class("message mentioned")


async def test_whole_names_are_mentions_without_choosing(bot: Showcase, ada: Visitor) -> None:
    await ada.say("@Ben or me@Ben.org or @Benny, (@Ada)")
    heard = await asyncio.wait_for(bot.heard.get(), 5)
    ben, me = bot.member("ben").mention, bot.member("ada").mention
    assert heard.content == f"{ben} or me@Ben.org or @Benny, ({me})"


async def test_replies(bot: Showcase, ada: Visitor) -> None:
    question = await ada.say("Who is there?")
    await ada.act(question, "Reply")
    await expect(ada.page.get_by_text("Replying to Ada")).to_be_visible()
    await ada.say("Me.")
    await expect(ada.message("Me.").locator(".context")).to_have_text("AAdaWho is there?")
    heard = [await asyncio.wait_for(bot.heard.get(), 5) for _ in range(2)]
    assert heard[1].reference is not None
    assert heard[1].reference.message_id == heard[0].id
    await heard[1].reply("And me.")
    answer = ada.message("And me.")
    await expect(answer.locator(".tag")).to_have_text("APP")
    await expect(answer).to_have_class("message mentioned")


async def test_edits_by_the_arrow_and_streamed(bot: Showcase, ada: Visitor) -> None:
    await ada.say("Helo")
    await ada.box.press("ArrowUp")
    field = ada.page.get_by_label("Edit message")
    await expect(field).to_be_focused()
    await field.fill("Hello")
    await field.press("Enter")
    await expect(ada.message("Hello").locator(".edited")).to_have_text("(edited)")
    await expect(ada.box).to_be_focused()
    streamed = await bot.channel("general").send("It")
    for text in ("It was", "It was a dark", "It was a dark **night**"):
        await streamed.edit(content=text)
        await expect(ada.message(text.replace("*", ""))).to_be_visible()
    await expect(ada.message("It was a dark").locator("strong")).to_have_text("night")


async def test_deleting_needs_to_be_meant(ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    said = await ada.say("Forget this")
    await ben.message("Forget this").hover()
    await expect(ben.message("Forget this").get_by_role("button", name="Delete")).to_have_count(0)
    await ada.act(said, "Delete")
    await ada.dialog.get_by_role("button", name="Cancel").click()
    await expect(said).to_be_visible()
    await ada.act(said, "Delete")
    await ada.dialog.get_by_role("button", name="Delete").click()
    await expect(said).to_have_count(0)
    await expect(ben.message("Forget this")).to_have_count(0)


async def test_reactions(ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    said = await ada.say("Vote")
    await ada.act(said, "Add reaction")
    await ada.page.get_by_label("Search emoji").fill("tada")
    await ada.page.get_by_label("Search emoji").press("Enter")
    chip = ben.message("Vote").locator("[data-emoji='🎉']")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    await chip.click()
    mine = said.locator("[data-emoji='🎉']")
    await expect(mine).to_have_text("🎉2")
    await mine.click()
    await expect(chip).to_have_text("🎉1")
    await expect(chip).to_have_attribute("aria-pressed", "true")


async def test_files(bot: Showcase, ada: Visitor) -> None:
    picker = ada.page.locator("#composer input[type=file]")
    await picker.set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"a note"}
    )
    await expect(ada.page.locator(".file-chip")).to_contain_text("notes.txt")
    await ada.say("See the file")
    heard = await asyncio.wait_for(bot.heard.get(), 5)
    assert await heard.attachments[0].read() == b"a note"
    await expect(ada.message("See the file").locator(".file-preview")).to_have_text("a note")
    await expect(
        ada.message("See the file").get_by_role("link", name="notes.txt").first
    ).to_be_visible()


async def test_direct_messages(ada: Visitor, arrive: Arrive, fake: FakeDiscord) -> None:
    ben = await arrive("ben")
    await ada.page.locator(".member", has_text="Ben").click()
    await ada.dialog.get_by_role("button", name="Message").click()
    await expect(ada.box).to_have_attribute("placeholder", "Message @Ben")
    await ada.say("Between us")
    await expect(ben.page.locator(".server .badge")).to_have_text("1")
    await ben.page.get_by_role("button", name="Direct messages").click()
    await expect(ben.message("Between us")).to_be_visible()
    await expect(ben.page.locator(".server .badge")).to_have_count(0)
    await ben.button("Sample Server").click()
    await expect(ben.message("Between us")).to_have_count(0)


async def test_threads(ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    said = await ada.say("A long story")
    await ada.act(said, "Create thread")
    await ada.page.get_by_label("Thread name").fill("The story")
    await ada.page.get_by_label("Thread name").press("Enter")
    await expect(ada.page.locator("#header h1")).to_have_text("general › The story")
    await ada.say("Once upon a time")
    await ben.message("A long story").locator(".thread-card").click()
    await expect(ben.message("Once upon a time")).to_be_visible()
    await ben.page.go_back()
    await expect(ben.message("A long story")).to_be_visible()


async def test_typing_and_what_is_new(bot: Showcase, ada: Visitor, arrive: Arrive) -> None:
    ben = await arrive("ben")
    await ada.box.press_sequentially("h")
    await expect(ben.page.locator("#typing")).to_have_text("Ada is typing…")
    async with bot.channel("general").typing():
        await expect(ben.page.locator("#typing")).to_have_text("Ada and Understudy are typing…")
    await ada.box.press("Enter")
    await expect(ben.page.locator("#typing")).to_have_text("Understudy is typing…")
    await bot.channel("workshop").send(f"{bot.member('ada').mention} look")
    there = ada.page.locator("[data-channel]", has_text="workshop")
    await expect(there.locator(".badge")).to_have_text("1")
    await there.click()
    await expect(ada.page.locator(".divider.new")).to_be_visible()
    await expect(there.locator(".badge")).to_have_count(0)


async def test_being_someone_else(ada: Visitor) -> None:
    await ada.button("You are Ada. Be someone else").click()
    await ada.page.get_by_role("menuitemradio", name="Cleo").click()
    await expect(ada.button("You are Cleo. Be someone else")).to_be_visible()
    said = await ada.say("It is me, Cleo")
    await expect(said.locator(".author")).to_have_text("Cleo")


async def test_a_refusal_is_told_and_nothing_is_lost(ada: Visitor, fake: FakeDiscord) -> None:
    await fake.stop()
    await ada.box.fill("Into the void")
    await ada.box.press("Enter")
    await expect(ada.page.locator(".toast")).to_be_visible()
    await expect(ada.box).to_have_value("Into the void")
    await expect(ada.page.locator("#banner")).to_have_text("Connecting…")
    await fake.start()
    await expect(ada.page.locator("#banner")).to_be_hidden()
    await ada.box.press("Enter")
    await expect(ada.message("Into the void")).to_be_visible()
    ada.errors.clear()


async def test_older_messages_come_as_one_scrolls(bot: Showcase, arrive: Arrive) -> None:
    channel = bot.channel("general")
    for number in range(70):
        await channel.send(f"line {number:02}")
    ada = await arrive("ada")
    await expect(ada.message("line 69")).to_be_in_viewport()
    await expect(ada.message("line 10")).to_have_count(0)
    await ada.page.locator("#timeline").evaluate("box => box.scrollTo(0, 0)")
    await expect(ada.message("line 10")).to_be_attached()
    await expect(ada.message("line 20")).to_be_in_viewport()
    await bot.channel("general").send("line 70")
    await ada.button("Jump to present").click()
    await expect(ada.message("line 70")).to_be_in_viewport()
