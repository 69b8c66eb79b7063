"""What is recorded of messages that are more, or less, than a text somebody wrote."""

from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from discord.http import HTTPClient

from bot.harness import FakeDiscord
from tests.front.test_housekeeping import heard
from tests.grepping import files_with
from tests.plugins.privacy.place import ENABLE, command, inputs, press, settled, watched

WEBHOOK_ID = "999999999999999999"
OF_OTHER_KINDS = ("webhook words", "sticker words", "poll words", "embed words", "forwarded words")


@pytest.mark.parametrize("how", ["deleted", "many deleted", "forgotten"])
async def test_of_attached_files_the_text_and_the_names_are_kept(tmp_path: Path, how: str) -> None:
    """They go with their message: one that is asked, and one that is quoted."""
    files = {"notes.txt": b"words in a file", "voice-message.ogg": b"OggS voice bytes"}
    picture = {"holiday.png": b"picture bytes"}
    texts = ("words in a file", "voice-message.ogg", "holiday.png", "words beside it")
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        quoted = await stage.ben.say(stage.channel_id, "", files=files)
        await stage.ask(stage.ben, "words beside it", files=picture)
        await settled(stage)
        assert inputs(stage) == [
            [
                "Ben: [file: notes.txt]\nwords in a file\n[end of file]\n[file: voice-message.ogg]",
                "Ben: words beside it\n[image: holiday.png]",
            ]
        ]
        assert files_with(tmp_path, "OggS voice bytes", "picture bytes") == []
        (asked,) = [m for m in stage.ben.log.messages.values() if "words beside" in m.content]
        ids = [quoted["id"], asked.latest["id"]]
        if how == "forgotten":
            await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
        elif how == "deleted":
            await stage.ben.delete(quoted)
            await stage.ben.delete(asked.latest)
        else:
            path = f"/channels/{stage.channel_id}/messages/bulk-delete"
            await stage.ada.request("POST", path, {"messages": ids})
        await heard(stage, tmp_path, *texts)


async def test_a_file_goes_where_its_message_is_edited(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "see the file", files={"a.txt": b"words in a file"})
        (said,) = [m for m in stage.ben.log.messages.values() if "see the" in m.content]
        await settled(stage)
        assert files_with(tmp_path, "words in a file") != []
        await stage.ben.request(
            "PATCH",
            f"/channels/{stage.channel_id}/messages/{said.latest['id']}",
            {"content": f"<@{stage.bot_id}> no file any more", "attachments": []},
        )
        await heard(stage, tmp_path, "words in a file")
        assert inputs(stage) == [["Ben: no file any more"]]


async def test_what_is_forwarded_is_not_kept(tmp_path: Path) -> None:
    """Neither in a conversation nor as a question, which it is in direct messages."""
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        said = await stage.people["cleo"].say(stage.channel_id, "forwarded words")
        forward = {
            "message_reference": {
                "type": 1,
                "channel_id": stage.channel_id,
                "message_id": said["id"],
            }
        }
        dm = await stage.ben.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], stage.ben, ENABLE)
        await stage.say_in(dm["id"], stage.ben, "", **forward)
        await stage.say_in(dm["id"], stage.ben, "and a question")
        await settled(stage)
        assert files_with(tmp_path, "and a question") != []
        assert files_with(tmp_path, "forwarded words") == []


async def test_of_what_nobody_wrote_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages by webhooks, stickers, polls, embeds alone, and what is forwarded."""
    read = HTTPClient.logs_from

    @wraps(read)
    async def logs_from(http: HTTPClient, *arguments: Any, **more: Any) -> list[Any]:  # noqa: ANN401
        pages = await read(http, *arguments, **more)
        return [changed(dict(message)) for message in pages]

    monkeypatch.setattr(HTTPClient, "logs_from", logs_from)
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        for words in OF_OTHER_KINDS:
            await stage.people["cleo"].say(stage.channel_id, words)
        await stage.ben.say(stage.channel_id, "plain words")
        await stage.ask(stage.ben, "a question")
        await settled(stage)
        assert inputs(stage) == [["Ben: plain words", "Ben: a question"]]
        assert files_with(tmp_path, *OF_OTHER_KINDS) == []


def changed(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the history as Discord tells one of the kind that its text names."""
    kind, _, rest = str(message["content"]).partition(" ")
    words = f"{kind} words"
    if rest != "words" or words not in OF_OTHER_KINDS:
        return message
    # Discord's own say that they are bots; those of whoever stands between need not.
    author = {**message["author"], "id": WEBHOOK_ID, "username": words}
    other: dict[str, dict[str, Any]] = {
        "webhook": {"content": words, "webhook_id": WEBHOOK_ID, "author": author},
        "sticker": {"sticker_items": [{"id": "1", "name": words, "format_type": 1}]},
        "poll": {
            "poll": {
                "question": {"text": words},
                "answers": [{"answer_id": 1, "poll_media": {"text": words}}],
                "expiry": "2030-01-01T00:00:00+00:00",
                "allow_multiselect": False,
                "layout_type": 1,
            }
        },
        "embed": {"embeds": [{"type": "rich", "title": words, "description": words}]},
        "forwarded": {
            "message_reference": {"type": 1, "channel_id": "1", "message_id": "2"},
            "message_snapshots": [
                {"message": {**message, "content": words, "mentions": [], "flags": 0}}
            ],
        },
    }
    return {**message, "content": "", **other[kind]}
