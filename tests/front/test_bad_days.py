"""Talking while Discord has a bad day: one answer, whole, and no more than one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.agent.models import ModelError, ModelRequest
from bot.front.answers import Fate
from bot.front.streamed_reply import parts_of
from bot.front.typing_indicator import TypingIndicator
from bot.harness import FakeDiscord, sample_world
from bot.harness.faults import Answer, CutBody, Fault, NoAnswer
from bot.harness.snowflake import SnowflakeMaker
from bot.harness.trace import Kind
from bot.store.records import ChatMessage
from tests.agents import ScriptedModel
from tests.front.buttons import buttons, press, shows, told
from tests.front.scene import Scene, scene
from tests.waiting import until

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


@pytest.mark.parametrize(
    "fault",
    [
        Answer(EDIT, 503),
        CutBody(EDIT),
        Answer(EDIT, 500, times=3),
        # Five in a row are more than discord.py waits for.
        Answer(EDIT, 429, times=7, retry_after=0.05),
    ],
    ids=str,
)
async def test_an_edit_that_fails_loses_no_tail(tmp_path: Path, fault: Fault) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        since, question = await ask_and_see_the_beginning(stage, "one two")
        stage.fake.faults.cause(fault)
        writing.go_on.set()
        assert await answers_since(stage, since, question) == ["one two three"]


@pytest.mark.parametrize(
    "fault",
    [Answer(SEND, 503), CutBody(SEND), Answer(SEND, 429, times=7, retry_after=0.05)],
    ids=str,
)
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
        # Somebody did not want it: it does not come back.
        assert await answers_since(stage, since, question) == []
    (row,) = stage.rows()
    assert row["output"] is None


@pytest.mark.parametrize("status", [400, 403])
async def test_what_cannot_be_edited_is_posted_anew(tmp_path: Path, status: int) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "one two")
        stage.fake.faults.cause(Answer(EDIT, status, times=100))
        writing.go_on.set()
        assert await answers_since(stage, since, question) == ["one two three"]
        (whole,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        assert whole.latest["message_reference"]["message_id"] == question
        assert "⏹" not in buttons(whole.latest)
        # The buttons and the records know it as the answer.
        await told(stage.ben, whole.latest, "👍")
    (row,) = stage.rows()
    assert (row["reply_id"], row["thumbs_up"]) == (int(whole.latest["id"]), 1)


async def test_of_a_long_answer_what_cannot_be_edited_is_posted_anew(tmp_path: Path) -> None:
    """Its first part stands, the others follow it in order."""
    paragraphs = [f"paragraph {number} " + "word " * 60 for number in range(20)]
    first, whole = "\n\n".join(paragraphs[:8]).strip(), "\n\n".join(paragraphs).strip()
    writing = Writing(first, whole)
    async with scene(tmp_path, model=writing.model) as stage:
        since, question = await ask_and_see_the_beginning(stage, parts_of(first)[1].strip())
        stage.fake.faults.cause(Answer(EDIT, 403, times=100))
        writing.go_on.set()
        wanted = [part.strip() for part in parts_of(whole)]
        assert await answers_since(stage, since, question) == wanted


async def test_where_nothing_can_be_posted_either_what_is_there_stays(tmp_path: Path) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "one two")
        stage.fake.faults.cause(Answer(EDIT, 403, times=100))
        stage.fake.faults.cause(Answer(SEND, 403, times=100))
        writing.go_on.set()
        assert await answers_since(stage, since, question) == ["one two"]
        (half,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
    # Whoever deletes it in Discord deletes it in the records.
    (row,) = stage.rows()
    assert row["reply_id"] == int(half.latest["id"])


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


async def test_a_storm_of_limits_while_a_long_answer_streams(tmp_path: Path) -> None:
    """Every part is there once, in order, with the buttons under the last alone."""
    whole = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(20)).strip()

    async def write(request: ModelRequest) -> None:
        assert request.stream is not None
        for start in range(0, len(whole), 400):
            request.stream.write(whole[start : start + 400])
            stage.fake.faults.cause(Answer(EDIT, 429, retry_after=0.05))
            stage.fake.faults.cause(Answer(SEND, 429, retry_after=0.05))
            await asyncio.sleep(0.15)
        request.stream.restart()

    model = ScriptedModel(text=whole)
    model.before = write
    async with scene(tmp_path, model=model) as stage:
        since = stage.ben.mark()
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> go")
        await stage.handled.wait(int(said["id"]))
        history = await stage.ben.history(stage.channel_id)
        parts = [m for m in reversed(history) if m["author"]["id"] == stage.bot_id]
        # Discord takes white space at the ends away.
        assert [part["content"] for part in parts] == [part.strip() for part in parts_of(whole)]
        assert [bool(part["components"]) for part in parts] == [False, False, False, True]
        assert len(stage.ben.log.messages_since(since, author_id=stage.bot_id)) == len(parts)


@pytest.mark.parametrize("fails", [None, ModelError("down"), ZeroDivisionError()], ids=str)
async def test_it_never_types_when_it_is_done(tmp_path: Path, fails: Exception | None) -> None:
    def typings() -> int:
        return sum(request.path.endswith("/typing") for request in stage.fake.requests)

    async with scene(tmp_path) as stage:
        stage.model.fails_with = fails
        stage.fake.faults.cause(Answer("POST /channels/*/typing", 500))
        await stage.ask(stage.ben, "hi")
        before = typings()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "typing"]
        await stage.ada.say(stage.channel_id, "talk among people")
        assert typings() == before


async def test_a_typing_call_that_is_never_answered_holds_nothing_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.fake.faults.cause(NoAnswer("POST /channels/*/typing"))
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "typing"]


async def test_a_stopped_typing_call_may_end_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.front.typing_indicator.ENDING_SECONDS", 0.01)

    class Channel:
        """Where typing takes as long as it is told to."""

        calls = 0

        def __init__(self) -> None:
            self.answered = asyncio.Event()
            self.called = asyncio.Event()

        async def typing(self) -> None:
            self.calls += 1
            self.called.set()
            await self.answered.wait()

    for is_answered in (True, False):
        channel: Any = Channel()
        async with TypingIndicator(channel) as typing:
            await channel.called.wait()
            typing.stop()
            if is_answered:
                channel.answered.set()
            task = typing._task
            assert task is not None
            await asyncio.wait((task,), timeout=5)
            assert (task.done(), task.cancelled()) == (True, not is_answered)
            assert channel.calls == 1


async def test_a_typing_call_that_waits_for_its_limit_is_not_made_again(tmp_path: Path) -> None:
    """It would show that somebody types below the answer that has begun."""
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        stage.fake.faults.cause(Answer("POST /channels/*/typing", 429, retry_after=0.8))
        since, question = await ask_and_see_the_beginning(stage, "one two")
        await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name() == "typing"])
        assert not [e for e in stage.ben.log.events(since) if e.name == "TYPING_START"]
        writing.go_on.set()
        assert await answers_since(stage, since, question) == ["one two three"]


async def test_without_the_right_to_attach_a_long_answer_says_so(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(80))
    async with scene(tmp_path, model=ScriptedModel(text=text)) as stage:
        guild = stage.fake.world.guilds[int(stage.guild_id)]
        for role in guild.roles.values():
            role.permissions &= ~(1 << 15) & ~(1 << 3)
        answers = await stage.ask(stage.ben, "tell me everything")
        assert len(answers) == 7
        assert "Attach Files" in answers[-1].content
        assert answers[-1].latest["components"]


async def test_nothing_that_is_sent_may_ping(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        await told(stage.ben, answer.latest, "👍")
        stage.model.text = "@everyone"
        await press(stage.ben, answer.latest, "🔁")
        await shows(stage, stage.ben, answer.latest, "@everyone", "👍")
        await stage.say(stage.ada, "enable custom reasoning")
        bodies = [
            request.body.get("data") or request.body
            for request in stage.fake.requests
            if isinstance(request.body, dict)
            and (request.user_id == int(stage.bot_id) or request.path.endswith("/callback"))
        ]
        with_text = [body for body in bodies if body.get("content")]
        assert len(with_text) >= 4
        assert all(body["allowed_mentions"]["parse"] == [] for body in with_text)


async def test_it_does_not_type_while_only_discord_is_waited_for(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.fake.faults.cause(Answer(SEND, 503, times=2))
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> hi")
        await stage.fake.trace.wait_for(
            lambda entry: entry.kind is Kind.REQUEST and entry.data.get("status") == 503, timeout=10
        )
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "typing"]
        await stage.handled.wait(int(said["id"]))


async def test_of_a_stopped_answer_the_records_have_what_people_saw(tmp_path: Path) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "one two")
        (growing,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        await press(stage.ben, growing.latest, "⏹")
        assert await answers_since(stage, since, question) == ["one two"]
    (row,) = stage.rows()
    assert (row["output"], row["success"]) == ("one two", 0)
    assert row["error"] == "cancelled before it was whole"
    assert row["reply_id"] == int(growing.latest["id"])


async def test_of_a_withdrawn_answer_nothing_is_kept(tmp_path: Path) -> None:
    """Its question was deleted: what had been answered goes from Discord, and into no record."""
    writing = Writing("a secret", "a secret and more")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "a secret")
        await stage.ben.delete({"channel_id": stage.channel_id, "id": question})
        assert await answers_since(stage, since, question) == []
    (row,) = stage.rows()
    assert (row["output"], row["success"]) == (None, 0)
    assert row["error"] == "cancelled before it was answered"


async def test_of_an_answer_withdrawn_when_it_was_whole_nothing_is_kept(tmp_path: Path) -> None:
    """Discord did not take the last edit when the question was deleted."""
    writing = Writing("a secret", "a secret and more")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        since, question = await ask_and_see_the_beginning(stage, "a secret")
        stage.fake.faults.cause(Answer(EDIT, 503, times=100))
        writing.go_on.set()
        await stage.fake.trace.wait_for(lambda entry: "503" in str(entry), timeout=10)
        await stage.ben.delete({"channel_id": stage.channel_id, "id": question})
        asking = stage.client._answers.asking(int(question))
        assert asking is not None
        await until(lambda: asking.fate is Fate.WITHDRAWN)
        stage.fake.faults.clear()
        assert await answers_since(stage, since, question) == []
        await until(lambda: [row["output"] for row in stage.rows()] == [None])


async def test_of_an_answer_that_the_bot_left_the_records_have_what_people_saw(
    tmp_path: Path,
) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await ask_and_see_the_beginning(stage, "one two")
    (row,) = stage.rows()
    assert (row["output"], row["success"]) == ("one two", 0)


async def test_ids_that_no_record_has_room_for_cost_the_record_alone(tmp_path: Path) -> None:
    """As of another platform than Discord; whoever speaks after them is answered and recorded."""
    world = sample_world()
    (guild, *_) = world.guilds.values()
    usual = world.new_id
    world.new_id = SnowflakeMaker(lambda: float(2**32))
    world.add_person("cai", guild)
    world.new_id = usual
    async with FakeDiscord(world) as fake, scene(tmp_path, fake=fake) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        (answer,) = await stage.ask(stage.people["cai"], "hi")
        assert answer.content == "hello"
        (answer,) = await stage.ask(stage.ben, "hi there")
        assert answer.content == "hello"
        assert [one.content for one in stage.model.calls[-1].messages][-3:] == [
            *("hi", "hello", "hi there")
        ]
        answer = await stage.slash(stage.people["cai"], "ask", question="And by a command?")
        assert answer.content.startswith("hello")
    (row,) = stage.rows()
    said = [one["content"] for one in json.loads(row["input"])]
    assert said[-3:] == ["[not recorded]", "[not recorded]", "Ben: hi there"]
