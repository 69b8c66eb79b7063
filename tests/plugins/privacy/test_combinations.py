"""The promises of the privacy page where several things happen at once, or in odd order."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.agent.actions import ActionResult
from bot.harness import FakeDiscord, Person
from bot.harness.model import ChannelType
from bot.store.forgetting import Forgotten
from bot.store.installation import Installation
from bot.store.records import World, WorldKind
from plugins.privacy import office
from plugins.privacy.service import PLUGIN, PrivacyService
from tests.front import buttons
from tests.front.scene import Scene
from tests.front.test_housekeeping import heard, question
from tests.front.test_menus import opened, use
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    ENABLE,
    command,
    file_of,
    inputs,
    office_of,
    press,
    settled,
    watched,
)


async def suggest(person: Person, message: Any, text: str) -> str:  # noqa: ANN401
    """Suggest a better answer; what the person is told."""
    form = await opened(person, message)
    return (await person.answer_to(await person.submit_modal(form, {"better": text}))).content


def found(stage: Scene, query: str) -> list[Any]:
    """What a query finds in the first server's file."""
    with closing(sqlite3.connect(stage.data / f"guilds/{stage.guild_id}.sqlite3")) as connection:
        return connection.execute(query).fetchall()


async def test_what_who_opted_out_edits_is_not_recorded(tmp_path: Path) -> None:
    """The old text goes, the one in its place is not kept; also where the bot was down."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            first, second = [await question(stage, f"{n} version") for n in ("1st", "2nd")]
            await command(stage, stage.ben, "opt-out")
            await stage.ben.edit(first.latest, "confidential now")
            await heard(stage, tmp_path, "1st version", "confidential now")
            ben = stage.ben
        async with ben:
            await ben.edit(second.latest, "confidential later")
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, "2nd version")
            assert files_with(tmp_path, "confidential") == []


async def test_who_left_is_forgotten_whatever_is_kept_of_them(tmp_path: Path) -> None:
    """Also who did nothing but vote, correct an answer, or agree."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        guild = fake.world.guilds[int(stage.guild_id)]
        cleo = stage.people["cleo"]
        (_, answer) = await stage.ask(stage.ben, "a question")
        await cleo.react(answer.latest, "👍")
        assert "Thank you" in await suggest(cleo, answer.latest, "Cleo's better answer")
        await command(stage, cleo, "opt-in")
        await settled(stage)
        assert files_with(tmp_path, "Cleo's better answer") != []
        fake.world.remove_member(guild, int(cleo.id))
        await stage.client.housekeeping.sweep()
        assert files_with(tmp_path, "Cleo's better answer") == []
        for table in ("votes", "demonstrations", "consents"):
            rows = found(stage, f"SELECT user_id FROM {table}")  # noqa: S608 - our own names
            assert rows == [], table


async def test_a_receipt_does_not_tell_who_else_talks_with_the_bot(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        cleo = stage.people["cleo"]
        dm = await cleo.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], cleo, ENABLE)
        await stage.say_in(dm["id"], cleo, "a secret")
        await stage.ask(stage.ben, "hello")
        await settled(stage)
        path = tmp_path / "dms" / f"{cleo.id}.sqlite3"
        path.with_name(f"{path.name}.damaged-20260101T000000Z").touch()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
        answer = await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
        assert cleo.id not in str(await file_of(answer))
        assert cleo.id not in str(await file_of(await command(stage, stage.ben, "my-data")))
        answer = await press(cleo, await command(stage, cleo, "forget-me"), "Delete")
        assert str(await file_of(answer)).count(cleo.id) == 2


async def test_what_a_thread_began_with_is_followed_while_the_bot_is_down(tmp_path: Path) -> None:
    """It has the thread's id, and stands in the channel, or in the thread where that is a forum."""
    async with FakeDiscord() as fake:
        guild = next(iter(fake.world.guilds.values()))
        forum = fake.world.add_channel(guild, "forum", type=ChannelType.FORUM)
        async with watched(tmp_path, fake) as stage:
            started = []
            for text in ("deleted beginning", "edited beginning"):
                began = await stage.ben.say(stage.channel_id, text)
                thread = await stage.ben.object_of(
                    "POST",
                    f"/channels/{stage.channel_id}/messages/{began['id']}/threads",
                    {"name": "t"},
                )
                await stage.say_in(thread["id"], stage.ben, f"<@{stage.bot_id}> go on")
                started.append(began)
            post = {"name": "t", "message": {"content": "deleted post"}}
            place = await stage.ben.object_of("POST", f"/channels/{forum.id}/threads", post)
            await stage.say_in(place["id"], stage.ben, f"<@{stage.bot_id}> go on")
            started.append({"id": place["id"], "channel_id": place["id"]})
            await settled(stage)
            for text in ("deleted beginning", "edited beginning", "deleted post"):
                assert files_with(tmp_path, text) != [], text
            ben = stage.ben
        async with ben:
            await ben.delete(started[0])
            await ben.delete(started[2])
            await ben.edit(started[1], "another")
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, "deleted beginning", "edited beginning", "deleted post")
            assert "Ben: another" in inputs(stage)[1]


async def test_a_deleted_channel_takes_its_archived_threads_along(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        guild = next(iter(fake.world.guilds.values()))
        channel = fake.world.add_channel(guild, "short-lived")
        async with watched(tmp_path, fake) as stage:
            thread = await stage.ben.object_of(
                "POST", f"/channels/{channel.id}/threads", {"name": "t", "type": 11}
            )
            await stage.say_in(str(channel.id), stage.ben, f"<@{stage.bot_id}> in the channel")
            await stage.say_in(thread["id"], stage.ben, f"<@{stage.bot_id}> in the thread")
            await stage.ask(stage.ben, "in general")
            await settled(stage)
            await stage.ada.request("PATCH", f"/channels/{thread['id']}", {"archived": True})
        async with watched(tmp_path, fake, enabled=False) as stage:
            assert stage.client.get_channel(int(thread["id"])) is None
            await stage.client.housekeeping.catch_up()
            await stage.ada.request("DELETE", f"/channels/{channel.id}")
            await heard(stage, tmp_path, "in the channel", "in the thread")
            assert inputs(stage) == [["Ben: in general"]]


async def test_a_deleted_answer_takes_along_what_it_read_before(tmp_path: Path) -> None:
    """An answer that was made again in its place, and what was suggested instead of it."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        stage.model.text = "unwanted first answer"
        (_, answer) = await stage.ask(stage.ben, "a question")
        stage.model.text = "unwanted second answer"
        await use(stage.ben, answer.latest, "Regenerate")
        await buttons.shows(stage, stage.ben, answer.latest, "unwanted second answer", "🔁")
        await suggest(stage.people["cleo"], answer.latest, "unwanted second answer, Ben!")
        await settled(stage)
        assert len(files_with(tmp_path, "unwanted first", "unwanted second")) >= 2
        await stage.ada.delete(answer.latest)
        await heard(stage, tmp_path, "unwanted")


async def test_a_notice_that_is_out_of_date_when_it_is_posted_told_nobody(tmp_path: Path) -> None:
    """The mode changes in between: those who read the other notice are told again."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await command(stage, stage.ada, "mode", who="opt-in")
        async with stage.agent.runtime(World(WorldKind.GUILD, int(stage.guild_id))) as runtime:
            service = runtime.services[PLUGIN]
            assert isinstance(service, PrivacyService)

            class Slow:
                id = int(stage.channel_id)
                parent_id = None

                async def post(self, result: ActionResult) -> None:
                    assert "those who agree" in result.text
                    await command(stage, stage.ada, "mode", who="notice")

            await service.announce(Slow())
            assert service.rules.noticed == set()
        assert found(stage, "SELECT room_id FROM notices") == []
        told, _ = await stage.ask(stage.ben, "public")
        assert "those who agree" not in told.content


async def test_forgetting_goes_by_discord_s_clock_where_ours_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "now", lambda: time.time_ns() // 1_000_000 - 60_000)
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ben.say(stage.channel_id, "Ben's remark")
        await stage.ask(stage.people["cleo"], "Cleo's question")
        await settled(stage)
        assert files_with(tmp_path, "Ben's remark") != []
        await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
        await stage.ask(stage.people["cleo"], "another question")
        await settled(stage)
        assert files_with(tmp_path, "Ben's remark") == []


async def test_an_agreement_that_is_not_saved_yet_is_forgotten_too(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "before")
        await settled(stage)
        (world,) = office_of(stage).worlds()
        with closing(sqlite3.connect(tmp_path / f"guilds/{stage.guild_id}.sqlite3")) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("PRAGMA user_version = 99")
            await command(stage, stage.ben, "opt-in")
            await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
            connection.execute(f"PRAGMA user_version = {version}")
        await office_of(stage).round()
        await office_of(stage).catch_up()
        assert (await office_of(stage).records.agreements(world)).consents == {}
        assert files_with(tmp_path, "before") == []


async def test_who_asks_again_while_it_is_made_up_for_is_owed_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = World(WorldKind.GUILD, 1), World(WorldKind.GUILD, 2)
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        owing = office_of(stage)
        await owing.forget(9)

        async def forget(*_: object) -> Forgotten:
            await owing._note_owed(9, {one, other})
            return Forgotten()

        await owing._note_owed(9, {one})
        monkeypatch.setattr(owing, "_forget_in", forget)
        await owing.catch_up()
        standing = Installation(tmp_path, owing.records._store.engine).read()
        assert standing.owed == {(9, other)}


async def test_no_part_of_an_answer_that_is_not_recorded_is_kept_as_a_suggestion(
    tmp_path: Path,
) -> None:
    """The first of several messages has no buttons, which say to what it belongs."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        cleo = stage.people["cleo"]
        for text, kept in (("confidential", False), ("public", True)):
            stage.model.text = f"{text} word " * 300
            person = stage.ada if kept else stage.ben
            await command(stage, stage.ben, "opt-out")
            *_, first, _ = await stage.ask(person, "a long answer, please")
            told = await suggest(cleo, first.latest, f"a {text} suggestion")
            assert ("Thank you" in told) is kept
        await settled(stage)
        assert files_with(tmp_path, "confidential") == []
        assert files_with(tmp_path, "a public suggestion") != []


async def test_a_message_that_is_pinned_or_begins_a_thread_is_not_edited(tmp_path: Path) -> None:
    """Discord tells of both as of an edit: what is kept of it stays, the file's text included."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "see the file", files={"a.txt": b"what the file says"})
        (said,) = [m for m in stage.ben.log.messages.values() if "see the" in m.content]
        await command(stage, stage.ben, "opt-out")
        path, number = f"/channels/{stage.channel_id}", said.latest["id"]
        await stage.ada.request("PUT", f"{path}/messages/pins/{number}")
        await stage.ada.request("POST", f"{path}/messages/{number}/threads", {"name": "t"})
        # What the bot is told comes in order: with this it has heard of the rest.
        dm = await stage.ada.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], stage.ada, "hello")
        await settled(stage)
        assert "what the file says" in str(found(stage, "SELECT input FROM training_data"))


async def test_what_was_asked_by_a_command_is_not_taken_for_deleted(tmp_path: Path) -> None:
    """It stands in no message; its answer does, and goes with that."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            await stage.ask(stage.ben, "hello")
            await stage.slash(stage.ben, "ask", question="asked by a command")
            await settled(stage)
            assert inputs(stage)[-1] == ["Ben: asked by a command"]
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.client.housekeeping.catch_up()
            await settled(stage)
            assert inputs(stage)[-1] == ["Ben: asked by a command"]


async def test_what_was_asked_by_a_command_goes_with_its_answer(tmp_path: Path) -> None:
    """Also where it was given before the start, or deleted while the bot was down; no other."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            await stage.ask(stage.ben, "typed, and not deleted")
            answers = []
            for which in ("before", "meanwhile"):
                stage.model.text = f"{which} the start " * 150
                answers.append(await stage.slash(stage.ben, "ask", question=f"asked {which} it"))
            stage.model.text = "to what is typed"
            *_, typed = await stage.ask(stage.ben, "typed again")
            await settled(stage)
            assert files_with(tmp_path, "asked before it", "asked meanwhile it") != []
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.ada.delete(typed.latest)
            await stage.ada.delete(answers[0].latest)
            await heard(stage, tmp_path, "asked before it", "before the start", "to what is typed")
            stage.model.text = "after the start"
            answer = await stage.slash(stage.ben, "ask", question="asked after it")
            await stage.ada.delete(answer.latest)
            await heard(stage, tmp_path, "asked after it", "after the start")
            ada = stage.ada
        async with ada:
            await ada.delete(answers[1].latest)
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, "asked meanwhile it", "meanwhile the start")
            assert inputs(stage)[0] == ["Ben: typed, and not deleted"]
            assert files_with(tmp_path, "typed again") != []


async def test_an_edit_counts_once(tmp_path: Path) -> None:
    """Discord tells it again, with its time, when the message is pinned: it is the same edit."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "the first version")
        (said,) = [m for m in stage.ben.log.messages.values() if "the first" in m.content]
        await stage.ben.edit(said.latest, f"<@{stage.bot_id}> the second version")
        await heard(stage, tmp_path, "the first version")
        await command(stage, stage.ben, "opt-out")
        await pinned(stage, said.latest["id"])
        assert inputs(stage) == [["Ben: the second version"]]
        await stage.ben.edit(said.latest, f"<@{stage.bot_id}> the third version")
        await heard(stage, tmp_path, "the second version")
        assert files_with(tmp_path, "the third version") == []


async def pinned(stage: Scene, message_id: str) -> None:
    """Ada pins a message, and the bot has heard of it."""
    await stage.ada.request("PUT", f"/channels/{stage.channel_id}/messages/pins/{message_id}")
    # What the bot is told comes in order.
    dm = await stage.ada.open_dm(stage.bot_id)
    await stage.say_in(dm["id"], stage.ada, "hello")
    await settled(stage)
