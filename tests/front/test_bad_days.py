"""Talking while Discord has a bad day: one answer, whole, and no more than one."""

import asyncio
from pathlib import Path

import pytest

from bot.agent.models import ModelRequest
from bot.harness.faults import Answer, CutBody, Fault
from bot.store.records import ChatMessage
from tests.agents import ScriptedModel
from tests.front.scene import Scene, scene

SEND = "POST /channels/*/messages"
EDIT = "PATCH /channels/*/messages/*"
HISTORY = "GET /channels/*/messages"


class Writing:
    """A model that writes its first words, waits, and then gives the whole answer."""

    def __init__(self, first: str, whole: str) -> None:
        self.model = ScriptedModel(text=whole.removeprefix(first))
        self.whole = whole
        self.go_on = asyncio.Event()
        self._first = first
        self.model.before = self._before

    async def _before(self, request: ModelRequest) -> None:
        assert request.stream is not None
        request.stream.write(self._first)
        await self.go_on.wait()
        self.model.text = self.whole


async def ask_and_see_the_beginning(stage: Scene, first: str) -> tuple[int, str]:
    """Ask; a mark from before, and the question's id, once the first words are there."""
    since = stage.ben.mark()
    said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> go")
    await stage.ben.message_from(
        stage.bot_id, since=since, until=lambda seen: seen.content == first
    )
    return since, said["id"]


async def answers_since(stage: Scene, since: int, question_id: str) -> list[str]:
    """What the bot's messages read when it is done with the question."""
    await stage.handled.wait(int(question_id))
    await stage.settled(stage.ben, stage.channel_id, question_id)
    seen = stage.ben.log.messages_since(since, author_id=stage.bot_id)
    return [message.content for message in seen if not message.deleted]


@pytest.mark.parametrize("fault", [Answer(EDIT, 503), CutBody(EDIT), Answer(EDIT, 500, times=3)])
async def test_an_edit_that_fails_loses_no_tail(tmp_path: Path, fault: Fault) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        since, question = await ask_and_see_the_beginning(stage, "one two")
        stage.fake.faults.cause(fault)
        writing.go_on.set()
        assert await answers_since(stage, since, question) == ["one two three"]


@pytest.mark.parametrize("fault", [Answer(SEND, 503), Answer(SEND, 429, retry_after=0.05)])
async def test_a_post_that_fails_is_tried_again(tmp_path: Path, fault: Fault) -> None:
    async with scene(tmp_path) as stage:
        stage.fake.faults.cause(fault)
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"


@pytest.mark.parametrize("fault", [Answer(HISTORY, 503), Answer(HISTORY, 403)])
async def test_without_the_history_it_answers_all_the_same(tmp_path: Path, fault: Fault) -> None:
    async with scene(tmp_path) as stage:
        await stage.ada.say(stage.channel_id, "earlier")
        stage.fake.faults.cause(fault)
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"
        assert [message.content for message in stage.model.calls[0].messages][1:] == ["hi"]


async def test_a_reply_deleted_while_it_streams_is_deleted_from_the_records(
    tmp_path: Path,
) -> None:
    writing = Writing("a secret", "a secret and more")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "a secret")
        (reply,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        await stage.ada.delete(reply.latest)
        await stage.ben.wait_for(lambda event: event.name == "MESSAGE_DELETE", since=since)
        writing.go_on.set()
        await stage.handled.wait(int(question))
    (row,) = stage.rows()
    assert row["output"] is None


async def test_half_an_answer_is_nobody_s_context(tmp_path: Path) -> None:
    writing = Writing("once upon", "once upon a time")
    async with scene(tmp_path, model=writing.model) as stage:
        await ask_and_see_the_beginning(stage, "once upon")
        since = stage.ada.mark()
        await stage.ada.say(stage.channel_id, f"<@{stage.bot_id}> and I?")
        await stage.ada.message_from(stage.bot_id, since=since)
        roles = [message.role for message in stage.model.calls[1].messages]
        assert "assistant" not in roles
        writing.go_on.set()


async def test_a_very_long_answer_ends_in_a_file(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(80))
    async with scene(tmp_path, model=ScriptedModel(text=text)) as stage:
        answers = await stage.ask(stage.ben, "tell me everything")
        assert len(answers) == 7
        (attachment,) = answers[-1].latest["attachments"]
        assert attachment["filename"] == "answer.md"
        assert attachment["size"] == len(text.encode())


async def test_the_bot_s_role_is_as_good_as_its_name(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        role = stage.client.guilds[0].self_role
        if role is None:
            pytest.skip("the fake Discord gave the bot no role of its own")
        (answer,) = await stage.say(stage.ada, f"<@&{role.id}> enable custom reasoning")
        assert "Enabled!" in answer.content
        await stage.say(stage.ben, f"<@&{role.id}> hi there")
        assert stage.model.calls[0].messages[-1] == ChatMessage(
            "user",
            "hi there",
            name="Ben",
            message_id=stage.model.calls[0].messages[-1].message_id,
            author_id=int(stage.ben.id),
        )


async def test_leaving_does_not_wait_for_discord(tmp_path: Path) -> None:
    writing = Writing("one", "one two")
    async with scene(tmp_path, model=writing.model) as stage:
        await ask_and_see_the_beginning(stage, "one")
        stage.fake.faults.cause(Answer(EDIT, 429, times=50, retry_after=60))
        writing.go_on.set()
        await stage.fake.trace.wait_for(lambda entry: "429" in str(entry), timeout=10)
        async with asyncio.timeout(10):
            await stage.client.close()
