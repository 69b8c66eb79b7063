"""The group /records: looking through what is recorded."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.agent.models import ModelError
from bot.front import records_browser, records_commands
from bot.harness import FakeDiscord, Person, Refused
from bot.harness.eventlog import SeenMessage
from tests.front.scene import Scene, scene


async def recorded(stage: Scene, *texts: str, by: Person | None = None) -> None:
    await stage.say(stage.ada, "enable custom reasoning")
    for text in texts:
        await stage.ask(by or stage.ben, text)


def listed(answer: SeenMessage | Any) -> str:  # noqa: ANN401
    latest = answer.latest if isinstance(answer, SeenMessage) else answer
    return str(latest["embeds"][0]["description"])


def questions(text: str) -> list[str]:
    return [line[3:].split(" → ")[0] for line in text.splitlines() if line.startswith("-# ")]


async def test_pages_of_ten_that_new_exchanges_do_not_move(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, *(f"number {number}" for number in range(13)))
        answer = await stage.slash(stage.ada, "records list")
        assert answer.ephemeral
        assert questions(listed(answer)) == [f"number {n}" for n in range(12, 2, -1)]
        since = stage.ada.mark()
        await stage.ask(stage.ben, "meanwhile")
        await stage.ada.click(answer.latest, "Older")
        event = await stage.ada.wait_for(
            lambda e: e.name == "MESSAGE_UPDATE" and e.data["id"] == answer.latest["id"],
            since=since,
        )
        assert questions(listed(event.data)) == ["number 2", "number 1", "number 0"]
        disabled = {
            c["label"]: c.get("disabled") for c in event.data["components"][0]["components"]
        }
        assert disabled == {"Newer": False, "Older": True}


async def test_only_what_fits_is_listed(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "by ben")
        (answer,) = await stage.ask(stage.people["cleo"], "by cleo")
        await stage.ben.react(answer.latest, "👎")
        only = await stage.slash(stage.ada, "records list", person=stage.ben.id)
        assert questions(listed(only)) == ["by ben"]
        async with asyncio.timeout(5):
            while True:
                down = await stage.slash(stage.ada, "records list", feedback="down")
                if questions(listed(down)) == ["by cleo"]:
                    break
        assert "👎1" in listed(down)
        here = await stage.slash(stage.ada, "records list", channel=stage.channel_id)
        assert len(questions(listed(here))) == 2
        none = await stage.slash(stage.ada, "records list", feedback="up")
        assert "No exchange fits" in listed(none)


async def test_one_is_found_by_a_word_and_shown(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "do you like *cats*?", "and dogs?")
        guild, channel = stage.guild_id, stage.channel_id
        choices = await stage.ada.autocomplete(
            guild, channel, "records show", "exchange", exchange="CATS"
        )
        assert [choice["name"].split(": ")[1] for choice in choices] == ["do you like *cats*?"]
        answer = await stage.slash(stage.ada, "records show", exchange=choices[0]["value"])
        assert answer.ephemeral
        for words in ("> do you like *cats*?", "> hello", "`scripted`", "👍 0"):
            assert words in answer.content
        for unknown in ("12", "abc", "9" * 30, "-1"):
            answer = await stage.slash(stage.ada, "records show", exchange=unknown)
            assert "no exchange with this id" in answer.content


async def test_one_is_deleted_also_where_nothing_was_posted(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "kept", "deleted")
        stage.model.fails_with = ModelError("down")
        await stage.ask(stage.ben, "failed")
        ids = {row["input"].split(": ")[-1].split('"')[0]: row["id"] for row in await rows(stage)}
        for name in ("deleted", "failed"):
            found = next(i for text, i in ids.items() if name in text)
            answer = await stage.slash(stage.ada, "records delete", exchange=str(found))
            assert "is deleted" in answer.content
            answer = await stage.slash(stage.ada, "records delete", exchange=str(found))
            assert "no exchange with this id" in answer.content
        assert len(await rows(stage)) == 1


async def rows(stage: Scene) -> list[Any]:
    await stage.slash(stage.ada, "reasoning status")
    return stage.rows()


async def test_all_are_exported_or_the_command_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as stage:
        answer = await stage.slash(stage.ada, "records export")
        assert "Nothing is recorded" in answer.content
        await recorded(stage, "one", "two")
        answer = await stage.slash(stage.ada, "records export")
        (file,) = answer.latest["attachments"]
        assert file["filename"] == f"records-{stage.guild_id}.jsonl"
        assert "2 exchanges" in answer.content
        with (
            contextlib.closing(
                sqlite3.connect(stage.data / f"guilds/{stage.guild_id}.sqlite3")
            ) as connection,
            connection,
        ):
            connection.execute(
                "UPDATE exchanges SET prompt = '[' WHERE id = (SELECT min(id) FROM exchanges)"
            )
        answer = await stage.slash(stage.ada, "records export")
        assert "1 exchanges. 1 more are left out" in answer.content
        monkeypatch.setattr(records_commands, "MOST_BYTES", 100)
        answer = await stage.slash(stage.ada, "records export")
        assert f"understudy export --guild {stage.guild_id}" in answer.content
        assert not answer.latest["attachments"]


async def test_members_are_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "a secret")
        with pytest.raises((Refused, LookupError)):
            await stage.slash(stage.ben, "records list")
        # An admin of the server may have allowed the command to everybody.
        for command in stage.fake.world.commands.values():
            command.spec.pop("default_member_permissions", None)
        for name, options in (
            ("list", {}),
            ("show", {"exchange": "1"}),
            ("delete", {"exchange": "1"}),
            ("export", {}),
        ):
            answer = await stage.slash(stage.ben, f"records {name}", **options)
            assert "Manage Server" in answer.content
        choices = await stage.ben.autocomplete(
            stage.guild_id, stage.channel_id, "records show", "exchange", exchange=""
        )
        assert choices == []


async def test_a_list_closes_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_browser, "PAGE", 1)
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        await recorded(stage, "one", "two")
        answer = await stage.slash(stage.ada, "records list")
        since = stage.ada.mark()
        closing = asyncio.create_task(stage.client.close())
        event = await stage.ada.wait_for(
            lambda e: e.name == "MESSAGE_UPDATE" and e.data["id"] == answer.latest["id"],
            since=since,
        )
        assert "has closed" in event.data["content"]
        assert event.data["components"] == event.data["embeds"] == []
        await closing


async def test_a_question_of_many_lines_leaves_room_for_the_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "x" + "\n" * 900 + "x")
        choices = await stage.ada.autocomplete(
            stage.guild_id, stage.channel_id, "records show", "exchange", exchange=""
        )
        shown = await stage.slash(stage.ada, "records show", exchange=choices[0]["value"])
        assert shown.content.endswith("> hello")


def last_word(row: Any) -> str:  # noqa: ANN401
    """That of the question."""
    return str(json.loads(row["input"])[-1]["content"].split()[-1])


async def test_a_list_is_browsed_while_its_records_are_deleted(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        await recorded(stage, *(f"number {number}" for number in range(25)))
        ids = {last_word(row): row["id"] for row in await rows(stage)}
        answer = await stage.slash(stage.ada, "records list")

        async def delete(*numbers: int) -> None:
            for number in numbers:
                exchange = str(ids[str(number)])
                gone = await stage.slash(stage.ada, "records delete", exchange=exchange)
                assert "is deleted" in gone.content

        async def turn(label: str) -> list[str]:
            since = stage.ada.mark()
            await stage.ada.click(stage.ada.log.messages[answer.latest["id"]].latest, label)
            event = await stage.ada.wait_for(
                lambda e: e.name == "MESSAGE_UPDATE" and e.data["id"] == answer.latest["id"],
                since=since,
            )
            return [question.split()[-1] for question in questions(listed(event.data))]

        assert await turn("Older") == [str(n) for n in range(14, 4, -1)]
        await delete(14, 13, 12)
        assert await turn("Older") == ["4", "3", "2", "1", "0"]
        # What is left of a page is filled up with what follows.
        assert await turn("Newer") == [str(n) for n in range(11, 1, -1)]
        await delete(*range(12))
        # Nothing older is left: back to the nearest page that has something.
        assert await turn("Older") == [str(n) for n in range(24, 14, -1)]
        latest = stage.ada.log.messages[answer.latest["id"]].latest
        buttons = {c["label"]: c["disabled"] for c in latest["components"][0]["components"]}
        assert buttons == {"Newer": True, "Older": True}


async def test_a_list_whose_records_are_all_gone_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        await recorded(stage, *(f"number {number}" for number in range(12)))
        answer = await stage.slash(stage.ada, "records list")
        sent = await stage.ben.slash(stage.guild_id, stage.channel_id, "privacy forget-me")
        asked = await stage.ben.answer_to(sent)
        done = await stage.ben.answer_to(await stage.ben.click(asked.latest, "Delete"))
        assert "are deleted" in done.content
        since = stage.ada.mark()
        await stage.ada.click(answer.latest, "Older")
        event = await stage.ada.wait_for(
            lambda e: e.name == "MESSAGE_UPDATE" and e.data["id"] == answer.latest["id"],
            since=since,
        )
        assert listed(event.data) == records_browser.NOTHING


async def test_who_deletes_what_another_deletes_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await recorded(stage, "twice")
        (row,) = await rows(stage)
        answers = await asyncio.gather(
            *(stage.slash(stage.ada, "records delete", exchange=str(row["id"])) for _ in range(3))
        )
        said = {answer.content for answer in answers}
        assert records_commands.DELETED in said
        assert said <= {records_commands.DELETED, records_commands.UNKNOWN}
        assert not await rows(stage)
