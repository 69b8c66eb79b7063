"""The gateway: intents, refusals, lost connections, members, guilds that come and go."""

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import pytest

from bot.harness import FakeDiscord, Person, World

from .conftest import SOON, Recorder, person, running


async def test_content_is_blank_without_the_intent(
    fake: FakeDiscord, ada: Person, general: str
) -> None:
    intents = discord.Intents.all()
    intents.message_content = False
    async with running(Recorder(intents), fake) as bot:
        assert bot.user is not None
        await ada.say(general, "not for you")
        await ada.say(general, f"<@{bot.user.id}> for you")
        dm = await ada.open_dm(bot.user.id)
        await ada.say(dm["id"], "for you too")
        await bot.until("message", lambda m: m.content == "for you too")
        heard = [m.content for m in bot.all("message")]
        assert heard == ["", f"<@{bot.user.id}> for you", "for you too"]


async def test_events_need_their_intent(fake: FakeDiscord, ada: Person, general: str) -> None:
    intents = discord.Intents(guilds=True, dm_messages=True)
    async with running(Recorder(intents), fake) as bot:
        assert bot.user is not None
        said = await ada.say(general, f"<@{bot.user.id}>")
        await ada.react(said, "👍")
        await ada.type(general)
        dm = await ada.open_dm(bot.user.id)
        await ada.say(dm["id"], "marker")
        await bot.until("message")
        assert [m.content for m in bot.all("message")] == ["marker"]
        assert not bot.all("raw_reaction_add")
        assert not bot.all("raw_typing")


@pytest.mark.parametrize("gone", ["wrong", "revoked"])
async def test_a_bad_token_is_refused(fake: FakeDiscord, gone: str) -> None:
    token = fake.bot_token
    if gone == "revoked":
        fake.revoke_token()
    else:
        token = f"{token}x"
    client = Recorder()
    with pytest.raises(discord.LoginFailure):
        await client.login(token)
    await client.close()
    assert await close_code(fake, {"token": token, "intents": 0, "properties": {}}) == 4004


async def test_disallowed_intents(fake: FakeDiscord) -> None:
    fake.allow_privileged_intents(False)
    client = Recorder()
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await client.start(fake.bot_token)
    await client.close()
    async with running(Recorder(discord.Intents.default()), fake) as bot:
        assert bot.guilds


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"intents": 1 << 40}, 4013),
        ({}, 4013),
        ({"intents": 1, "shard": [2, 2]}, 4010),
    ],
)
async def test_refused_identifies(fake: FakeDiscord, identify: dict[str, Any], code: int) -> None:
    assert await close_code(fake, {"token": fake.bot_token} | identify) == code


@pytest.mark.parametrize("code", [None, 4000, 1000])
async def test_a_lost_connection_resumes(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str, code: int | None
) -> None:
    await ada.say(general, "before")
    await bot.until("message")
    assert await fake.drop_bot(code) == 1
    for i in range(3):
        await ada.say(general, f"meanwhile {i}")
    await bot.until("resumed")
    await bot.until("message", lambda m: m.content == "meanwhile 2")
    expected = ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2"]
    assert [m.content for m in bot.all("message")] == expected
    assert len(bot.all("ready")) == 1
    assert len(fake.gateway_server.sessions) == 2


async def test_a_session_that_is_unknown_is_invalid(fake: FakeDiscord) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        assert (await socket.receive_json())["op"] == 10
        resume = {"token": fake.bot_token, "session_id": "gone", "seq": 1}
        await socket.send_json({"op": 6, "d": resume})
        answer = await socket.receive_json()
        assert (answer["op"], answer["d"]) == (9, False)
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json())["op"] == 11


async def test_members_in_chunks(bot: Recorder, fake: FakeDiscord) -> None:
    guild = bot.guilds[0]
    members = await guild.query_members(user_ids=[u.id for u in fake.world.users.values()])
    assert {m.name for m in members} == {m.name for m in guild.members}
    [ben] = await guild.query_members("be", limit=5)
    assert ben.name == "ben"


async def test_zlib_stream(fake: FakeDiscord) -> None:
    url = f"{fake.gateway}?v=10&compress=zlib-stream"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        inflate = zlib.decompressobj()
        raw = await socket.receive_bytes()
        assert raw.endswith(b"\x00\x00\xff\xff")
        assert json.loads(inflate.decompress(raw))["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": 1}})
        ready = json.loads(inflate.decompress(await socket.receive_bytes()))
        assert (ready["t"], ready["s"]) == ("READY", 1)
        assert ready["d"]["resume_gateway_url"] == fake.gateway


async def test_shards_share_the_guilds(fake: FakeDiscord) -> None:
    for i in range(6):
        fake.world.add_guild(f"g{i}")
    seen = []
    for shard in (0, 1):
        async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
            await socket.receive_json()
            intents = discord.Intents(guilds=True, typing=True).value
            identify = {"token": fake.bot_token, "intents": intents, "shard": [shard, 2]}
            await socket.send_json({"op": 2, "d": identify})
            ready = (await socket.receive_json())["d"]
            assert ready["shard"] == [shard, 2]
            ids = [int(g["id"]) for g in ready["guilds"]]
            assert all((i >> 22) % 2 == shard for i in ids)
            created = [(await socket.receive_json())["d"] for _ in ids]
            assert [int(g["id"]) for g in created] == ids
            seen += ids
            for guild in fake.world.guilds.values():
                channel = fake.world.channel(guild.channel_ids[0])
                fake.world.conversation.start_typing(channel, fake.world.users[guild.owner_id])
            dm = fake.world.open_dm(fake.world.bot, next(iter(fake.world.users.values())))
            fake.world.conversation.start_typing(dm, fake.world.bot)
            wanted = [str(i) for i in ids] + ([None] if shard == 0 else [])
            heard = [(await socket.receive_json())["d"] for _ in wanted]
            assert [typing.get("guild_id") for typing in heard] == wanted
    assert sorted(seen) == sorted(fake.world.guilds)


async def test_two_guilds_are_apart(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    world = fake.world
    second = world.add_guild("Second", channels=("lobby",))
    dora = world.add_person("dora", second)
    joined = await bot.until("guild_join")
    assert (joined.id, joined.name) == (second.id, "Second")
    lobby = second.channel_ids[0]
    async with person(fake, "dora") as someone:
        await someone.say(lobby, "in the second")
        heard = await bot.until("message", lambda m: m.content == "in the second")
        assert heard.guild.id == second.id
        mark = ada.mark()
        await heard.reply("answered there")
        await someone.message_from(world.bot.id, since=0)
        await ada.say(general, "in the first")
        await ada.wait_for(lambda e: e.name == "MESSAGE_CREATE", since=mark)
        assert [m.content for m in ada.log.messages_since(mark)] == ["in the first"]
        assert [m.content for m in someone.log.messages_since(0)] == [
            "in the second",
            "answered there",
        ]
    world.remove_member(second, dora.id)
    assert (await bot.until("member_remove")).name == "dora"
    world.remove_guild(second)
    assert (await bot.until("guild_remove")).id == second.id


async def test_servers_side_by_side_and_again_on_a_port(
    pointed: Callable[[FakeDiscord], None],
) -> None:
    async with FakeDiscord() as one, FakeDiscord(World("Other")) as other:
        assert one.port != other.port
        assert other.describe()["guild_id"] is None
        pointed(one)
        async with running(Recorder(), one):
            pass
        port = one.port
    async with FakeDiscord(port=port) as again:
        assert again.port == port
        with pytest.raises(OSError, match="address already in use"):
            await FakeDiscord(port=port).start()
        token = again.bot_token
        await again.stop()
        await again.start()
        assert (again.port, again.bot_token) == (port, token)
        async with person(again, "ada") as ada:
            assert ada.name == "ada"


async def test_reply_after_waits_for_the_last_edit(
    bot: Recorder, ada: Person, general: str
) -> None:
    assert bot.user is not None
    mark = ada.mark()
    channel = bot.get_partial_messageable(int(general))

    async def stream() -> None:
        message = await channel.send("a")
        for text in ("ab", "abc"):
            await message.edit(content=text)

    streaming = asyncio.create_task(stream())
    [reply] = await ada.reply_after(mark, bot.user.id, channel_id=general, quiet=0.2)
    assert (reply.content, reply.edits) == ("abc", 2)
    await streaming
    with pytest.raises(TimeoutError):
        await ada.reply_after(ada.mark(), bot.user.id, timeout=0.05)


async def test_a_person_is_told_when_the_server_goes(fake: FakeDiscord, ada: Person) -> None:
    waiting = asyncio.create_task(ada.wait_for(lambda _: False, timeout=SOON))
    await fake.stop()
    with pytest.raises(ConnectionError):
        await waiting


async def close_code(fake: FakeDiscord, identify: dict[str, Any]) -> int | None:
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": identify})
        await asyncio.wait_for(socket.receive(), SOON)
        return socket.close_code
