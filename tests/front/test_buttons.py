"""The buttons under an answer: who may press them, what they do, and after a restart."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent.events import FeedbackGiven, ForgetExchange
from bot.agent.models import ModelError, ModelRequest, ModelResponse
from bot.agent.plugin import Plugin
from bot.agent.runtime import AgentRuntime
from bot.harness import FakeDiscord
from bot.harness.faults import Answer, Duplicate
from bot.store.records import World, WorldKind
from tests.agents import ScriptedModel
from tests.front.buttons import buttons, press, shows, told
from tests.front.scene import Scene, scene
from tests.front.test_bad_days import Writing, ask_and_see_the_beginning

WHOLE = {"🔁", "▶", "👍", "👎", "🗑"}


class Listener:
    """A plugin that hears what people think of answers."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[FeedbackGiven | ForgetExchange] = asyncio.Queue()
        self.plugin = Plugin(
            name="listener",
            description="hears of feedback",
            events={FeedbackGiven: self._hear, ForgetExchange: self._hear},
        )

    async def _hear(self, _: AgentRuntime, event: FeedbackGiven | ForgetExchange) -> None:
        self.heard.put_nowait(event)

    async def next(self) -> FeedbackGiven | ForgetExchange:
        async with asyncio.timeout(5):
            return await self.heard.get()


class Reasoner(ScriptedModel):
    """A model that tells how it came to its answer."""

    async def answer(self, request: ModelRequest) -> ModelResponse:
        response = await super().answer(request)
        return replace(response, reasoning="First I thought. Be kind. Then I knew.")


async def test_a_whole_answer_has_its_buttons_and_posts_them_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        assert buttons(answer.latest).keys() == WHOLE
        assert answer.edits == 0


async def test_stop_keeps_what_is_there_and_is_for_the_asker_and_moderators(
    tmp_path: Path,
) -> None:
    for who in ("ben", "ada"):
        writing = Writing("one two", "one two three")
        async with scene(tmp_path / who, model=writing.model) as stage:
            since, question = await ask_and_see_the_beginning(stage, "one two")
            (growing,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
            assert buttons(growing.latest).keys() == {"⏹"}
            assert "Only the person" in await told(stage.people["cleo"], growing.latest, "⏹")
            await press(stage.people[who], growing.latest, "⏹")
            await stage.handled.wait(int(question))
            after = await shows(stage, stage.ben, growing.latest, "one two", *WHOLE)
            assert buttons(after).keys() == WHOLE


async def test_made_again_it_takes_the_place_of_the_old_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "Only the person" in await told(stage.people["cleo"], answer.latest, "🔁")
        stage.model.text = "hello again"
        await press(stage.ben, answer.latest, "🔁")
        await shows(stage, stage.ben, answer.latest, "hello again", *WHOLE)
        assert len(stage.ben.log.messages_since(0, author_id=stage.bot_id)) == 2
        first, second = (call.messages for call in stage.model.calls)
        assert first == second
    assert [row["output"] for row in stage.rows()] == ["hello", "hello again"]


async def test_made_again_a_long_answer_leaves_nothing_behind(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(20))
    async with scene(tmp_path, model=ScriptedModel(text=text)) as stage:
        parts = await stage.ask(stage.ben, "much, please")
        assert len(parts) > 2
        assert [bool(buttons(part.latest)) for part in parts] == [False] * (len(parts) - 1) + [True]
        stage.model.text = "short"
        await press(stage.ben, parts[-1].latest, "🔁")
        await shows(stage, stage.ben, parts[0].latest, "short", *WHOLE)
        gone = {part.latest["id"] for part in parts[1:]}
        await stage.ben.wait_for(
            lambda _: all(stage.ben.log.messages[message_id].deleted for message_id in gone),
            since=0,
        )


async def test_an_answer_that_cannot_be_made_again_stays(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        since = stage.ben.mark()
        stage.model.fails_with = ModelError("down")
        await press(stage.ben, answer.latest, "🔁")
        sorry = await stage.ben.message_from(stage.bot_id, since=since)
        assert "could not answer" in sorry.content
        await shows(stage, stage.ben, answer.latest, "hello", *WHOLE)


async def test_after_an_apology_one_can_try_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.model.fails_with = ModelError("down")
        (sorry,) = await stage.ask(stage.ben, "hi")
        assert buttons(sorry.latest).keys() == {"🔁"}
        stage.model.fails_with = None
        await press(stage.ben, sorry.latest, "🔁")
        await shows(stage, stage.ben, sorry.latest, "hello", *WHOLE)


async def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "tell me")
        stage.model.text = "and so on"
        since = stage.ben.mark()
        await press(stage.ben, answer.latest, "▶")
        more = await stage.ben.message_from(stage.bot_id, since=since)
        assert more.content == "and so on"
        assert more.latest["message_reference"]["message_id"] == answer.latest["id"]
        assert "🔁" not in buttons(more.latest)
        said = [(m.role, m.content) for m in stage.model.calls[-1].messages[-3:]]
        assert said == [
            ("user", "tell me"),
            ("assistant", "hello"),
            ("user", "Go on where you stopped."),
        ]


async def test_buttons_outlive_a_restart(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            (answer,) = await stage.ask(stage.ben, "hi")
        listener = Listener()
        async with scene(tmp_path, listener.plugin, fake=fake) as stage:
            stage.model.text = "hello from the new one"
            since = stage.ben.mark()
            await press(stage.ben, answer.latest, "🔁")
            event = await stage.ben.wait_for(
                lambda event: (
                    event.name == "MESSAGE_UPDATE"
                    and event.data["id"] == answer.latest["id"]
                    and event.data["content"] == stage.model.text
                    and buttons(event.data).keys() == WHOLE
                ),
                since=since,
            )
            await told(stage.ada, event.data, "👍")
            assert await listener.next() == FeedbackGiven(
                int(answer.latest["id"]), int(stage.ada.id), 1
            )


async def test_a_stop_button_left_behind_by_a_crash_heals_itself(tmp_path: Path) -> None:
    writing = Writing("one two", "one two three")
    async with FakeDiscord() as fake:
        async with scene(tmp_path, model=writing.model, fake=fake) as stage:
            since, _ = await ask_and_see_the_beginning(stage, "one two")
            (growing,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
            # It cannot tidy up, as after a power cut.
            for route in ("PATCH /channels/*/messages/*", "POST /channels/*/messages"):
                fake.faults.cause(Answer(route, 403, times=50))
        fake.faults.clear()
        async with scene(tmp_path, fake=fake) as stage:
            answer = await stage.ben.answer_to(await press(stage.ben, growing.latest, "⏹"))
            assert "not being made" in answer.content
            (message,) = [
                m
                for m in await stage.ben.history(stage.channel_id)
                if m["id"] == growing.latest["id"]
            ]
            assert buttons(message).keys() == WHOLE


async def test_leaving_leaves_no_button_that_does_nothing(tmp_path: Path) -> None:
    writing = Writing("one two", "one two three")
    async with FakeDiscord() as fake:
        async with scene(tmp_path, model=writing.model, fake=fake) as stage:
            since, _ = await ask_and_see_the_beginning(stage, "one two")
            (growing,) = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        async with scene(tmp_path, fake=fake) as stage:
            (message,) = [
                m
                for m in await stage.ben.history(stage.channel_id)
                if m["id"] == growing.latest["id"]
            ]
    assert buttons(message).keys() == WHOLE


async def test_votes_by_button_and_by_reaction_are_one_a_person(tmp_path: Path) -> None:
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        reply_id, ben = int(answer.latest["id"]), int(stage.ben.id)
        assert "Thank you" in await told(stage.ben, answer.latest, "👍")
        assert await listener.next() == FeedbackGiven(reply_id, ben, 1)
        assert "taken back" in await told(stage.ben, answer.latest, "👍")
        assert await listener.next() == FeedbackGiven(reply_id, ben, 0)
        await stage.ben.react(answer.latest, "👎🏽")
        assert await listener.next() == FeedbackGiven(reply_id, ben, -1)
        await stage.ben.react(answer.latest, "🎉")
        await stage.ben.unreact(answer.latest, "👎🏽")
        assert await listener.next() == FeedbackGiven(reply_id, ben, 0, withdrawn=-1)
        dm = await stage.ben.open_dm(stage.bot_id)
        (private,) = await stage.say_in(dm["id"], stage.ben, "in private")
        await stage.ben.react(private.latest, "👍")
        assert await listener.next() == FeedbackGiven(int(private.latest["id"]), ben, 1)


async def test_reactions_on_what_others_said_are_no_votes(tmp_path: Path) -> None:
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        said = await stage.ada.say(stage.channel_id, "I like cats")
        (answer,) = await stage.ask(stage.ben, "hi")
        await stage.ben.react(said, "👍")
        message = stage.client.get_partial_messageable(int(stage.channel_id)).get_partial_message(
            int(answer.latest["id"])
        )
        await message.add_reaction("👍")
        await stage.ben.react(answer.latest, "👎")
        heard = await listener.next()
        assert isinstance(heard, FeedbackGiven)
        assert heard.value == -1
        assert listener.heard.empty()


async def test_a_press_that_is_dispatched_twice_counts_once(tmp_path: Path) -> None:
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        stage.fake.faults.cause(Duplicate("INTERACTION_CREATE"))
        await told(stage.ben, answer.latest, "👍")
        await told(stage.ada, answer.latest, "👎")
        values = [(await listener.next()).value for _ in range(2)]  # type: ignore[union-attr]
        assert values == [1, -1]


async def test_keeping_an_exchange_out_of_the_records(tmp_path: Path) -> None:
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        assert "Only the person" in await told(stage.people["cleo"], answer.latest, "🗑")
        assert "kept out" in await told(stage.ben, answer.latest, "🗑")
        assert await listener.next() == ForgetExchange(
            stage.model.calls[0].id, int(answer.latest["id"]), int(stage.ben.id)
        )


async def test_reasoning_is_shown_to_who_asks_and_without_the_system_prompt(
    tmp_path: Path,
) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, model=Reasoner(), fake=fake) as stage:
            (answer,) = await stage.ask(stage.ben, "hi")
            assert "💭" in buttons(answer.latest)
            reasoning = await told(stage.people["cleo"], answer.latest, "💭")
            assert reasoning == "First I thought. […] Then I knew."
        async with scene(tmp_path, fake=fake) as stage:
            assert "not kept" in await told(stage.ben, answer.latest, "💭")


async def test_reasoning_outlives_a_restart_in_the_records(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, model=Reasoner(), fake=fake) as stage:
            await stage.say(stage.ada, "enable custom reasoning")
            (answer,) = await stage.ask(stage.ben, "hi")
        async with scene(tmp_path, fake=fake) as stage:
            reasoning = await told(stage.ben, answer.latest, "💭")
            assert reasoning == "First I thought. […] Then I knew."


async def test_an_edited_question_is_offered_to_be_answered_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        said = await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> waht is it?")
        await stage.handled.wait(int(said["id"]))
        await stage.settled(stage.ben, stage.channel_id, said["id"])
        (answer,) = stage.ben.log.messages_since(0, author_id=stage.bot_id)
        await stage.ben.edit(said, f"<@{stage.bot_id}> what is it?")
        await stage.ben.wait_for(
            lambda event: (
                event.name == "MESSAGE_UPDATE"
                and "Answer the edited question" in str(event.data["components"])
            ),
            since=0,
        )
        stage.model.text = "a cat"
        await press(stage.ben, answer.latest, "🔁")
        after = await shows(stage, stage.ben, answer.latest, "a cat", *WHOLE)
        assert "edited" not in str(after["components"])
        assert stage.model.calls[-1].messages[-1].content == "what is it?"


async def test_deleting_the_question_takes_the_answer_away(tmp_path: Path) -> None:
    writing = Writing("one two", "one two three")
    async with scene(tmp_path, model=writing.model) as stage:
        _, question = await ask_and_see_the_beginning(stage, "one two")
        await stage.ben.delete({"id": question, "channel_id": stage.channel_id})
        await stage.handled.wait(int(question))
        assert [m["id"] for m in await stage.ben.history(stage.channel_id)] == []


@pytest.mark.parametrize("status", [404, 500])
async def test_an_interaction_that_expired_breaks_nothing(tmp_path: Path, status: int) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        stage.fake.faults.cause(Answer("POST /interactions/*/*/callback", status))
        await press(stage.ben, answer.latest, "🔁")
        stage.model.text = "hello again"
        await press(stage.ben, answer.latest, "🔁")
        await shows(stage, stage.ben, answer.latest, "hello again", *WHOLE)


async def test_buttons_work_in_direct_messages(tmp_path: Path) -> None:
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        dm = await stage.ben.open_dm(stage.bot_id)
        (answer,) = await stage.say_in(dm["id"], stage.ben, "hi")
        stage.model.text = "hello again"
        await press(stage.ben, answer.latest, "🔁")
        after = await shows(stage, stage.ben, answer.latest, "hello again", *WHOLE)
        first, second = (call.messages for call in stage.model.calls)
        assert first == second
        await told(stage.ben, after, "👎")
        assert await listener.next() == FeedbackGiven(
            int(answer.latest["id"]), int(stage.ben.id), -1
        )


async def test_no_button_gets_around_a_cooldown_or_the_allowed_roles(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        await stage.client.book.change(guild_of(stage), 1, person_cooldown=3600)
        assert "again in" in await told(stage.ben, answer.latest, "🔁")
        assert "cooldown" in await told(stage.ben, answer.latest, "▶")
        changes = {"person_cooldown": 0, "allowed_roles": [5]}
        await stage.client.book.change(guild_of(stage), 1, **changes)
        assert "roles" in await told(stage.ben, answer.latest, "🔁")
        stage.model.text = "hello again"
        await press(stage.ada, answer.latest, "🔁")
        await shows(stage, stage.ben, answer.latest, "hello again", *WHOLE)


def guild_of(stage: Scene) -> World:
    """The scene's server."""
    return World(WorldKind.GUILD, int(stage.guild_id))


async def test_after_a_restart_a_split_answer_is_made_again_beside_the_old_one(
    tmp_path: Path,
) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(12))
    async with FakeDiscord() as fake:
        async with scene(tmp_path, model=ScriptedModel(text=text), fake=fake) as stage:
            *_, last = await stage.ask(stage.ben, "at length, please")
        async with scene(tmp_path, model=ScriptedModel(text="in short"), fake=fake) as stage:
            since = stage.ben.mark()
            await press(stage.ben, last.latest, "🔁")
            new = await stage.ben.message_from(stage.bot_id, since=since)
            assert new.content == "in short"


async def test_a_button_takes_a_vote_back_also_after_a_restart(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            await stage.say(stage.ada, "enable custom reasoning")
            (answer,) = await stage.ask(stage.ben, "hi")
            assert "Thank you" in await told(stage.ben, answer.latest, "👍")
        async with scene(tmp_path, fake=fake) as stage:
            assert "taken back" in await told(stage.ben, answer.latest, "👍")
            assert "Thank you" in await told(stage.ben, answer.latest, "👍")


async def test_a_reaction_on_any_part_and_the_button_are_one_vote(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(12))
    listener = Listener()
    async with scene(tmp_path, listener.plugin, model=ScriptedModel(text=text)) as stage:
        first, *_, last = await stage.ask(stage.ben, "at length, please")
        await told(stage.ben, last.latest, "👍")
        await listener.next()
        await stage.ben.react(first.latest, "👎")
        await listener.next()
        # The last vote was the other one: this is no taking back.
        assert "👍" in await told(stage.ben, last.latest, "👍")


async def test_an_answer_that_lost_a_part_is_made_again_beside_what_is_left(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(12))
    async with scene(tmp_path, model=ScriptedModel(text=text)) as stage:
        first, *_, last = await stage.ask(stage.ben, "at length, please")
        await stage.ada.delete(first.latest)
        stage.model.text = "in short"
        since = stage.ben.mark()
        await press(stage.ben, last.latest, "🔁")
        new = await stage.ben.message_from(stage.bot_id, since=since)
        assert new.content == "in short"
        assert "⏹" not in buttons(stage.ben.log.messages[last.latest["id"]].latest)


@pytest.mark.parametrize("emoji", [None, "👍"])
async def test_reactions_that_a_moderator_takes_off_were_votes(
    tmp_path: Path, emoji: str | None
) -> None:
    """All of them, or all of one emoji; whoever voted by the button keeps their vote."""
    listener = Listener()
    async with scene(tmp_path, listener.plugin) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        reply_id, cleo = int(answer.latest["id"]), stage.people["cleo"]
        await told(stage.ben, answer.latest, "👍")
        await stage.ada.react(answer.latest, "👎")
        await cleo.react(answer.latest, "👎")
        await cleo.unreact(answer.latest, "👎")
        await cleo.react(answer.latest, "👍")
        heard = [await listener.next() for _ in range(5)]
        assert heard[-1] == FeedbackGiven(reply_id, int(cleo.id), 1)
        await stage.ada.clear_reactions(answer.latest, emoji)
        gone = {FeedbackGiven(reply_id, int(cleo.id), 0, withdrawn=1)}
        if emoji is None:
            gone.add(FeedbackGiven(reply_id, int(stage.ada.id), 0, withdrawn=-1))
        assert {await listener.next() for _ in gone} == gone
        # Ben's was the button: pressed again it is taken back, and so it was still there.
        assert "taken back" in await told(stage.ben, answer.latest, "👍")
        assert await listener.next() == FeedbackGiven(reply_id, int(stage.ben.id), 0)
