"""Commands: typed, as slash commands, by whom, and where."""

from pathlib import Path

import pytest

from bot.agent.runtime import AgentRuntime
from bot.front import confirmation
from bot.harness import FakeDiscord, Refused, sample_world
from tests.front.scene import Scene, scene


async def status(stage: Scene) -> str:
    (answer,) = await stage.say(stage.ada, "check reasoning status")
    return answer.content


async def test_the_seed_workflow_in_a_channel(tmp_path: Path) -> None:
    """Enable, chat, status with the right count, disable, chat, the same count; still off after
    a restart."""
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            (answer,) = await stage.say(stage.ada, "enable custom reasoning")
            assert "Custom Reasoning Service Enabled!" in answer.content
            await stage.ask(stage.ben, "one")
            await stage.ask(stage.ben, "two")
            assert "Records collected: 2" in await status(stage)
            (answer,) = await stage.say(stage.ada, "disable custom reasoning")
            assert "Records preserved: 2" in answer.content
            await stage.ask(stage.ben, "three")
            assert "Records collected: 2" in await status(stage)
        async with scene(tmp_path, fake=fake) as stage:
            told = await status(stage)
            assert "🔴 **Disabled**" in told
            assert "Records collected: 2" in told
    assert [row["output"] for row in stage.rows()] == ["hello", "hello"]


async def test_enabled_is_restored_before_the_first_message(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            await stage.say(stage.ada, "enable custom reasoning")
        async with scene(tmp_path, fake=fake) as stage:
            await stage.ask(stage.ben, "the very first message")
    assert len(stage.rows()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "don't enable custom reasoning",
        "how do I disable custom reasoning?",
        "he said 'enable custom reasoning'",
    ],
)
async def test_talk_about_a_command_does_nothing(tmp_path: Path, text: str) -> None:
    async with scene(tmp_path) as stage:
        await stage.ada.say(stage.channel_id, text)
        (answer,) = await stage.ask(stage.ada, text)
        assert answer.content == "hello"
        assert "Disabled" in await status(stage)


async def test_deactivate_disables(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.say(stage.ada, "activate custom reasoning")
        (answer,) = await stage.say(stage.ada, "deactivate custom reasoning")
        assert "Disabled" in answer.content


async def test_members_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.say(stage.ben, "enable custom reasoning")
        assert "Manage Server" in answer.content
        for command in ("reasoning enable", "reasoning disable"):
            answer = await stage.slash(stage.ben, command)
            assert answer.ephemeral
            assert "Manage Server" in answer.content
        assert "🔴 **Disabled**" in await status(stage)
        assert "Status" in (await stage.say(stage.ben, "check reasoning status"))[0].content
        assert "Status" in (await stage.slash(stage.ben, "reasoning status")).content


async def test_slash_commands_do_the_same_as_words(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        answer = await stage.slash(stage.ada, "reasoning enable")
        assert "Enabled!" in answer.content
        assert not answer.ephemeral
        await stage.ask(stage.ben, "hi")
        answer = await stage.slash(stage.ada, "reasoning status")
        assert answer.ephemeral
        assert "Records collected: 1" in answer.content
        answer = await stage.slash(stage.ada, "reasoning disable")
        assert "Records preserved: 1" in answer.content


async def test_slash_commands_are_for_guilds_only(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        dm = await stage.ada.open_dm(stage.bot_id)
        with pytest.raises((Refused, LookupError)):
            await stage.ada.slash(None, dm["id"], "reasoning status")


async def test_commands_are_registered_only_when_they_changed(tmp_path: Path) -> None:
    def puts(fake: FakeDiscord) -> int:
        return sum(request.method == "PUT" for request in fake.requests)

    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake):
            assert puts(fake) == 1
        async with scene(tmp_path, fake=fake):
            assert puts(fake) == 1
        fake.world.commands.clear()
        async with scene(tmp_path, fake=fake):
            assert puts(fake) == 2


async def test_in_direct_messages_everyone_is_their_own_admin(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        dm = await stage.ben.open_dm(stage.bot_id)
        (answer,) = await stage.say_in(dm["id"], stage.ben, "enable custom reasoning")
        assert "Enabled!" in answer.content
        await stage.say_in(dm["id"], stage.ben, "just between us")
        assert "🔴 **Disabled**" in await status(stage)
        (said,) = [
            message
            for message in stage.ben.log.messages.values()
            if message.content == "just between us"
        ]
        since = stage.ben.mark()
        await stage.ben.delete(said.latest)
        await stage.ben.wait_for(lambda event: event.name == "MESSAGE_DELETE", since=since)
        (answer,) = await stage.say_in(dm["id"], stage.ben, "check reasoning status")
        assert "Records collected:" in answer.content
        rows = stage.rows(f"dms/{stage.ben.id}.sqlite3")
    assert rows[0]["guild_id"] is None
    assert "just between us" not in rows[0]["input"]
    assert not (tmp_path / "guilds").exists()


async def test_two_guilds_are_islands(tmp_path: Path) -> None:
    world = sample_world()
    ada = next(user for user in world.users.values() if user.name == "ada")
    second = world.add_guild("Second", owner=ada)
    async with FakeDiscord(world) as fake, scene(tmp_path, fake=fake) as stage:
        await stage.say(stage.ada, "enable custom reasoning")
        there = str(second.channel_ids[0])
        (answer,) = await stage.say_in(there, stage.ada, "check reasoning status")
        assert "🔴 **Disabled**" in answer.content
        await stage.say_in(there, stage.ada, f"<@{stage.bot_id}> not recorded")
        await stage.ask(stage.ben, "recorded")
        assert "Records collected: 1" in await status(stage)
    assert "recorded" in stage.rows()[0]["input"]
    assert not (tmp_path / "guilds" / f"{second.id}.sqlite3").exists()


LIKELY = "maybe turn the reasoning thing on?"


async def question(stage: Scene) -> str:
    """A message that is likely a command but not sure: found by asking the matcher itself."""
    for text in (LIKELY, "reasoning on maybe", "I want custom reasoning", "custom model on"):
        if stage.agent.matcher.match(text, addressed=True).outcome == "ask":
            return text
    pytest.fail("no example is merely likely: find another")


async def test_a_likely_command_is_asked_about(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (asked,) = await stage.ask(stage.ada, await question(stage))
        assert asked.content.startswith("Did you mean **")
        sent = await stage.ben.click(asked.latest, "Yes")
        assert (await stage.ben.answer_to(sent)).ephemeral
        since = stage.ada.mark()
        await stage.ada.click(asked.latest, "Yes")
        changed = await stage.ada.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE" and "Custom" in event.data["content"],
            since=since,
        )
        assert changed.data["components"] == []


async def test_a_confirmation_that_breaks_says_so_and_leaves_no_dead_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as stage:
        (asked,) = await stage.ask(stage.ada, await question(stage))
        monkeypatch.setattr(AgentRuntime, "run_action", breaks)
        sent = await stage.ada.click(asked.latest, "Yes")
        assert "did not work" in (await stage.ada.answer_to(sent)).content
        await stage.ada.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE" and event.data["components"] == [],
            since=sent.since,
        )


async def test_a_button_that_breaks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        await stage.slash(stage.ada, "privacy mode", who="opt-in")
        await stage.say(stage.ada, "enable custom reasoning")
        notice, *_ = await stage.ask(stage.ben, "hi")
        monkeypatch.setattr(AgentRuntime, "run_action", breaks)
        sent = await stage.ben.click(notice.latest, "Record me")
        assert "did not work" in (await stage.ben.answer_to(sent)).content


async def breaks(*_: object) -> None:
    raise RuntimeError("a bug")


async def test_no_means_no(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (asked,) = await stage.ask(stage.ada, await question(stage))
        since = stage.ada.mark()
        await stage.ada.click(asked.latest, "No")
        changed = await stage.ada.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE", since=since
        )
        assert "nothing was changed" in changed.data["content"]
        assert "🔴 **Disabled**" in await status(stage)


async def test_a_member_who_confirms_is_still_a_member(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (asked,) = await stage.ask(stage.ben, await question(stage))
        since = stage.ben.mark()
        await stage.ben.click(asked.latest, "Yes")
        changed = await stage.ben.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE", since=since
        )
        assert "Manage Server" in changed.data["content"]
        assert "🔴 **Disabled**" in await status(stage)


async def test_the_question_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "EXPIRES_SECONDS", 0.05)
    async with scene(tmp_path) as stage:
        since = stage.ada.mark()
        await stage.ask(stage.ada, await question(stage))
        changed = await stage.ada.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE", since=since
        )
        assert "no answer in time" in changed.data["content"]
        assert changed.data["components"] == []


async def test_a_stranger_without_a_member_record_changes_nothing(tmp_path: Path) -> None:
    """What the server forbids, it forbids: a person outside the guild cannot even ask."""
    world = sample_world()
    stranger = world.add_person("eve")
    async with (
        FakeDiscord(world) as fake,
        scene(tmp_path, fake=fake) as stage,
    ):
        assert stranger.token is not None
        with pytest.raises(Refused):
            await stage.people["eve"].say(stage.channel_id, "enable custom reasoning")
        assert "🔴 **Disabled**" in await status(stage)
