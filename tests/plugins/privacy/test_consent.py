"""The notice before anybody is recorded, and who objects or agrees."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bot.harness import FakeDiscord
from bot.harness.faults import Answer
from bot.store.installation import Installation
from tests.front.scene import scene
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    ENABLE,
    command,
    inputs,
    notices,
    office_of,
    press,
    settled,
    two_servers,
    watched,
)


async def test_people_are_told_once_before_they_are_recorded(tmp_path: Path) -> None:
    """In each channel, also after a restart; a thread is covered by its channel."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            first = await stage.ask(stage.ben, "one")
            assert len(notices(first)) == 1
            assert first[0] is notices(first)[0]
            assert "/privacy opt-out" in first[0].content
            assert "30 days" in first[0].content
            assert notices(await stage.ask(stage.ben, "two")) == []
            guild = next(iter(fake.world.guilds.values()))
            other = fake.world.add_channel(guild, "other")
            question = f"<@{stage.bot_id}> three"
            assert len(notices(await stage.say_in(str(other.id), stage.ben, question))) == 1
        async with watched(tmp_path, fake, enabled=False) as stage:
            assert notices(await stage.ask(stage.ben, "four")) == []
            thread = await stage.ben.object_of(
                "POST", f"/channels/{stage.channel_id}/threads", {"name": "t", "type": 11}
            )
            assert notices(await stage.say_in(thread["id"], stage.ben, question)) == []
            await settled(stage)
            assert len(inputs(stage)) == 5
            # The notice is no part of any conversation.
            assert not any("📝" in m.content for call in stage.model.calls for m in call.messages)


async def test_nobody_is_told_where_nothing_is_recorded(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake, enabled=False) as stage:
        assert notices(await stage.ask(stage.ben, "hi")) == []
        assert not (tmp_path / "guilds").exists()


async def test_without_a_notice_nothing_is_recorded_and_chat_goes_on(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        fake.faults.cause(Answer("POST /channels/*/messages", 403))
        (answer,) = await stage.ask(stage.ben, "untold words")
        assert answer.content == "hello"
        await settled(stage)
        assert inputs(stage) == []
        told = await command(stage, stage.ada, "show")
        assert "nobody was told there yet (1)" in told.content
        assert "could not be posted: 1" in told.content
        assert len(notices(await stage.ask(stage.ben, "told words"))) == 1
        await settled(stage)
        (recorded,) = inputs(stage)
        assert "told words" in recorded[-1]


async def test_who_opts_out_is_not_recorded_nor_quoted(tmp_path: Path) -> None:
    """Neither what they ask, nor what they say beside, nor what they are answered."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            answer = await command(stage, stage.ben, "opt-out")
            assert "not recorded here" in answer.content
            stage.model.text = "confidential answer"
            await stage.ask(stage.ben, "confidential question")
            status = (await stage.slash(stage.ada, "reasoning status")).content
            assert "every exchange is being kept, but for 1 that privacy left out" in status
            await stage.agent.let_go_of_idle(time.monotonic() + 3_600)
            status = (await stage.slash(stage.ada, "reasoning status")).content
            assert "but for 1 that privacy left out" in status, "also where it was quiet since"
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.ben.say(stage.channel_id, "confidential remark")
            await stage.ask(stage.people["cleo"], "public question")
            await settled(stage)
            (recorded,) = inputs(stage)
            assert recorded == ["[not recorded]"] * 3 + ["Cleo: public question"]
            assert "**not** recorded" in (await command(stage, stage.ben, "show")).content
            # The model was shown all of it.
            assert "confidential remark" in str(stage.model.calls[-1].messages)
            assert files_with(tmp_path, "confidential", "Ben") == []
            await command(stage, stage.ben, "opt-in")
            await stage.ask(stage.ben, "public again")
            await settled(stage)
            assert inputs(stage)[-1][-1] == "Ben: public again"


async def test_opting_out_everywhere_holds_for_worlds_seen_later(tmp_path: Path) -> None:
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    async with fake:
        async with watched(tmp_path, fake) as stage:
            await command(stage, stage.ben, "opt-out", where="everywhere")
        async with watched(tmp_path, fake, enabled=False) as stage:
            question = f"<@{stage.bot_id}> confidential"
            await stage.ask(stage.ben, "confidential")
            await stage.say_in(there, stage.ada, ENABLE)
            await stage.say_in(there, stage.ben, question)
            await stage.say_in(there, stage.ada, f"<@{stage.bot_id}> public")
            dm = await stage.ben.open_dm(stage.bot_id)
            await stage.say_in(dm["id"], stage.ben, ENABLE)
            await stage.say_in(dm["id"], stage.ben, "confidential")
            await settled(stage)
            assert files_with(tmp_path, "confidential") == []
            assert inputs(stage, second.id)[-1][-1] == "Ada: public"
            answer = await command(stage, stage.ben, "opt-in", (str(second.id), there))
            await press(stage.ben, answer, "Take it back")
            await stage.say_in(there, stage.ben, f"<@{stage.bot_id}> public at last")
            await settled(stage)
            assert inputs(stage, second.id)[-1][-1] == "Ben: public at last"


async def test_with_opt_in_only_those_are_recorded_who_pressed_the_button(tmp_path: Path) -> None:
    """The button works after a restart, and changing the mode tells everybody again."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            assert len(notices(await stage.ask(stage.ben, "still public"))) == 1
            refused = await command(stage, stage.ben, "mode", who="opt-in")
            assert "Manage Server" in refused.content
            await command(stage, stage.ada, "mode", who="opt-in")
            told, _ = await stage.ask(stage.ben, "confidential")
            assert "those who agree" in told.content
            await settled(stage)
            assert len(inputs(stage)) == 1
        async with watched(tmp_path, fake, enabled=False) as stage:
            seen = next(
                m for m in await stage.ben.history(stage.channel_id) if m["id"] == told.latest["id"]
            )
            cleo = stage.people["cleo"]
            answer = await cleo.answer_to(await cleo.click(seen, "Record me"))
            assert answer.ephemeral
            assert "agreed" in answer.content
            await stage.ben.answer_to(await stage.ben.click(seen, "No"))
            await stage.ask(stage.ben, "confidential, too")
            await stage.ask(cleo, "with consent")
            await settled(stage)
            _, recorded = inputs(stage)
            assert recorded[-1] == "Cleo: with consent"
            # Ben's question of before the change was answered while he was recorded.
            assert set(recorded[:-1]) == {"[not recorded]", "hello"}
            assert files_with(tmp_path, "confidential") == []


async def test_while_it_is_unknown_who_agreed_nothing_is_recorded(tmp_path: Path) -> None:
    """The state makes no sense: chat goes on, and the records are as they were."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            await stage.ask(stage.ben, "before")
            await settled(stage)
            path = tmp_path / "guilds" / f"{stage.guild_id}.sqlite3"
        with closing(sqlite3.connect(path)) as connection, connection:
            nonsense = json.dumps({"mode": "whatever"})
            connection.execute("INSERT INTO settings VALUES ('privacy', ?)", (nonsense,))
        async with watched(tmp_path, fake, enabled=False) as stage:
            (answer,) = await stage.ask(stage.ben, "confidential")
            assert answer.content == "hello"
            await settled(stage)
            assert files_with(tmp_path, "confidential") == []
            assert "makes no sense" in (await command(stage, stage.ben, "show")).content


async def test_an_opt_out_that_is_not_saved_counts_at_once_and_is_saved_later(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "before")
        await settled(stage)
        path = tmp_path / "guilds" / f"{stage.guild_id}.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("PRAGMA user_version = 99")
            answer = await command(stage, stage.ben, "opt-out")
            assert "not recorded here from now on" in answer.content
            assert "could not be saved yet" in answer.content
            assert "newer version" in answer.content
            connection.execute(f"PRAGMA user_version = {version}")
        await stage.ask(stage.ben, "confidential")
        await settled(stage)
        assert files_with(tmp_path, "confidential") == []
        await office_of(stage).round()
        found = await office_of(stage).records.agreements(office_of(stage).worlds()[0])
        assert found.consents == {int(stage.ben.id): False}


async def test_so_does_one_that_holds_everywhere(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "before")
        await settled(stage)
        file, aside = tmp_path / "installation.sqlite3", tmp_path / "aside"
        file.rename(aside)
        file.mkdir()
        answer = await command(stage, stage.ben, "opt-out", where="everywhere")
        assert "could not be saved yet" in answer.content
        await stage.ask(stage.ben, "confidential")
        await settled(stage)
        assert files_with(tmp_path, "confidential") == []
        file.rmdir()
        aside.rename(file)
        await office_of(stage).round()
        engine = office_of(stage).records._store.engine
        assert int(stage.ben.id) in Installation(tmp_path, engine).read().objections


async def test_commands_are_on_offer_in_direct_messages(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake, with_privacy=True) as stage:
        dm = await stage.ben.open_dm(stage.bot_id)
        place = (None, dm["id"])
        told = await command(stage, stage.ben, "show", place)
        assert "You are recorded here" in told.content
        told = await command(stage, stage.ben, "mode", place, who="opt-in")
        assert "there is only you" in told.content
        told = await command(stage, stage.ben, "retention", place, days="7")
        assert "7 days" in told.content
        for days in ("soon", "-1", "3651", "9" * 5_000):
            told = await command(stage, stage.ben, "retention", place, days=days)
            assert "Nothing was changed" in told.content
