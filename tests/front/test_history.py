"""What is read back from Discord: the same objects where it is the same, and never what was."""

import copy
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.http import HTTPClient

from bot.front.history import REMEMBERED, History
from tests.front.scene import Scene, scene
from tests.waiting import until


async def question_after(stage: Scene, *texts: str) -> discord.Message:
    """What Ben says last, as the bot knows it."""
    for text in texts:
        said = await stage.ben.say(stage.channel_id, text)
    channel: Any = stage.client.get_channel(int(stage.channel_id))
    found: discord.Message = await channel.fetch_message(int(said["id"]))
    return found


def address(message: discord.Message) -> dict[str, Any]:
    return {"id": str(message.id), "channel_id": str(message.channel.id)}


def texts(messages: Any) -> list[str]:  # noqa: ANN401 - any sequence of messages
    return [message.content for message in messages]


async def test_what_is_the_same_is_made_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        history = History()
        question = await question_after(stage, "one", "two", "three")
        first = await history.before(question, 2)
        assert texts(first) == ["two", "one"]
        later = await question_after(stage, "four")
        again = await history.before(later, 3)
        assert texts(again) == ["three", "two", "one"]
        assert [again[1] is first[0], again[2] is first[1]] == [True, True]


async def test_what_was_edited_or_reacted_to_is_made_anew(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        history = History()
        question = await question_after(stage, "one", "two", "three")
        two, one = await history.before(question, 2)
        await stage.ben.edit(address(one), "uno")
        await stage.ada.react(address(two), "👍")
        other_two, other_one = await history.before(question, 2)
        assert (other_one.content, one.content) == ("uno", "one")
        assert (len(other_two.reactions), len(two.reactions)) == (1, 0)


async def test_what_is_deleted_does_not_stay_in_memory(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        secret = await stage.ben.say(stage.channel_id, "a secret")
        await stage.ask(stage.ben, "hi")
        known = stage.client._conversation._reader._history._known
        assert int(secret["id"]) in known
        await stage.ben.delete(secret)
        await stage.ask(stage.ben, "hi again")
        assert known
        assert "a secret" not in repr(known)


async def test_what_replies_quoted_does_not_stay_in_memory(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        secret = await stage.ben.say(stage.channel_id, "a secret")
        reply = await stage.ada.say(stage.channel_id, "what?", reply_to=secret)
        await stage.ask(stage.ben, "hi")
        known = stage.client._conversation._reader._history._known
        assert "a secret" in repr(known[int(reply["id"])])
        await stage.ben.delete(secret)
        await until(lambda: int(secret["id"]) not in known)
        assert "a secret" not in repr(known)


async def test_what_was_deleted_unseen_does_not_stay_in_memory(tmp_path: Path) -> None:
    """In another session, or with the whole channel."""
    async with scene(tmp_path) as stage:
        known = stage.client._conversation._reader._history._known
        secret = await stage.ben.say(stage.channel_id, "a secret")
        await stage.ask(stage.ben, "hi")
        assert int(secret["id"]) in known
        await stage.client.on_ready()
        assert not known
        await stage.ask(stage.ben, "hi again")
        assert int(secret["id"]) in known
        await stage.ada.request("DELETE", f"/channels/{stage.channel_id}")
        await until(lambda: not known)


async def test_mentions_have_the_names_of_the_day(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.ben.say(stage.channel_id, f"see <#{stage.channel_id}>")
        await stage.ask(stage.ben, "what did I say?")
        assert stage.model.calls[-1].messages[1].content == "see #general"
        await stage.ada.request("PATCH", f"/channels/{stage.channel_id}", {"name": "lounge"})
        channel: Any = stage.client.get_channel(int(stage.channel_id))
        await until(lambda: channel.name == "lounge")
        await stage.ask(stage.ben, "and now?")
        assert stage.model.calls[-1].messages[1].content == "see #lounge"


async def test_only_the_latest_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.front.history.REMEMBERED", 2)
    assert REMEMBERED > 2
    async with scene(tmp_path) as stage:
        history = History()
        question = await question_after(stage, "one", "two", "three", "four")
        assert texts(await history.before(question, 3)) == ["three", "two", "one"]
        assert texts(m for _, m in history._known.values()) == ["two", "one"]


async def test_after_a_reconnection_messages_are_of_the_channel_that_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        history = History()
        question = await question_after(stage, "one", "two")
        (before,) = await history.before(question, 1)
        channel: Any = copy.copy(question.channel)
        question.channel = channel
        (after,) = await history.before(question, 1)
        assert after.content == before.content
        assert (before.channel is channel, after.channel is channel) == (False, True)


async def test_with_another_discord_py_messages_are_read_as_it_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = HTTPClient.logs_from

    def logs_from(self: HTTPClient, channel: int, amount: int, **more: Any) -> Any:  # noqa: ANN401
        return before(self, channel, amount, **more)

    monkeypatch.setattr(HTTPClient, "logs_from", logs_from)
    async with scene(tmp_path) as stage:
        assert "logs_from takes other arguments" in caplog.text
        await stage.ben.say(stage.channel_id, "the cat is called Tom")
        await stage.ask(stage.ben, "what is it called?")
        shown = [message.content for message in stage.model.calls[-1].messages]
        assert shown[1:] == ["the cat is called Tom", "what is it called?"]
