"""Messages by the real client: say, reply, edit, delete, react, read."""

import io
from collections.abc import Callable

import aiohttp
import discord
import pytest

from bot.harness import FakeDiscord, Permission, Person, Refused
from bot.harness.model import Overwrite, OverwriteType

from .conftest import Recorder


def channel_of(bot: Recorder, channel_id: str) -> discord.TextChannel:
    channel = bot.get_channel(int(channel_id))
    assert isinstance(channel, discord.TextChannel)
    return channel


def has(content: str) -> Callable[[discord.Message], bool]:
    return lambda message: message.content == content


async def test_ready_knows_the_guild(bot: Recorder, fake: FakeDiscord) -> None:
    assert bot.user is not None
    assert str(bot.user.id) == fake.describe()["bot_user_id"]
    [guild] = bot.guilds
    assert [c.name for c in guild.text_channels] == ["general", "workshop"]
    assert {m.name for m in guild.members} >= {"ada", "ben", "cleo", "Understudy"}
    assert not fake.unknown_routes


async def test_a_message_and_its_reply(bot: Recorder, ada: Person, general: str) -> None:
    said = await ada.say(general, f"hello <@{bot.user.id if bot.user else 0}>")
    heard = await bot.until("message", has(said["content"]))
    assert heard.author.name == "ada"
    assert isinstance(heard.author, discord.Member)
    assert heard.author.guild_permissions.manage_guild
    assert bot.user in heard.mentions

    mark = ada.mark()
    await heard.reply("hi Ada", mention_author=False)
    seen = await ada.message_from(bot.user.id, since=mark) if bot.user else None
    assert seen is not None
    assert seen.content == "hi Ada"
    assert seen.latest["message_reference"]["message_id"] == said["id"]
    assert seen.latest["referenced_message"]["content"] == said["content"]
    assert seen.latest["mentions"] == []


async def test_edits_and_deletions_are_seen_by_both(
    bot: Recorder, ada: Person, general: str
) -> None:
    said = await ada.say(general, "one")
    await ada.edit(said, "two")
    edit = await bot.until("raw_message_edit")
    assert edit.data["content"] == "two"
    assert edit.data["edited_timestamp"] is not None
    await ada.delete(said)
    gone = await bot.until("raw_message_delete")
    assert str(gone.message_id) == said["id"]

    mark = ada.mark()
    mine = await channel_of(bot, general).send("draft")
    await mine.edit(content="final")
    await mine.delete()
    await ada.wait_for(lambda e: e.name == "MESSAGE_DELETE", since=mark)
    seen = ada.log.messages[str(mine.id)]
    assert (seen.content, seen.edits, seen.deleted) == ("final", 1, True)


async def test_reactions(bot: Recorder, ada: Person, general: str) -> None:
    said = await ada.say(general, "vote")
    await ada.react(said, "👍")
    added = await bot.until("raw_reaction_add")
    assert (str(added.emoji), added.member.name) == ("👍", "ada")
    heard = await bot.until("message", has("vote"))
    await heard.add_reaction("👍")
    fetched = await heard.channel.fetch_message(heard.id)
    [reaction] = fetched.reactions
    assert (reaction.count, reaction.me) == (2, True)
    assert {u.name async for u in reaction.users()} == {"ada", "Understudy"}
    await ada.unreact(said, "👍")
    await bot.until("raw_reaction_remove")
    with pytest.raises(Refused, match="10014"):
        await ada.react(said, "thumbs")


async def test_history_is_newest_first_and_paged(bot: Recorder, ada: Person, general: str) -> None:
    said = [await ada.say(general, f"m{i}") for i in range(7)]
    channel = channel_of(bot, general)
    assert [m.content async for m in channel.history(limit=3)] == ["m6", "m5", "m4"]
    middle = discord.Object(int(said[3]["id"]))
    assert [m.content async for m in channel.history(limit=2, before=middle)] == ["m2", "m1"]
    after = [m.content async for m in channel.history(limit=2, after=middle, oldest_first=True)]
    assert after == ["m4", "m5"]
    around = [m.content async for m in channel.history(limit=3, around=middle)]
    assert sorted(around) == ["m2", "m3", "m4"]
    assert [m["content"] for m in await ada.history(general, limit=2)] == ["m6", "m5"]


async def test_bulk_delete_needs_the_permission(
    fake: FakeDiscord, bot: Recorder, ada: Person, general: str
) -> None:
    messages = [discord.Object(int((await ada.say(general, t))["id"])) for t in "abc"]
    channel = channel_of(bot, general)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.delete_messages(messages)
    assert refused.value.code == 50013
    allow_bot(fake, general, Permission.MANAGE_MESSAGES)
    await channel.delete_messages(messages)
    gone = await bot.until("raw_bulk_message_delete")
    assert gone.message_ids == {m.id for m in messages}
    assert await ada.history(general) == []


async def test_files_can_be_downloaded(bot: Recorder, ada: Person, general: str) -> None:
    await ada.say(general, "", files={"notes.txt": b"some notes"})
    heard = await bot.until("message")
    [attachment] = heard.attachments
    assert (attachment.filename, attachment.size) == ("notes.txt", 10)
    assert await attachment.read() == b"some notes"
    mark = ada.mark()
    await heard.channel.send("", file=discord.File(io.BytesIO(b"reply"), "reply.txt"))
    seen = await ada.message_from(heard.guild.me.id, since=mark)
    async with aiohttp.request("GET", seen.latest["attachments"][0]["url"]) as response:
        assert await response.read() == b"reply"


async def test_typing_and_direct_messages(bot: Recorder, ben: Person, fake: FakeDiscord) -> None:
    channel = await ben.open_dm(fake.describe()["bot_user_id"])
    await ben.say(channel["id"], "psst")
    heard = await bot.until("message", has("psst"))
    assert isinstance(heard.channel, discord.DMChannel)
    mark = ben.mark()
    async with heard.channel.typing():
        await ben.wait_for(lambda e: e.name == "TYPING_START", since=mark)
    await heard.channel.send("what?")
    await ben.message_from(fake.describe()["bot_user_id"], since=mark)
    user = await bot.fetch_user(int(ben.id))
    assert (await user.create_dm()).id == heard.channel.id


async def test_threads(bot: Recorder, ada: Person, general: str) -> None:
    said = await ada.say(general, "topic")
    heard = await bot.until("message", has("topic"))
    thread = await heard.create_thread(name="more")
    assert str(thread.id) == said["id"]
    created = await ada.wait_for(lambda e: e.name == "THREAD_CREATE", since=0)
    assert created.data["parent_id"] == general
    await ada.say(thread.id, "inside")
    inside = await bot.until("message", has("inside"))
    assert isinstance(inside.channel, discord.Thread)
    with pytest.raises(discord.HTTPException) as again:
        await heard.create_thread(name="twice")
    assert again.value.code == 160004


async def test_mentions_honour_allowed_mentions(
    bot: Recorder, ada: Person, ben: Person, general: str
) -> None:
    text = f"@everyone <@{ben.id}>"
    quiet = await channel_of(bot, general).send(text)
    assert (quiet.mentions, quiet.mention_everyone) == ([], False)
    loud = await ada.say(general, text)
    assert ([m["id"] for m in loud["mentions"]], loud["mention_everyone"]) == ([ben.id], True)
    picked = await ada.say(general, text, allowed_mentions={"users": [ben.id]})
    assert ([m["id"] for m in picked["mentions"]], picked["mention_everyone"]) == ([ben.id], False)


@pytest.mark.parametrize(
    ("content", "code", "nested"),
    [
        ("", 50006, None),
        ("   ", 50006, None),
        (
            "x" * 2001,
            50035,
            {
                "content": {
                    "_errors": [
                        {
                            "code": "BASE_TYPE_MAX_LENGTH",
                            "message": "Must be 2000 or fewer in length.",
                        }
                    ]
                }
            },
        ),
    ],
)
async def test_refused_content(
    ada: Person, general: str, content: str, code: int, nested: dict[str, object] | None
) -> None:
    with pytest.raises(Refused) as refused:
        await ada.say(general, content)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.body.get("errors") == nested
    assert (await ada.say(general, "x" * 2000))["content"] == "x" * 2000


async def test_who_may_not(
    fake: FakeDiscord, bot: Recorder, ada: Person, ben: Person, general: str
) -> None:
    said = await ada.say(general, "mine")
    with pytest.raises(Refused, match="50005"):
        await ben.edit(said, "no, mine")
    with pytest.raises(Refused, match="50013"):
        await ben.delete(said)
    with pytest.raises(Refused, match="10008"):
        await ben.edit(said | {"id": general}, "nothing")
    deny_everyone(fake, general, Permission.SEND_MESSAGES)
    with pytest.raises(Refused, match="50013"):
        await ben.say(general, "hush")
    with pytest.raises(discord.Forbidden):
        await channel_of(bot, general).send("hush")
    deny_everyone(fake, general, Permission.VIEW_CHANNEL)
    mark = ben.mark()
    with pytest.raises(Refused, match="50001"):
        await ben.history(general)
    await ada.say(general, "only admins see this")
    dm = await ben.open_dm(ada.id)
    await ada.say(dm["id"], "marker")
    await ben.wait_for(lambda e: e.name == "MESSAGE_CREATE", since=mark)
    assert [m.content for m in ben.log.messages_since(mark)] == ["marker"]


async def test_unknown_routes_and_wrong_tokens(fake: FakeDiscord, ada: Person) -> None:
    with pytest.raises(Refused) as refused:
        await ada.request("GET", "/guilds/1/vanity-url")
    assert refused.value.body == {"message": "404: Not Found", "code": 0}
    assert fake.unknown_routes == {"GET /guilds/1/vanity-url": 1}
    url = f"{fake.rest}/users/@me"
    for header in ("", ada.token + "x", f"Bot {ada.token}", fake.bot_token):
        async with aiohttp.request("GET", url, headers={"Authorization": header}) as response:
            assert response.status == 401
            assert await response.json() == {"message": "401: Unauthorized", "code": 0}
            assert response.headers["Content-Type"] == "application/json"


async def test_a_form_without_files_is_read(fake: FakeDiscord, general: str) -> None:
    """As py-cord answers interactions."""
    url = f"{fake.rest}/channels/{general}/messages"
    headers = {"Authorization": f"Bot {fake.bot_token}"}
    form = aiohttp.FormData({"payload_json": '{"content": "a=1&b=ü"}'})
    async with aiohttp.request("POST", url, data=form, headers=headers) as response:
        assert response.status == 200
        assert (await response.json())["content"] == "a=1&b=ü"
    broken = aiohttp.FormData({"payload_json": "{"})
    async with aiohttp.request("POST", url, data=broken, headers=headers) as response:
        assert (await response.json())["code"] == 50109


async def test_the_request_log(fake: FakeDiscord, ada: Person, general: str) -> None:
    await ada.say(general, "logged")
    last = fake.requests[-1]
    assert (last.method, last.path, last.status) == ("POST", f"/channels/{general}/messages", 200)
    assert last.body["content"] == "logged"
    assert str(last.user_id) == ada.id


def deny_everyone(fake: FakeDiscord, channel_id: str, denied: Permission) -> None:
    channel = fake.world.channel(int(channel_id))
    rule = Overwrite(channel.guild_id or 0, OverwriteType.ROLE, allow=0, deny=int(denied))
    fake.world.set_overwrite(channel, rule)


def allow_bot(fake: FakeDiscord, channel_id: str, allowed: Permission) -> None:
    rule = Overwrite(fake.world.bot.id, OverwriteType.MEMBER, allow=int(allowed), deny=0)
    fake.world.set_overwrite(fake.world.channel(int(channel_id)), rule)
