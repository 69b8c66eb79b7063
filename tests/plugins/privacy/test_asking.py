"""People get their data and are forgotten, in every server and in direct messages."""

import asyncio
import json
import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli import main
from bot.harness import FakeDiscord
from bot.store.installation import Installation
from bot.store.records import World, WorldKind
from plugins.privacy import actions, office
from tests.front.scene import Scene
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    ENABLE,
    command,
    file_of,
    inputs,
    office_of,
    press,
    settled,
    two_servers,
    until,
    watched,
)


async def talk_everywhere(stage: Scene, there: str) -> str:
    """Ben and Cleo talk to the bot in two servers and Ben in direct messages; the DM's channel."""
    cleo = stage.people["cleo"]
    stage.model.text = "Ben's answer"
    await stage.ask(stage.ben, "Ben's question, “quoted” 🙂")
    stage.model.text = "Cleo's answer"
    await stage.ben.say(stage.channel_id, "Ben's remark")
    await stage.ask(cleo, "Cleo's question")
    await stage.say_in(there, stage.ada, ENABLE)
    await stage.ben.say(there, "Ben's other remark")
    await stage.say_in(there, cleo, f"<@{stage.bot_id}> Cleo's other question")
    dm: str = (await stage.ben.open_dm(stage.bot_id))["id"]
    await stage.say_in(dm, stage.ben, ENABLE)
    stage.model.text = "Ben's secret answer"
    await stage.say_in(dm, stage.ben, "Ben's secret")
    stage.model.text = "Cleo's answer"
    await settled(stage)
    return dm


OF_BEN = (
    *("Ben's question, “quoted” 🙂", "Ben's answer", "Ben's remark", "Ben's other remark"),
    *("Ben's secret", "Ben's secret answer"),
)
OF_CLEO = ("Cleo's question", "Cleo's other question", "Cleo's answer")


async def test_my_data_is_all_of_a_person_and_nothing_of_others(tmp_path: Path) -> None:
    fake, second = two_servers()
    async with fake, watched(tmp_path, fake) as stage:
        await talk_everywhere(stage, str(second.channel_ids[0]))
        answer = await command(stage, stage.ben, "my-data")
        assert "from 3 places" in answer.content
        data = await file_of(answer)
        assert set(data["worlds"]) == {
            *(f"guild:{stage.guild_id}", f"guild:{second.id}", f"dm:{stage.ben.id}")
        }
        for text in OF_BEN:
            assert text in str(data), text
        assert "Cleo" not in str(data)
        ada = await file_of(await command(stage, stage.ada, "my-data"))
        assert ada["installation"] == data["installation"]
        kept = [{kind for kind, rows in of.items() if rows} for of in ada["worlds"].values()]
        assert kept == [{"settings"}] * 2, "she switched it on, and said nothing else"
        assert {"key": "reasoning"} in ada["worlds"][f"guild:{second.id}"]["settings"]


async def test_what_discord_does_not_take_the_operator_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same, to the letter, whether the bot runs or not."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("STORE_KEY", raising=False)
    fake, second = two_servers()
    async with fake, watched(tmp_path, fake) as stage:
        await talk_everywhere(stage, str(second.channel_ids[0]))
        sent = await file_of(await command(stage, stage.ben, "my-data"))
        monkeypatch.setattr(actions, "MOST_BYTES", 100)
        answer = await command(stage, stage.ben, "my-data")
        found = re.search(r"`understudy (my-data --user \d+) -o my-data.zip`", answer.content)
        assert found is not None
        call = [*found[1].split(), "-o", str(tmp_path / "his.zip")]
        assert await asyncio.to_thread(main, call) == 0
    assert main(found[1].split()) == 0
    shown = capsys.readouterr()
    assert "entries from 3 places" in shown.err
    with zipfile.ZipFile(tmp_path / "his.zip") as archive:
        written = json.loads(archive.read("my-data.json"))
    for document in (written, json.loads(shown.out)):
        assert document | {"time": ""} == sent | {"time": ""}
    assert (tmp_path / "his.zip").stat().st_mode & 0o077 == 0


async def test_nobody_has_all_files_read_many_times_at_once(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        with office_of(stage).one_at_a_time(int(stage.ben.id)):
            refused = await command(stage, stage.ben, "my-data")
            assert "under way" in refused.content
            assert "all that is kept" in (await command(stage, stage.ada, "my-data")).content
        assert "all that is kept" in (await command(stage, stage.ben, "my-data")).content


async def test_forget_me_forgets_a_person_everywhere(tmp_path: Path) -> None:
    """Bystander quotes included, down to the bytes; others keep theirs; nothing comes back."""
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    async with fake:
        async with watched(tmp_path, fake) as stage:
            dm = await talk_everywhere(stage, there)
            for text in OF_BEN:
                assert files_with(tmp_path, text) != [], text
            question = await command(stage, stage.ben, "forget-me", (None, dm))
            assert files_with(tmp_path, "Ben's question") != []
            answer = await press(stage.ben, question, "Delete")
            assert "in 3 places" in answer.content
            receipt = await file_of(answer)
            assert receipt["failed"] == {}
            assert f"{sum(receipt['rows'].values())} rows" in answer.content
            assert receipt["rows"]["exchanges"] == 2
            assert "Ben" not in str(receipt)
            assert files_with(tmp_path, *OF_BEN, "Ben") == []
            for text in OF_CLEO:
                assert files_with(tmp_path, text) != [], text
            await stage.ask(stage.people["cleo"], "Cleo's new question")
            await settled(stage)
            assert files_with(tmp_path, *OF_BEN) == []
            assert inputs(stage)[-1][-1] == "Cleo: Cleo's new question"
        async with watched(tmp_path, fake, enabled=False) as stage:
            await stage.ask(stage.people["cleo"], "Cleo's last question")
            await stage.ask(stage.ben, "Ben's new question")
            await settled(stage)
            assert files_with(tmp_path, *OF_BEN) == []
            assert inputs(stage)[-1][-1] == "Ben: Ben's new question"


async def test_forgetting_can_go_with_opting_out(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "old words")
        question = await command(stage, stage.ben, "forget-me")
        await press(stage.ben, question, "Delete, and opt out everywhere")
        await stage.ask(stage.ben, "new words")
        await settled(stage)
        assert files_with(tmp_path, "old words", "new words") == []


async def test_a_call_that_began_before_is_not_recorded(tmp_path: Path) -> None:
    """Somebody is forgotten while the model still thinks about what they, and others, asked."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.people["cleo"], "first")
        forgetting: list[object] = []

        async def forget(_: object) -> None:
            forgetting.append(await office_of(stage).forget(int(stage.ben.id)))

        stage.model.before = forget
        await stage.ask(stage.ben, "Ben's words")
        await stage.ask(stage.people["cleo"], "second")
        await settled(stage)
        assert len(forgetting) == 2
        assert files_with(tmp_path, "Ben's words") == []
        assert inputs(stage)[-1][-1] == "Cleo: second"


async def test_what_could_not_be_forgotten_is_tried_again(tmp_path: Path) -> None:
    """A file cannot be used; the receipt says which and why; a later start makes up for it."""
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    path = tmp_path / "guilds" / f"{second.id}.sqlite3"
    aside = "5.sqlite3.damaged-20260101T000000Z"
    async with fake:
        async with watched(tmp_path, fake) as stage:
            await talk_everywhere(stage, there)
            (tmp_path / "guilds" / aside).touch()
            with closing(sqlite3.connect(path)) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute("PRAGMA user_version = 99")
            question = await command(stage, stage.ben, "forget-me")
            answer = await press(stage.ben, question, "Delete")
            assert "2 places could not be changed just now" in answer.content
            receipt = await file_of(answer)
            assert list(receipt["failed"]) == [f"guild:{second.id}", aside]
            assert "newer version" in receipt["failed"][f"guild:{second.id}"]
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        assert files_with(tmp_path, "Ben's other remark") != []
        async with watched(tmp_path, fake, enabled=False) as stage:
            await office_of(stage).catch_up()
            assert files_with(tmp_path, "Ben's other remark") == []
            assert files_with(tmp_path, "Cleo's other question") != []
            store = office_of(stage).records._store
            assert Installation(tmp_path, store.engine).read().owed == frozenset()


async def test_a_restored_backup_forgets_again(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    async with FakeDiscord() as fake:
        async with watched(data, fake) as stage:
            await stage.ask(stage.ben, "words from a backup")
            await settled(stage)
            path = data / "guilds" / f"{stage.guild_id}.sqlite3"
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("VACUUM INTO ?", (str(backup),))
            await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
        backup.replace(path)
        assert files_with(data, "words from a backup") != []
        async with watched(data, fake, enabled=False) as stage:
            await office_of(stage).night()
            assert files_with(data, "words from a backup") == []


async def test_what_nobody_rated_is_let_go_of_after_the_days_that_an_admin_set(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "old words")
        await settled(stage)
        path = tmp_path / "guilds" / f"{stage.guild_id}.sqlite3"
        with closing(sqlite3.connect(path)) as connection, connection:
            # As if it had been said long ago.
            connection.execute("UPDATE exchanges SET id = id - (? << 22)", (10 * office.DAY_MS,))
        await office_of(stage).night()
        assert files_with(tmp_path, "old words") != []
        refused = await command(stage, stage.ben, "retention", days="3")
        assert "Manage Server" in refused.content
        await command(stage, stage.ada, "retention", days="0")
        await office_of(stage).night()
        assert files_with(tmp_path, "old words") != []
        await command(stage, stage.ada, "retention", days="3")
        assert (await office_of(stage).night())["expired"] == 1
        assert files_with(tmp_path, "old words") == []
        (answer,) = [
            seen
            for seen in await stage.ask(stage.ben, "new words")
            if not seen.content.startswith("📝")
        ]
        assert answer.content == "hello"


async def test_the_records_of_a_server_that_the_bot_left_are_deleted_in_the_end(
    tmp_path: Path,
) -> None:
    fake, second = two_servers()
    there = str(second.channel_ids[0])
    world = World(WorldKind.GUILD, second.id)
    async with fake:
        async with watched(tmp_path, fake) as stage:
            await talk_everywhere(stage, there)
            path = tmp_path / "guilds" / f"{second.id}.sqlite3"
            the_office = office_of(stage)
            bot = fake.world.users[int(stage.bot_id)]
            fake.world.remove_member(second, bot.id)
            await until(lambda: second.id in the_office.absent)
            fake.world.add_bot(second)
            await until(lambda: second.id not in the_office.absent)
            fake.world.remove_member(second, bot.id)
            await until(lambda: second.id in the_office.absent)
            assert (await the_office.night())["worlds"] == 0
            assert path.exists()
        # Since long ago, and noticed again at the start.
        with closing(sqlite3.connect(tmp_path / "installation.sqlite3")) as connection, connection:
            connection.execute(
                "UPDATE departures SET timestamp = timestamp - ?", (31 * office.DAY_MS,)
            )
        async with watched(tmp_path, fake, enabled=False) as stage:
            the_office = office_of(stage)
            await until(lambda: second.id in the_office.absent)
            assert (await the_office.night())["worlds"] == 1
            assert world not in the_office.worlds()
            assert files_with(tmp_path, "Ben's other remark") == []
            assert files_with(tmp_path, "Ben's remark") != []
