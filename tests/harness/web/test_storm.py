"""The page while more is said than anybody could read."""

import asyncio

import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed")
from playwright.async_api import expect

from bot.harness import FakeDiscord
from bot.harness.conversation import Draft
from bot.harness.model import Message
from tests.waiting import until

from .visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST = 220
SHOWN = "() => [...document.querySelectorAll('#timeline .message')].map((e) => e.dataset.id)"
BOX = "document.getElementById('timeline')"


async def storm(fake: FakeDiscord, count: int, name: str = "storm") -> list[Message]:
    """Ben and Cleo say this many messages; some are changed, reacted to and deleted meanwhile."""
    world = fake.world
    channel = world.channels[int(fake.describe()["channel_id"])]
    people = [user for user in world.users.values() if user.name in ("ben", "cleo")]
    said: list[Message] = []
    for number in range(count):
        draft = Draft(content=f"{name} {number}.")
        said.append(world.conversation.say(channel, people[number // 3 % 2], draft))
        if number % 5 == 4:
            said[-3].content += " Changed."
            world.conversation.edited(said[-3])
        if number % 7 == 6:
            world.conversation.react(said[-2], people[0], "👍")
        if number % 11 == 10:
            world.conversation.delete(channel, [said.pop(-4)])
        if number % 20 == 0:
            await asyncio.sleep(0)
    return said


async def test_the_end_is_in_sight_and_the_page_stays_small(
    fake: FakeDiscord, ada: Visitor
) -> None:
    first = await ada.say("before the storm")
    await ada.box.focus()
    running = asyncio.create_task(storm(fake, 400))
    await ada.page.keyboard.type("still typing", delay=20)
    said = await running
    await expect(ada.message("storm 399.")).to_be_in_viewport()
    await expect(ada.box).to_have_value("still typing")
    await expect(ada.page.locator("#jump")).to_be_hidden()
    shown = await ada.page.evaluate(SHOWN)
    assert len(shown) < MOST
    assert shown == [str(message.id) for message in said[-len(shown) :]]
    await expect(ada.message(said[-3].content).last).to_be_visible()
    # The day is above the first that is left, and one is in the tab order.
    await expect(ada.page.locator("#timeline .divider")).to_have_count(1)
    await expect(ada.page.locator("#timeline .message[tabindex='0']")).to_have_count(1)
    await ada.shot("after-the-storm")
    # What was let go of is loaded again, down to the beginning.
    async with asyncio.timeout(30):
        while not await first.count():
            await ada.page.evaluate(f"{BOX}.scrollTop = 0")
    assert (await ada.page.evaluate(SHOWN))[1:] == [str(message.id) for message in said]


async def test_who_reads_further_up_is_left_in_peace(fake: FakeDiscord, ada: Visitor) -> None:
    await storm(fake, 150)
    await expect(ada.message("storm 149.")).to_be_in_viewport()
    # So little that the end is still near: all the same it is where one wants to be.
    await ada.page.evaluate(f"{BOX}.scrollTop -= 30")
    await ada.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
    place = await ada.page.evaluate(f"{BOX}.scrollTop")
    await storm(fake, 50, "later")
    await expect(ada.message("later 49.")).to_be_attached()
    assert await ada.page.evaluate(f"{BOX}.scrollTop") == place
    await ada.page.locator("#jump").click()
    await expect(ada.message("later 49.")).to_be_in_viewport()
    await storm(fake, 10, "last")
    await expect(ada.message("last 9.")).to_be_in_viewport()


async def test_an_edit_that_is_open_survives_a_storm(fake: FakeDiscord, ada: Visitor) -> None:
    mine = await ada.say("mine")
    number = int(await mine.get_attribute("data-id") or 0)
    await ada.act(mine, "Edit")
    editor = ada.page.get_by_label("Edit message")
    await editor.fill("mine, and chan")
    await storm(fake, 400)
    await expect(ada.message("storm 399.")).to_be_attached()
    await editor.press_sequentially("ged")
    await editor.press("Enter")
    # Not looked for on the page: the next of the storm may already have pushed it out there.
    channel = fake.world.channels[int(fake.describe()["channel_id"])]
    await until(lambda: channel.messages[number].content == "mine, and changed")


async def test_a_storm_in_a_channel_that_is_not_open(fake: FakeDiscord, ada: Visitor) -> None:
    await ada.page.locator("#channels").get_by_role("button", name="workshop").click()
    await expect(ada.page.locator("#timeline .messages")).to_be_attached()
    said = await storm(fake, 700)
    await ada.page.locator("#channels").get_by_role("button", name="general").click()
    await expect(ada.message("storm 699.")).to_be_in_viewport()
    shown = await ada.page.evaluate(SHOWN)
    assert len(shown) < MOST
    assert shown == [str(message.id) for message in said[-len(shown) :]]
