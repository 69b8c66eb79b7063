"""What happens in Discord happens to the records, also while the bot was down."""

from pathlib import Path

from bot.front.absences import PAGE
from bot.harness import FakeDiscord, SeenMessage
from bot.harness.faults import Answer
from bot.harness.model import Overwrite, OverwriteType
from bot.harness.permissions import Permission
from tests.front.scene import Scene
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    ENABLE,
    inputs,
    notices,
    office_of,
    settled,
    two_servers,
    watched,
)


async def heard(stage: Scene, data: Path, *texts: str) -> None:
    """Wait until these texts are in no file any more, with the office doing its rounds."""

    async def gone() -> bool:
        await office_of(stage).round()
        await settled(stage)
        return files_with(data, *texts) == []

    while not await gone():
        await stage.ada.type(stage.channel_id)


async def question(stage: Scene, text: str) -> SeenMessage:
    """Ben asks this; his message."""
    await stage.ask(stage.ben, text)
    (said,) = [m for m in stage.ben.log.messages.values() if m.content.endswith(text)]
    return said


async def test_deletions_and_edits_reach_the_bytes_of_the_file(tmp_path: Path) -> None:
    """One message, many at once, an edit, and an answer of the bot's."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        first, second, third, fourth = [
            await question(stage, f"{number} question") for number in ("1st", "2nd", "3rd", "4th")
        ]
        stage.model.text = "unwanted answer"
        (answer,) = await stage.ask(stage.ben, "5th question")
        await settled(stage)
        assert files_with(tmp_path, "1st question") != []
        await stage.ben.delete(first.latest)
        await heard(stage, tmp_path, "1st question")
        await stage.ada.request(
            "POST",
            f"/channels/{stage.channel_id}/messages/bulk-delete",
            {"messages": [second.latest["id"], third.latest["id"]]},
        )
        await heard(stage, tmp_path, "2nd question", "3rd question")
        await stage.ben.edit(fourth.latest, f"<@{stage.bot_id}> corrected question")
        await heard(stage, tmp_path, "4th question")
        await stage.ada.delete(answer.latest)
        await heard(stage, tmp_path, "unwanted answer")
        assert files_with(tmp_path, "corrected question") != []
        assert files_with(tmp_path, "5th question") != []


async def test_a_deleted_channel_or_thread_takes_its_records_along(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        guild = next(iter(fake.world.guilds.values()))
        channel = fake.world.add_channel(guild, "short-lived")
        await stage.say_in(str(channel.id), stage.ben, f"<@{stage.bot_id}> in the channel")
        thread = await stage.ben.object_of(
            "POST", f"/channels/{stage.channel_id}/threads", {"name": "t", "type": 11}
        )
        await stage.say_in(thread["id"], stage.ben, f"<@{stage.bot_id}> in the thread")
        await stage.ask(stage.ben, "in general")
        await settled(stage)
        assert len(inputs(stage)) == 3
        await stage.ada.request("DELETE", f"/channels/{channel.id}")
        await heard(stage, tmp_path, "in the channel")
        await stage.ada.request("DELETE", f"/channels/{thread['id']}")
        await heard(stage, tmp_path, "in the thread")
        assert inputs(stage) == [["Ben: in general"]]


async def test_what_happened_while_the_bot_was_down_is_followed(tmp_path: Path) -> None:
    """Deletions and edits in old and new stretches of a channel, in a DM; a channel gone."""
    async with FakeDiscord() as fake:
        guild = next(iter(fake.world.guilds.values()))
        channel = fake.world.add_channel(guild, "short-lived")
        async with watched(tmp_path, fake) as stage:
            old = await question(stage, "old and deleted")
            edited = await question(stage, "first version")
            for number in range(PAGE + 10):
                await stage.ada.say(stage.channel_id, f"chatter {number}")
            new = await question(stage, "new and deleted")
            await question(stage, "never touched")
            await stage.say_in(str(channel.id), stage.ben, f"<@{stage.bot_id}> in the channel")
            dm = await stage.ben.open_dm(stage.bot_id)
            await stage.say_in(dm["id"], stage.ben, ENABLE)
            await stage.say_in(dm["id"], stage.ben, "secret and deleted")
            (secret,) = [
                m for m in stage.ben.log.messages.values() if m.content == "secret and deleted"
            ]
            await settled(stage)
            ben = stage.ben
            bot_id = stage.bot_id
        async with ben:
            for message in (old, new, secret):
                await ben.delete(message.latest)
            await ben.edit(edited.latest, f"<@{bot_id}> second version")
        fake.world.remove_channel(channel)
        gone = ("old and deleted", "new and deleted", "first version", "in the channel")
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, *gone, "secret and deleted")
            assert files_with(tmp_path, "second version") != []
            assert files_with(tmp_path, "never touched") != []


async def test_what_cannot_be_seen_is_not_taken_for_deleted(tmp_path: Path) -> None:
    """A history that may not be read is empty; errors say nothing, nor does an archived thread."""
    there = [["Ben: still there"], ["Ben: in an archived thread"]]
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            await question(stage, "still there")
            thread = await stage.ben.object_of(
                "POST", f"/channels/{stage.channel_id}/threads", {"name": "t", "type": 11}
            )
            await stage.say_in(thread["id"], stage.ben, f"<@{stage.bot_id}> in an archived thread")
            await stage.ada.request("PATCH", f"/channels/{thread['id']}", {"archived": True})
            place = fake.world.channels[int(stage.channel_id)]
            bot = int(stage.bot_id)
        fake.world.set_overwrite(
            place, Overwrite(bot, OverwriteType.MEMBER, 0, int(Permission.READ_MESSAGE_HISTORY))
        )
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.client.housekeeping.catch_up()
            await settled(stage)
            assert inputs(stage) == there
        fake.world.remove_overwrite(place, bot)
        fake.faults.cause(Answer("GET /channels/*", 403, times=50))
        async with watched(tmp_path, fake, enabled=False) as stage:
            assert stage.client.get_channel(int(thread["id"])) is None
            await stage.client.housekeeping.catch_up()
            await stage.client.housekeeping.sweep()
            await settled(stage)
            assert inputs(stage) == there


async def test_who_left_or_was_banned_is_forgotten_there_at_the_next_sweep(tmp_path: Path) -> None:
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    async with fake, watched(tmp_path, fake) as stage:
        guild = fake.world.guilds[int(stage.guild_id)]
        cleo = stage.people["cleo"]
        await stage.say_in(there, stage.ada, ENABLE)
        for channel, words in ((stage.channel_id, "first server"), (there, "second server")):
            for person, name in ((stage.ben, "Ben"), (cleo, "Cleo")):
                await stage.say_in(channel, person, f"<@{stage.bot_id}> {name} in the {words}")
        await settled(stage)
        fake.world.remove_member(guild, int(stage.ben.id))
        await stage.ada.request("PUT", f"/guilds/{second.id}/bans/{cleo.id}", {})
        fake.faults.cause(Answer("GET /guilds/*/members/*", 503, times=20))
        await stage.client.housekeeping.sweep()
        assert files_with(tmp_path, "Ben in the first server") != []
        fake.faults.clear()
        await stage.client.housekeeping.sweep()
        assert files_with(tmp_path, "Ben in the first server", "Cleo in the second server") == []
        assert files_with(tmp_path, "Ben in the second server") != []
        assert files_with(tmp_path, "Cleo in the first server") != []


async def test_housekeeping_does_not_delay_chat(tmp_path: Path) -> None:
    """While it cannot get on at all, people are answered."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            await question(stage, "hello there")
            await settled(stage)
        async with watched(tmp_path, fake, enabled=False) as stage:
            stage.client.housekeeping._pause_seconds = 3600
            answers = await stage.ask(stage.ben, "are you busy?")
            assert notices(answers) == []
            assert [answer.content for answer in answers] == ["hello"]
