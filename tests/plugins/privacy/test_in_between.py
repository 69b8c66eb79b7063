"""What people say while an answer is being made, and what happens in Discord while nobody looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.agent.models import ModelRequest
from bot.front.panel.history import changes_page
from bot.harness import FakeDiscord, Person
from bot.harness.faults import Drop, InvalidSession
from bot.harness.model import ChannelType
from bot.store.records import World, WorldKind
from tests.front.scene import Scene
from tests.front.test_housekeeping import heard, question
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    ENABLE,
    command,
    inputs,
    office_of,
    press,
    settled,
    two_servers,
    until,
    watched,
)


@asynccontextmanager
async def answering(stage: Scene, person: Person, channel_id: str, text: str) -> AsyncIterator[str]:
    """The id of a question of this person's, of whose answer the first half streams meanwhile."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def half(request: ModelRequest) -> None:
        if request.stream is not None:
            request.stream.write("the first half, ")
        begun.set()
        await go_on.wait()

    stage.model.before = half
    said = await person.say(channel_id, f"<@{stage.bot_id}> {text}")
    async with asyncio.timeout(20):
        await begun.wait()
        stage.model.before = None
        yield said["id"]
        go_on.set()
        await stage.handled.wait(int(said["id"]))


@pytest.mark.parametrize("words", ["opt-out", "opt-out everywhere", "mode", "forget-me"])
async def test_what_is_said_while_an_answer_streams_counts_for_it(
    tmp_path: Path, words: str
) -> None:
    """It is not recorded, nor quoted with what others ask after that, also after a restart."""
    secrets = ("Ben's question", "the first half", "the second half")
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            cleo = stage.people["cleo"]
            await stage.ask(cleo, "hello")
            if words == "mode":
                await command(stage, cleo, "opt-in")
            stage.model.text = "the second half"
            async with answering(stage, stage.ben, stage.channel_id, "Ben's question"):
                if words == "mode":
                    await command(stage, stage.ada, "mode", who="opt-in")
                elif words == "forget-me":
                    await press(stage.ben, await command(stage, stage.ben, words), "Delete")
                elif words == "opt-out":
                    await command(stage, stage.ben, words)
                else:
                    await command(stage, stage.ben, "opt-out", where="everywhere")
            stage.model.text = "hello"
            await stage.ask(cleo, "what do you think?")
            await settled(stage)
            assert files_with(tmp_path, *secrets) == []
            assert inputs(stage)[-1][-1] == "Cleo: what do you think?"
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.ask(stage.people["cleo"], "and now?")
            await settled(stage)
            assert inputs(stage)[-1][-1] == "Cleo: and now?"
            assert files_with(tmp_path, *secrets) == []


async def test_a_thread_is_gone_with_its_channel_while_its_first_answer_is_made(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        guild = next(iter(fake.world.guilds.values()))
        channel = fake.world.add_channel(guild, "short-lived")
        await stage.say_in(str(channel.id), stage.ben, f"<@{stage.bot_id}> in the channel")
        thread = await stage.ben.object_of(
            "POST", f"/channels/{channel.id}/threads", {"name": "t", "type": 11}
        )
        async with answering(stage, stage.ben, thread["id"], "in the thread"):
            await stage.ada.request("DELETE", f"/channels/{channel.id}")
            await until(lambda: stage.client.get_channel(channel.id) is None)
        await stage.ask(stage.ben, "in general")
        await heard(stage, tmp_path, "in the channel", "in the thread", "the first half")
        assert inputs(stage) == [["Ben: in general"]]


async def test_a_deletion_in_direct_messages_is_followed_right_after_a_start(
    tmp_path: Path,
) -> None:
    """The channel is not known any more then."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            dm = await stage.ben.open_dm(stage.bot_id)
            await stage.say_in(dm["id"], stage.ben, ENABLE)
            await stage.say_in(dm["id"], stage.ben, "a secret question")
            (said,) = [m for m in stage.ben.log.messages.values() if "a secret" in m.content]
            stage.model.text = "to a command"
            sent = await stage.ben.slash(None, dm["id"], "ask", question="a secret command")
            answer = await stage.ben.answer_to(sent)
            await settled(stage)
            assert files_with(tmp_path, "a secret question") != []
            assert files_with(tmp_path, "a secret command") != []
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.client.housekeeping.catch_up()
            await stage.ben.delete(said.latest)
            await heard(stage, tmp_path, "a secret question")
            await stage.ada.type(stage.channel_id)
            channel = fake.world.channels[int(dm["id"])]
            message = channel.messages[int(answer.latest["id"])]
            fake.world.conversation.delete(channel, [message])
            await heard(stage, tmp_path, "a secret command", "to a command")


async def test_more_that_happened_while_the_bot_was_down_is_followed(tmp_path: Path) -> None:
    """Many messages at once, a thread, a forum's post and a forum; others keep theirs."""
    async with FakeDiscord() as fake:
        guild = next(iter(fake.world.guilds.values()))
        forums = [
            fake.world.add_channel(guild, name, type=ChannelType.FORUM) for name in ("one", "two")
        ]
        async with watched(tmp_path, fake) as stage:
            for number in range(4):
                await stage.ask(stage.ben, f"question {number}")
            places = []
            for place, body in (
                (stage.channel_id, {"name": "t", "type": 11}),
                (forums[0].id, {"name": "t", "message": {"content": "post one"}}),
                (forums[1].id, {"name": "t", "message": {"content": "post two"}}),
            ):
                thread = await stage.ben.object_of("POST", f"/channels/{place}/threads", body)
                places.append(thread["id"])
                await stage.say_in(
                    thread["id"], stage.ben, f"<@{stage.bot_id}> in place {len(places)}"
                )
            await settled(stage)
            many = [
                m.latest["id"]
                for m in stage.ben.log.messages.values()
                if m.content.endswith(("question 0", "question 1", "question 2"))
            ]
            ada = stage.ada
            channel_id = stage.channel_id
        gone = (
            *(f"question {n}" for n in range(3)),
            "place 1",
            "place 2",
            "place 3",
            "post one",
            "post two",
        )
        for text in gone:
            assert files_with(tmp_path, text) != [], text
        async with ada:
            path = f"/channels/{channel_id}/messages/bulk-delete"
            await ada.request("POST", path, {"messages": many})
            for place in (*places[:2], forums[1].id):
                await ada.request("DELETE", f"/channels/{place}")
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, *gone)
            assert files_with(tmp_path, "question 3") != []


async def test_who_was_banned_or_left_and_a_server_that_was_left_while_the_bot_was_down(
    tmp_path: Path,
) -> None:
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    async with fake:
        async with watched(tmp_path, fake) as stage:
            cleo = stage.people["cleo"]
            await stage.say_in(there, stage.ada, ENABLE)
            for channel, words in ((stage.channel_id, "first"), (there, "second")):
                for person in (stage.ben, cleo):
                    text = f"{person.name} in the {words}"
                    await stage.say_in(channel, person, f"<@{stage.bot_id}> {text}")
            await settled(stage)
            guild = fake.world.guilds[int(stage.guild_id)]
            ada, bot_id = stage.ada, int(stage.bot_id)
        async with ada:
            await ada.request("PUT", f"/guilds/{guild.id}/bans/{cleo.id}", {})
        fake.world.remove_member(guild, int(stage.ben.id))
        fake.world.remove_member(second, bot_id)
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.client.housekeeping.catch_up()
            assert [*office_of(stage).absent] == [second.id]
            assert files_with(tmp_path, "ben in the first") != []
            await stage.client.housekeeping.sweep()
            assert files_with(tmp_path, "ben in the first", "cleo in the first") == []
            assert files_with(tmp_path, "ben in the second") != []
            fake.world.add_member(second, fake.world.users[bot_id])
            await until(lambda: not office_of(stage).absent)
            await stage.client.housekeeping.sweep()
            assert files_with(tmp_path, "ben in the second") != []


async def test_of_an_admin_who_was_forgotten_the_settings_say_so(tmp_path: Path) -> None:
    """Also where a setting is changed after that."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            world = World(WorldKind.GUILD, int(stage.guild_id))
            await stage.client.book.change(world, int(stage.ada.id), name="Ned")
            await press(stage.ada, await command(stage, stage.ada, "forget-me"), "Delete")
            await stage.client.book.change(world, int(stage.ben.id), name="Nell")
            assert files_with(tmp_path / "guilds", stage.ada.id) == []
            changes = changes_page(await stage.client.book.audit(world))
            assert "somebody who was forgotten name: the usual → `Ned`" in changes
            assert f"<@{stage.ben.id}> name: `Ned` → `Nell`" in changes
        async with watched(tmp_path, fake, enabled=False) as stage:
            status = await stage.slash(stage.ada, "reasoning status")
            assert "by somebody who was forgotten" in str(status.latest)


@pytest.mark.parametrize("fault", [Drop(), InvalidSession()])
async def test_what_happened_while_the_connection_was_lost_is_followed(
    tmp_path: Path, fault: Drop | InvalidSession
) -> None:
    """Discord tells it again where it resumes the connection; else it is looked up."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.client.housekeeping.catch_up()
        messages = [await question(stage, text) for text in ("1st words", "2nd words")]
        command_answer = await stage.slash(stage.ben, "ask", question="3rd words")
        stage.model.text = "the 4th words"
        *_, answer = await stage.ask(stage.ben, "something")
        await settled(stage)
        fake.faults.cause(fault)
        await stage.ben.delete(messages[0].latest)
        await stage.ben.edit(messages[1].latest, f"<@{stage.bot_id}> other words")
        await stage.ada.delete(command_answer.latest)
        await stage.ada.delete(answer.latest)
        await heard(stage, tmp_path, "1st words", "2nd words", "3rd words", "4th words")
        assert files_with(tmp_path, "other words") != []


async def test_an_answer_that_is_deleted_while_it_streams_is_not_kept(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.people["cleo"], "hello")
        stage.model.text = "the second half"
        async with answering(stage, stage.ben, stage.channel_id, "a question"):
            shown = [m for m in stage.ada.log.messages.values() if "first half" in m.content]
            while not shown:
                await stage.ada.type(stage.channel_id)
                shown = [m for m in stage.ada.log.messages.values() if "first half" in m.content]
            await stage.ada.delete(shown[0].latest)
        await settled(stage)
        assert files_with(tmp_path, "the first half", "the second half") == []
        assert inputs(stage)[-1][-1] == "Ben: a question"
