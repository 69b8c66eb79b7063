"""Talking, through the real client and a real socket."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.agent.models import ModelError, ModelRequest
from bot.front.conversation import ConversationOptions
from bot.harness import FakeDiscord
from tests.agents import ScriptedModel
from tests.front.buttons import press, shows
from tests.front.scene import SUPPRESS_EMBEDS, Scene, scene


async def test_it_answers_a_mention_a_reply_and_a_direct_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (first,) = await stage.ask(stage.ben, "hi")
        assert first.content == "hello"
        assert first.latest["message_reference"]["message_id"]
        (second,) = await stage.say(stage.ben, "and again", reply_to=first.latest)
        assert second.content == "hello"
        dm = await stage.ben.open_dm(stage.bot_id)
        (third,) = await stage.say_in(dm["id"], stage.ben, "in private")
        assert third.content == "hello"
    assert len(stage.model.calls) == 3


async def test_it_leaves_alone_what_is_not_for_it(tmp_path: Path) -> None:
    fake = FakeDiscord()
    guild = next(iter(fake.world.guilds.values()))
    robot = fake.world.add_user("robot", bot=True)
    fake.world.add_member(guild, robot)
    async with fake, scene(tmp_path, fake=fake) as stage:
        answer = (await stage.ask(stage.ben, "hi"))[0]
        other = await stage.ada.say(stage.channel_id, "talk among people")
        await stage.ada.say(stage.channel_id, "an answer to you", reply_to=other)
        await stage.ada.say(stage.channel_id, "<@123> hello")
        since = stage.ada.mark()
        await stage.ask(stage.ben, "last")
        replies = stage.ada.log.messages_since(since, author_id=stage.bot_id)
        assert len(replies) == 1
        assert answer.latest["id"] != replies[0].latest["id"]
    assert len(stage.model.calls) == 2


async def test_the_prompt_has_names_context_and_no_mention(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.ada.say(stage.channel_id, "The cat is on the sofa.")
        await stage.ask(stage.ben, "where is the cat?")
        (request,) = stage.model.calls
        assert [(m.role, m.prompt_text) for m in request.messages] == [
            ("system", "Be kind."),
            ("user", "Ada: The cat is on the sofa."),
            ("user", "Ben: where is the cat?"),
        ]
        assert request.origin is not None
        assert str(request.origin.room_id) == stage.channel_id
        assert str(request.origin.user_id) == stage.ben.id


async def test_commands_and_their_answers_are_no_context(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.ask(stage.ben, "hi")
        texts = [message.content for message in stage.model.calls[0].messages]
    assert texts == ["Be kind.", "hi"]


async def test_the_reply_chain_comes_before_the_latest_messages(tmp_path: Path) -> None:
    options = ConversationOptions("Be kind.", context_messages=2)
    async with scene(tmp_path, options=options) as stage:
        first = await stage.ada.say(stage.channel_id, "an old story")
        for number in range(5):
            await stage.ada.say(stage.channel_id, f"noise {number}")
        await stage.ask(stage.ben, "what was that?", reply_to=first)
        texts = [message.prompt_text for message in stage.model.calls[0].messages]
    assert texts == ["Be kind.", "Ada: an old story", "Ada: noise 4", "Ben: what was that?"]


async def test_the_context_is_bounded_by_characters(tmp_path: Path) -> None:
    options = ConversationOptions("Be kind.", context_characters=200)
    async with scene(tmp_path, options=options) as stage:
        await stage.ada.say(stage.channel_id, "x" * 150)
        await stage.ada.say(stage.channel_id, "y" * 150)
        await stage.ask(stage.ben, "hi")
        texts = [message.content for message in stage.model.calls[0].messages]
    assert texts == ["Be kind.", "y" * 150, "hi"]


async def test_it_types_until_it_answers_and_not_longer(tmp_path: Path) -> None:
    model, go_on = ScriptedModel(), asyncio.Event()

    async def wait(_: ModelRequest) -> None:
        await go_on.wait()

    model.before = wait
    async with scene(tmp_path, model=model) as stage:
        since = stage.ben.mark()
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> hi")
        await stage.ben.wait_for(lambda event: event.name == "TYPING_START", since=since)
        go_on.set()
        await stage.handled.wait(int(said["id"]))
        await stage.settled(stage.ben, stage.channel_id, said["id"])
        names = [
            event.name
            for event in stage.ben.log.events(since)
            if event.name == "TYPING_START"
            or (event.name == "MESSAGE_CREATE" and event.data["author"]["id"] == stage.bot_id)
        ]
        assert names == ["TYPING_START", "MESSAGE_CREATE"]


async def test_an_answer_streams_by_edits(tmp_path: Path) -> None:
    """The first words are there while the model still writes, and the end is exact."""
    model, go_on = ScriptedModel(text="three"), asyncio.Event()

    async def write(request: ModelRequest) -> None:
        assert request.stream is not None
        request.stream.write("one two ")
        await go_on.wait()

    model.before = write
    async with scene(tmp_path, model=model) as stage:
        since = stage.ben.mark()
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> count")
        first = await stage.ben.message_from(stage.bot_id, since=since)
        assert first.content == "one two"
        model.text = "one two three"
        go_on.set()
        await stage.handled.wait(int(said["id"]))
        await stage.settled(stage.ben, stage.channel_id, said["id"])
        (answer,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        assert answer.content == "one two three"
        assert answer.edits >= 1
        # Links stay folded through all edits, also of the buttons alone.
        assert answer.latest["flags"] & SUPPRESS_EMBEDS
        await stage.ben.edit(said, f"<@{stage.bot_id}> count again")
        await stage.ben.wait_for(
            lambda event: "edited question" in str(event.data.get("components")), since=since
        )
        assert answer.latest["flags"] & SUPPRESS_EMBEDS
        await press(stage.ben, answer.latest, "🔁")
        await stage.ben.wait_for(lambda event: event.name == "MESSAGE_UPDATE")
        await shows(stage, stage.ben, answer.latest, "one two three", "🔁", "👍")
        assert answer.latest["flags"] & SUPPRESS_EMBEDS


async def test_a_long_answer_is_split_with_whole_code_blocks(tmp_path: Path) -> None:
    code = "\n".join(f"print({number})" for number in range(450))
    model = ScriptedModel(text=f"Here it is:\n\n```python\n{code}\n```\nDone.")
    async with scene(tmp_path, model=model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        parts = await stage.ask(stage.ben, "code, please")
        assert len(parts) == 3
        assert all(len(part.content) <= 2000 for part in parts)
        assert all(part.content.count("```") == 2 for part in parts)
        assert parts[1].content.startswith("```python\n")
        assert all("message_reference" not in part.latest for part in parts[1:])
        reply_id = parts[0].latest["id"]
    (row,) = stage.rows()
    assert str(row["reply_id"]) == reply_id
    assert row["output"] == model.text


async def test_model_text_pings_nobody(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.model.text = f"@everyone @here <@{stage.ada.id}> look"
        (answer,) = await stage.ask(stage.ben, "call them all")
        assert answer.latest["mentions"] == []
        assert answer.latest["mention_everyone"] is False
        assert answer.content == stage.model.text


async def test_a_failure_is_one_calm_sentence_with_an_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path) as stage:
        stage.model.fails_with = ModelError("secret-host refused the connection")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "could not answer" in answer.content
        assert "secret-host" not in answer.content
        error_id = answer.content.split("`")[1]
        assert error_id in caplog.text
        stage.model.fails_with = ZeroDivisionError("bug")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "could not answer" in answer.content
        assert "bug" not in answer.content
        stage.model.fails_with, stage.model.text = None, " \n"
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "could not answer" in answer.content


async def test_without_a_model_it_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.agent.unload("lead")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "no model" in answer.content


async def test_a_question_that_is_deleted_meanwhile_is_not_answered(tmp_path: Path) -> None:
    model, asked, go_on = ScriptedModel(), asyncio.Event(), asyncio.Event()

    async def wait(_: ModelRequest) -> None:
        asked.set()
        await go_on.wait()

    model.before = wait
    async with scene(tmp_path, model=model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since = stage.ben.mark()
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> my password is 1234")
        await asked.wait()
        await stage.ben.delete(said)
        await stage.ben.wait_for(lambda event: event.name == "MESSAGE_DELETE", since=since)
        await stage.handled.wait(int(said["id"]))
        assert not stage.ben.log.messages_since(since, author_id=stage.bot_id)
    (row,) = stage.rows()
    assert not row["success"]
    assert json.loads(row["input"])[-1]["content"] == "[deleted]"


async def test_two_people_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:

        async def talk(name: str) -> None:
            person = stage.people[name]
            for number in range(5):
                answers = await stage.ask(person, f"{name} {number}")
                mine = [
                    answer
                    for answer in answers
                    if answer.latest["referenced_message"]["author"]["id"] == person.id
                ]
                assert len(mine) >= 1

        await asyncio.gather(talk("ada"), talk("ben"), talk("cleo"))
        assert len(stage.model.calls) == 15


def texts_of(stage: Scene) -> list[str]:
    return [message["content"] for row in stage.rows() for message in json.loads(row["input"])]


async def test_edits_and_deletions_in_discord_reach_the_records(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        said = await stage.ada.say(stage.channel_id, "my cat is called Tom")
        await stage.ask(stage.ben, "what is the cat called?")
        await stage.say(stage.ada, "check reasoning status")
        assert "Ada: my cat is called Tom" in texts_of(stage)
        await stage.ada.edit(said, "my cat is called Kim")
        await stage.say(stage.ada, "check reasoning status")
        assert "Ada: my cat is called Kim" in texts_of(stage)
        await stage.ada.delete(said)
        await stage.say(stage.ada, "check reasoning status")
        texts = texts_of(stage)
    assert "[deleted]" in texts
    assert not any("cat is called" in text and "my" in text for text in texts)
