"""The commands in a message's menu, and /ask."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.agent.models import ModelError, ModelRequest
from bot.front.endings import Ending
from bot.front.message_menus import THANKS
from bot.harness import Event, Person
from bot.store.records import World, WorldKind
from tests.agents import ScriptedModel
from tests.front.buttons import press, shows, told
from tests.front.scene import SUPPRESS_EMBEDS, Scene, scene
from tests.waiting import until


async def use(person: Person, message: Any, name: str) -> str:  # noqa: ANN401
    answer = await person.answer_to(await person.use_on_message(message, name))
    assert answer.ephemeral
    return answer.content


async def kept(stage: Scene, query: str) -> list[Any]:
    await stage.slash(stage.ada, "reasoning status")
    connection = sqlite3.connect(stage.data / f"guilds/{stage.guild_id}.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_regenerate_is_for_the_asker_and_moderators(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "Only the person who asked" in await use(
            stage.people["cleo"], answer.latest, "Regenerate"
        )
        for person, text in ((stage.ben, "by ben"), (stage.ada, "by ada")):
            stage.model.text = text
            assert "On it" in await use(person, answer.latest, "Regenerate")
            await shows(stage, stage.ben, answer.latest, text, "🔁", "👍")
        said = await stage.ben.say(stage.channel_id, "no answer")
        assert "no answer of mine" in await use(stage.ben, said, "Regenerate")


async def test_what_is_being_answered_is_not_begun_again(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def write(request: ModelRequest) -> None:
        assert request.stream is not None
        request.stream.write("one two ")
        await go_on.wait()

    model = ScriptedModel(text="one two three")
    model.before = write
    async with scene(tmp_path, model=model) as stage:
        since = stage.ben.mark()
        await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> count")
        growing = await stage.ben.message_from(stage.bot_id, since=since)
        assert "already" in await use(stage.ben, growing.latest, "Regenerate")
        assert "Only the person" in await told(stage.people["cleo"], growing.latest, "⏹")
        go_on.set()
        await shows(stage, stage.ben, growing.latest, "one two three", "🔁")


async def test_a_better_answer_is_kept_with_the_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        (answer,) = await stage.ask(stage.ben, "hi")
        said = await stage.ben.say(stage.channel_id, "mine")
        assert "one of my answers" in await use(stage.ben, said, "Suggest a better answer")
        form = await opened(stage.people["cleo"], answer.latest)
        field = form.data["components"][0]["component"]
        assert field["value"] == "hello"
        sent = await stage.people["cleo"].submit_modal(form, {"better": "Hello, dear Ben!"})
        assert "Thank you" in (await stage.people["cleo"].answer_to(sent)).content
        rows = await kept(stage, "SELECT message_id, user_id, content FROM demonstrations")
        assert rows == [
            (int(answer.latest["id"]), int(stage.people["cleo"].id), "Hello, dear Ben!")
        ]


async def test_where_nothing_is_kept_a_suggestion_is_not_lost_silently(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        form = await opened(stage.ben, answer.latest)
        sent = await stage.ben.submit_modal(form, {"better": "Hello!"})
        assert "nowhere to keep it" in (await stage.ben.answer_to(sent)).content


async def opened(person: Person, message: Any) -> Event:  # noqa: ANN401
    sent = await person.use_on_message(message, "Suggest a better answer")
    return await person.wait_for(
        lambda event: event.name == "INTERACTION_MODAL_CREATE", since=sent.since
    )


async def test_forgetting_a_message_takes_its_words_out_of_the_records(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        (answer,) = await stage.ask(stage.ben, "a secret")
        (other,) = await stage.ask(stage.ben, "not one")
        question = await message_of(stage, answer.latest["message_reference"]["message_id"])
        assert "Only who wrote" in await use(stage.people["cleo"], question, "Forget this message")
        assert "a secret" in str(await kept(stage, "SELECT input FROM training_data"))
        assert "gone" in await use(stage.ben, question, "Forget this message")
        found = str(await kept(stage, "SELECT input FROM training_data"))
        assert "a secret" not in found
        assert "not one" in found
        # What the bot said is its asker's, and the moderators'.
        assert "Only who wrote" in await use(
            stage.people["cleo"], answer.latest, "Forget this message"
        )
        for person, message in ((stage.ben, answer), (stage.ada, other)):
            assert "gone" in await use(person, message.latest, "Forget this message")
        assert await kept(stage, "SELECT output FROM training_data") == [(None,), (None,)]
        assert not stage.ben.log.messages[answer.latest["id"]].deleted


async def message_of(stage: Scene, message_id: str) -> Any:  # noqa: ANN401
    history = await stage.ben.history(stage.channel_id)
    return next(message for message in history if message["id"] == message_id)


async def test_asking_by_a_command(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        answer = await stage.slash(stage.ben, "ask", question="what is it?")
        assert answer.content == "hello"
        assert not answer.ephemeral
        assert answer.latest["flags"] & SUPPRESS_EMBEDS
        ((said, reply_id),) = await kept(stage, "SELECT input, reply_id FROM training_data")
        assert "what is it?" in said
        assert reply_id == int(answer.latest["id"])
        stage.model.fails_with = ModelError("down")
        answer = await stage.slash(stage.ben, "ask", question="and now?")
        assert "could not answer" in answer.content
        endings = stage.client._conversation.endings
        await until(lambda: (endings[Ending.ANSWERED], endings[Ending.FAILED]) == (1, 1))


async def test_asking_in_private_and_at_length(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(12))
    async with scene(tmp_path, model=ScriptedModel(text=text)) as stage:
        dm = await stage.ben.open_dm(stage.bot_id)
        since = stage.ben.mark()
        sent = await stage.ben.slash(None, dm["id"], "ask", question="much")
        first = await stage.ben.answer_to(sent)
        assert first.content.startswith("paragraph 0")
        await stage.ben.wait_for(
            lambda event: "paragraph 11" in str(event.data.get("content")), since=since
        )
        stage.model.text = text * 5
        sent = await stage.ben.slash(None, dm["id"], "ask", question="more")
        last = await stage.ben.answer_to(sent)
        assert "in the file" in last.content
        assert last.latest["attachments"][0]["filename"] == "answer.md"


@pytest.mark.parametrize("setting", ["mode", "roles", "cooldown"])
async def test_asking_by_a_command_keeps_to_the_rules(tmp_path: Path, setting: str) -> None:
    async with scene(tmp_path) as stage:
        async with stage.agent.runtime(stage_world(stage)) as runtime:
            rules: dict[str, dict[str, Any]] = {
                "mode": {"modes": {int(stage.channel_id): "never"}},
                "roles": {"allowed_roles": [1]},
                "cooldown": {"person_cooldown": 100.0},
            }
            await stage.client.book.change(runtime.world, 1, **rules[setting])
        if setting == "cooldown":
            await stage.slash(stage.ben, "ask", question="one")
        answer = await stage.slash(stage.ben, "ask", question="two")
        assert answer.ephemeral
        assert len(stage.model.calls) == (setting == "cooldown")


async def test_modes_and_models_by_command(tmp_path: Path) -> None:
    other = ScriptedModel("other", "from the other one")
    async with scene(tmp_path, other.plugin(None)) as stage:
        choices = await stage.ada.autocomplete(
            stage.guild_id,
            stage.channel_id,
            "agent model",
            "model",
            purpose="planning",
            model="OTH",
        )
        assert [choice["value"] for choice in choices] == ["other"]
        await stage.slash(stage.ada, "agent model", purpose="planning", model="other")
        await stage.slash(stage.ada, "agent mode", channel=stage.channel_id, mode="always")
        (answer,) = await stage.say(stage.ben, "to nobody")
        assert answer.content == "from the other one"
        answer = await stage.slash(stage.ada, "agent model", purpose="planning", model="nope")
        assert "no such model" in answer.content


def stage_world(stage: Scene) -> World:
    return World(WorldKind.GUILD, int(stage.guild_id))


async def test_who_is_not_recorded_suggests_and_votes_nothing_that_is_kept(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        cleo = stage.people["cleo"]
        await stage.say(stage.ada, "enable custom reasoning")
        *_, answer = await stage.ask(stage.ben, "hi")
        assert await suggested(cleo, answer.latest, "before") == THANKS
        assert "noted" in await told(cleo, answer.latest, "👎")
        await stage.slash(cleo, "privacy opt-out")
        assert "not kept" in await suggested(cleo, answer.latest, "after")
        assert "not kept" in await told(cleo, answer.latest, "👍")
        await cleo.react(answer.latest, "👍")
        # A later vote of somebody else is there: so was all that came before it looked at.
        await told(stage.ben, answer.latest, "👍")
        assert await kept(stage, "SELECT content FROM demonstrations") == [("before",)]
        assert await kept(stage, "SELECT value FROM votes ORDER BY value") == [(-1,), (1,)]


async def test_on_an_answer_that_is_not_recorded_no_suggestion_is_kept(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.slash(stage.ben, "privacy opt-out")
        *_, answer = await stage.ask(stage.ben, "hi")
        found = await suggested(stage.people["cleo"], answer.latest, "of an answer to an objector")
        assert "not in the records" in found
        assert await kept(stage, "SELECT content FROM demonstrations") == []


async def suggested(person: Person, message: Any, text: str) -> str:  # noqa: ANN401
    form = await opened(person, message)
    return (await person.answer_to(await person.submit_modal(form, {"better": text}))).content


async def test_asking_by_a_command_people_are_told_before_they_are_recorded(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        for _ in range(2):
            await stage.slash(stage.ben, "ask", question="what is it?")
        said = [message["content"] for message in await stage.ben.history(stage.channel_id)]
        assert sum(text.startswith("📝") for text in said) == 1
        assert await kept(stage, "SELECT count(*) FROM exchanges") == [(2,)]


async def test_made_again_people_are_told_before_they_are_recorded(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        await stage.say(stage.ada, "enable custom reasoning")
        stage.model.text = "hello again"
        await press(stage.ben, answer.latest, "🔁")
        await shows(stage, stage.ben, answer.latest, "hello again", "🔁", "👍")
        said = [message["content"] for message in await stage.ben.history(stage.channel_id)]
        assert sum(text.startswith("📝") for text in said) == 1
        assert await kept(stage, "SELECT count(*) FROM exchanges") == [(1,)]


async def test_who_asked_by_a_command_can_have_it_forgotten(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        answer = await stage.slash(stage.ben, "ask", question="a secret")
        assert "Only who wrote" in await use(
            stage.people["cleo"], answer.latest, "Forget this message"
        )
        assert "gone" in await use(stage.ben, answer.latest, "Forget this message")
        ((said, output),) = await kept(stage, "SELECT input, output FROM training_data")
        assert "a secret" not in said
        assert output is None
