"""The dashboard in Discord, votes end to end, and what a person is told when a command breaks."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bot.front.panel import panel as panel_module
from bot.harness import FakeDiscord
from bot.harness.faults import Answer
from bot.harness.model import Overwrite, OverwriteType
from bot.harness.permissions import Permission
from bot.store.problems import StoreError
from tests.front.buttons import told
from tests.front.scene import Scene, scene
from tests.front.test_bad_days import Writing, ask_and_see_the_beginning


async def test_typed_and_as_a_command_it_has_the_picture(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.ask(stage.ben, "hi")
        (typed,) = await stage.say(stage.ben, "check reasoning status")
        slashed = await stage.slash(stage.ben, "reasoning status")
        for answer in (typed, slashed):
            assert "Records collected: 1" in answer.content
            assert "Last 24 hours: 1 exchange" in answer.content
            (file,) = answer.latest["attachments"]
            assert file["filename"] == "last-24-hours.png"
            assert "Last 24 hours: 1 exchange" in file["description"]


async def test_where_files_are_not_allowed_the_text_is_all(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.ask(stage.ben, "hi")
        fake.world.set_overwrite(
            fake.world.channels[int(stage.channel_id)],
            Overwrite(fake.world.bot.id, OverwriteType.MEMBER, 0, int(Permission.ATTACH_FILES)),
        )
        await stage.client.wait_for("guild_channel_update", timeout=5)
        (typed,) = await stage.say(stage.ben, "check reasoning status")
        slashed = await stage.slash(stage.ben, "reasoning status")
        for answer in (typed, slashed):
            assert "Last 24 hours: 1 exchange" in answer.content
            assert not answer.latest["attachments"]


async def test_a_vote_before_the_record_is_written_counts(tmp_path: Path) -> None:
    """By a reaction on an answer that is still being made, and by a button once it is whole."""
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "one two")
        (growing,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        await stage.ben.react(growing.latest, "👎")
        await shown(stage, "collected: 0")
        writing.go_on.set()
        await stage.handled.wait(int(question))
        await shown(stage, "Feedback: 👍 0 · 👎 1")
        after = stage.ben.log.messages[growing.latest["id"]].latest
        await told(stage.ada, after, "👍")
        await told(stage.ben, after, "👍")
        await shown(stage, "Feedback: 👍 2 · 👎 0")
        await stage.ben.unreact(after, "👎")
        await shown(stage, "Feedback: 👍 2 · 👎 0")
    (row,) = stage.rows()
    assert (row["thumbs_up"], row["thumbs_down"]) == (2, 0)


async def test_votes_of_bots_do_not_count(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        (answer,) = await stage.ask(stage.ben, "hi")
        channel = stage.client.get_partial_messageable(int(stage.channel_id))
        await channel.get_partial_message(int(answer.latest["id"])).add_reaction("👍")
        await stage.ben.react(answer.latest, "👎")
        await shown(stage, "Feedback: 👍 0 · 👎 1")


async def shown(stage: Scene, words: str) -> None:
    """Wait until the status has these words in it."""
    async with asyncio.timeout(10):
        while words not in (await stage.slash(stage.ada, "reasoning status")).content:
            pass


async def test_a_command_that_breaks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path) as stage:

        async def broken(*_: object, **__: object) -> None:
            raise StoreError("/secret/path: it is damaged.", "The file of records: it is damaged.")

        monkeypatch.setattr(panel_module, "read_state", broken)
        answer = await stage.slash(stage.ada, "agent settings")
        assert answer.ephemeral
        assert "cannot be used at present. The file of records" in answer.content

        async def bug(*_: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(panel_module, "read_state", bug)
        answer = await stage.slash(stage.ada, "agent settings")
        assert "did not work" in answer.content
        reference = answer.content.split("`")[1]
        assert any(reference in record.getMessage() for record in caplog.records)


async def test_a_command_whose_interaction_expired_breaks_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        for command in ("agent settings", "records list", "agent check"):
            stage.fake.faults.cause(Answer("POST /interactions/*/*/callback", 404))
            await stage.ada.slash(stage.guild_id, stage.channel_id, command)
            assert (await stage.slash(stage.ada, command)).latest


def test_starting_does_not_import_what_only_draws() -> None:
    code = "import sys, bot.compose; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
