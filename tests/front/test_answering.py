"""When it answers: threads, always, ambient, never; who may; cooldowns; and why not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.agent.models import Model, ModelError, ModelRequest, ModelResponse, ModelType, Purpose
from bot.agent.plugin import Plugin
from bot.front.agent_settings import AgentSettings, BadSettingError, Mode
from bot.front.answering import NOTICE
from bot.front.decisions import Decision
from bot.front.open_channels import OpenChannels
from bot.harness import FakeDiscord, Refused
from bot.harness.faults import Drop, Duplicate
from bot.store.records import World, WorldKind
from tests.agents import ScriptedModel
from tests.front.scene import Scene, scene


class Decider:
    """A small model that says whether to answer."""

    def __init__(self, text: str = "RESPOND") -> None:
        self.text = text
        self.calls: list[ModelRequest] = []
        self.fails_with: Exception | None = None

    async def answer(self, request: ModelRequest) -> ModelResponse:
        self.calls.append(request)
        if self.fails_with is not None:
            raise self.fails_with
        return ModelResponse(self.text, "small", "decider")

    def plugin(self) -> Plugin:
        types = frozenset({ModelType.TEXT_SMALL})
        model = Model("small", "decider", self.answer, types=types, priority=5)
        return Plugin("small", "decides", models=(model,))


async def set_up(stage: Scene, **changes: Any) -> AgentSettings:  # noqa: ANN401
    """Set something as Ada."""
    world = World(WorldKind.GUILD, int(stage.guild_id))
    return await stage.client.book.change(world, int(stage.ada.id), **changes)


async def open_thread(stage: Scene, name: str = "a thread") -> str:
    """A thread of Ben's in #general."""
    thread = await stage.ben.request(
        "POST", f"/channels/{stage.channel_id}/threads", {"name": name, "type": 11}
    )
    return str(thread["id"])


async def in_sight(stage: Scene, channel_id: str) -> None:
    """Wait until what is said there is heard."""
    async with asyncio.timeout(5):
        while int(channel_id) not in stage.client.open_channels:
            await asyncio.sleep(0.01)


async def unanswered(stage: Scene, channel_id: str, text: str) -> None:
    """Say something as Ben that is not answered: what is asked after it is answered alone."""
    await stage.ben.say(channel_id, text)
    calls = len(stage.model.calls)
    await stage.say_in(channel_id, stage.ada, f"<@{stage.bot_id}> and I?")
    assert len(stage.model.calls) == calls + 1


async def test_a_thread_it_is_part_of_needs_no_mention(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            thread = await open_thread(stage)
            await stage.ben.say(thread, "not yet for you")
            (answer,) = await stage.say_in(thread, stage.ben, f"<@{stage.bot_id}> come in")
            assert answer.content == "hello"
            assert len(await stage.say_in(thread, stage.ben, "and now without")) == 1
            assert len(stage.model.calls) == 2
        async with scene(tmp_path, fake=fake) as stage:
            assert len(await stage.say_in(thread, stage.ben, "after a restart")) == 1
            await stage.ada.request("DELETE", f"/channels/{thread}/thread-members/{stage.bot_id}")
            async with asyncio.timeout(5):
                while int(thread) in stage.client.open_channels:
                    await asyncio.sleep(0.01)


async def test_always_answers_everything_also_first_thing_after_a_restart(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            await set_up(stage, modes={stage.channel_id: "always"})
            assert len(await stage.say(stage.ben, "anybody?")) == 1
        async with scene(tmp_path, fake=fake) as stage:
            assert len(await stage.say(stage.ben, "still there?")) == 1
            thread = await open_thread(stage)
            await in_sight(stage, thread)
            assert len(await stage.say_in(thread, stage.ben, "here, too?")) == 1
            await set_up(stage, modes={})
            await unanswered(stage, stage.channel_id, "and when it is over?")


async def test_never_is_never_but_commands_work(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await set_up(stage, modes={stage.channel_id: Mode.NEVER})
        assert await stage.ask(stage.ben, "hi") == []
        (told,) = await stage.say(stage.ada, "enable custom reasoning")
        assert "Enabled!" in told.content
        assert stage.model.calls == []


@pytest.mark.parametrize(
    ("text", "answers"), [("RESPOND", 1), ("IGNORE", 0), ("<think>hm</think> ignore", 0)]
)
async def test_ambient_a_model_decides_and_is_recorded(
    tmp_path: Path, text: str, answers: int
) -> None:
    decider = Decider(text)
    async with scene(tmp_path, decider.plugin()) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        await set_up(stage, modes={stage.channel_id: "ambient"})
        assert len(await stage.say(stage.ben, "who knows about cats?")) == answers
        (asked,) = decider.calls
        assert asked.purpose is Purpose.SHOULD_RESPOND
        assert asked.messages[-1].content == "who knows about cats?"
        assert len(await stage.ask(stage.ben, "you?")) == 1
        assert len(decider.calls) == 1
    kinds = [row["model_type"] for row in stage.rows()]
    assert kinds == ["should_respond", *["planning"] * (answers + 1)]


async def test_ambient_without_a_decision_a_rule_of_thumb_counts(tmp_path: Path) -> None:
    decider = Decider()
    decider.fails_with = ModelError("down")
    async with scene(tmp_path, decider.plugin()) as stage:
        await set_up(stage, modes={stage.channel_id: "ambient"})
        assert await stage.say(stage.ben, "who knows about cats?") == []
        assert len(await stage.say(stage.ben, "Does understudy know?")) == 1
        assert len(await stage.say(stage.ben, "and about dogs?")) == 1
        assert await stage.say(stage.ben, f"<@{stage.ada.id}> and you?") == []


async def test_ambient_of_a_crowd_only_the_last_word_is_decided_on(tmp_path: Path) -> None:
    decider = Decider("IGNORE")
    go_on = asyncio.Event()
    held = decider.answer

    async def wait(request: ModelRequest) -> ModelResponse:
        response = await held(request)
        await go_on.wait()
        return response

    decider.answer = wait  # type: ignore[method-assign]
    async with scene(tmp_path, decider.plugin()) as stage:
        await set_up(stage, modes={stage.channel_id: "ambient"})
        said = [await stage.ben.say(stage.channel_id, f"word {n}") for n in range(6)]
        go_on.set()
        for message in said:
            await stage.handled.wait(int(message["id"]))
        asked = [call.messages[-1].content for call in decider.calls]
        assert asked == ["word 0", "word 5"]


async def test_only_who_may_is_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await set_up(stage, allowed_roles=["12345"])
        assert await stage.ask(stage.ben, "hi") == []
        assert len(await stage.ask(stage.ada, "hi")) == 1
        everyone = [str(stage.guild_id)]
        await set_up(stage, allowed_roles=everyone)
        assert len(await stage.ask(stage.ben, "hi")) == 1


async def test_a_cooldown_is_told_once_and_the_notice_goes(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await set_up(stage, person_cooldown=3)
        await stage.ask(stage.ben, "one")
        since = stage.ben.mark()
        await stage.ask(stage.ben, "two")
        notice = await stage.ben.message_from(stage.bot_id, since=since)
        assert notice.content.startswith(NOTICE)
        assert await stage.ask(stage.ben, "three") == []
        assert len(await stage.ask(stage.ada, "mine")) == 1
        await stage.ben.wait_for(lambda event: event.name == "MESSAGE_DELETE", since=since)
        assert len(stage.model.calls) == 2
        assert notice.content not in [m.content for m in stage.model.calls[-1].messages]


async def test_a_channel_s_cooldown_is_everybody_s(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await set_up(stage, channel_cooldown=3600)
        await stage.ask(stage.ben, "one")
        await stage.ask(stage.ada, "two")
        dm = await stage.ada.open_dm(stage.bot_id)
        assert len(await stage.say_in(dm["id"], stage.ada, "in private")) == 1
        assert len(stage.model.calls) == 2


async def test_why_tells_admins_and_only_them(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        assert "decided nothing" in (await stage.slash(stage.ada, "agent why")).content
        await stage.ask(stage.ben, "hi")
        await set_up(stage, modes={stage.channel_id: "never"})
        await stage.ask(stage.ben, "hi")
        told = await stage.slash(stage.ada, "agent why")
        assert told.ephemeral
        never, mention = told.latest["embeds"][0]["description"].splitlines()
        assert "set to never" in never
        assert "it is for me" in mention
        with pytest.raises((Refused, LookupError)):
            await stage.slash(stage.ben, "agent why")


async def test_twenty_decisions_fit_into_one_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        decision = Decision(False, "a long reason " * 20)
        for number in range(40):
            place = int(stage.channel_id)
            stage.client.decisions.note(place, 2**63 - 1 - number, 2**63 - 1, decision)
        told = await stage.slash(stage.ada, "agent why")
        lines = told.latest["embeds"][0]["description"].splitlines()
        assert len(lines) == 20
        assert all(line.endswith("[...]") for line in lines)


async def test_a_persona_is_the_server_s_own(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await set_up(
            stage, name="Robin", system_prompt="Be brief.", temperature=0, max_tokens=99,
            models={"planning": "nobody"},
        )  # fmt: skip
        await stage.ask(stage.ben, "hi")
        (request,) = stage.model.calls
        assert request.messages[0].content == "Be brief.\nYour name is Robin."
        assert (request.temperature, request.max_tokens) == (0, 99)
        dm = await stage.ben.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], stage.ben, "in private")
        assert stage.model.calls[-1].messages[0].content == "Be kind."


async def test_a_purpose_can_have_a_model_of_its_own(tmp_path: Path) -> None:
    other = ScriptedModel("other", "I am the other")
    async with scene(tmp_path, other.plugin(priority=None)) as stage:
        await set_up(stage, models={"planning": "other"})
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "I am the other"


async def test_changes_are_kept_and_listed(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            await set_up(stage, temperature=0.5)
            await set_up(stage, temperature=1, name="Robin")
            with pytest.raises(BadSettingError, match="from 0 to 2"):
                await set_up(stage, temperature=3)
            with pytest.raises(BadSettingError, match="no setting named"):
                await set_up(stage, colour="blue")
        async with scene(tmp_path, fake=fake) as stage:
            world = World(WorldKind.GUILD, int(stage.guild_id))
            audit = await stage.client.book.audit(world)
            listed = [(entry["who"], entry["field"], entry["from"], entry["to"]) for entry in audit]
            assert listed == [
                (stage.ada.id, "temperature", None, 0.5),
                (stage.ada.id, "temperature", 0.5, 1),
                (stage.ada.id, "name", None, "Robin"),
            ]
            async with stage.agent.runtime(world) as runtime:
                assert (await stage.client.book.of(runtime)).name == "Robin"


@pytest.mark.parametrize(
    "kept",
    [None, 7, [], {"temperature": "hot", "name": "Robin"}, {"modes": {"x": "y"}, "name": "Robin"}],
)
def test_settings_that_make_no_sense_are_left_out(kept: Any) -> None:  # noqa: ANN401
    settings = AgentSettings.from_json(kept)
    assert settings == AgentSettings(name="Robin" if isinstance(kept, dict) else None)


def test_settings_come_back_as_they_were_kept() -> None:
    settings = AgentSettings(
        name=" Robin ",
        modes={5: Mode.AMBIENT},
        allowed_roles=frozenset({2**60}),
        models={Purpose.CODING: "other"},
        unfurl_links=True,
    )
    assert settings.name == "Robin"
    kept = json.loads(json.dumps(settings.to_json()))
    assert AgentSettings.from_json(kept) == settings


async def test_an_index_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "open.json"
    path.write_text("{broken")
    channels = OpenChannels(path)
    channels.load()
    assert channels.ids == set()
    await channels.set_channels(1, frozenset({5, 6}))
    await channels.set_channels(2, frozenset({7}))
    await channels.set_channels(1, frozenset({6}))
    again = OpenChannels(path)
    again.load()
    assert again.ids == {6, 7}
    assert path.stat().st_mode & 0o077 == 0


async def test_a_message_dispatched_twice_is_answered_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.fake.faults.cause(Duplicate("MESSAGE_CREATE"))
        assert len(await stage.ask(stage.ben, "hi")) == 1
        assert len(await stage.ask(stage.ben, "again")) == 1
        assert len(stage.model.calls) == 2


async def test_a_connection_that_drops_mid_answer_costs_nothing(tmp_path: Path) -> None:
    model, go_on = ScriptedModel(), asyncio.Event()

    async def wait(_: ModelRequest) -> None:
        await go_on.wait()

    model.before = wait
    async with scene(tmp_path, model=model) as stage:
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> hi")
        resumed = asyncio.create_task(stage.client.wait_for("resumed"))
        stage.fake.faults.cause(Drop())
        await asyncio.wait_for(resumed, 10)
        go_on.set()
        await stage.handled.wait(int(said["id"]))
        await stage.settled(stage.ben, stage.channel_id, said["id"])
        assert len(stage.ben.log.messages_since(0, author_id=stage.bot_id)) == 1
        assert len(model.calls) == 1


async def test_the_threads_of_a_channel_open_and_close_with_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        thread = await open_thread(stage)
        async with asyncio.timeout(5):
            while not stage.client.guilds[0].threads:
                await asyncio.sleep(0.01)
        assert int(thread) not in stage.client.open_channels
        await set_up(stage, modes={stage.channel_id: "always"})
        assert int(thread) in stage.client.open_channels
        await set_up(stage, modes={})
        assert int(thread) not in stage.client.open_channels
        await set_up(stage, modes={stage.channel_id: "always", thread: "mention"})
        await unanswered(stage, thread, "not for you")
        assert len(stage.model.calls) == 1
        await unanswered(stage, thread, "not even now that you are in it")
