"""The gateway by its own rules: how frames are packed, why it closes, what op 8 and op 3 do."""

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.harness import FakeDiscord, Intent

from .conftest import SOON

Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def connected(fake: FakeDiscord, query: str = "?v=10") -> AsyncIterator[Socket]:
    """A connection after HELLO."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{fake.gateway}{query}") as socket,
    ):
        assert (await socket.receive_json())["op"] == 10
        yield socket


@asynccontextmanager
async def identified(
    fake: FakeDiscord, intents: int = 1, **more: object
) -> AsyncIterator[tuple[Socket, dict[str, Any]]]:
    """A connection after READY and its guilds, and READY's data."""
    async with connected(fake) as socket:
        data = {"token": fake.bot_token, "intents": int(intents), **more}
        await socket.send_json({"op": 2, "d": data})
        ready = (await socket.receive_json())["d"]
        for _ in ready["guilds"] if intents & 1 else ():
            assert (await socket.receive_json())["t"] == "GUILD_CREATE"
        yield socket, ready


async def until(socket: Socket, name: str) -> dict[str, Any]:
    """The data of the next event of a name."""
    async with asyncio.timeout(SOON):
        while True:
            frame = await socket.receive_json()
            if frame["t"] == name:
                data: dict[str, Any] = frame["d"]
                return data


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["no json"], 4002),
        (["[]"], 4002),
        (['{"op":2,"d":[]}'], 4002),
        (['{"op":99}'], 4001),
        (['{"op":"1"}'], 4001),
        (['{"op":3,"d":{"status":"online"}}'], 4003),
        (['{"op":8,"d":{"guild_id":"1","query":"","limit":0}}'], 4003),
        (['{"op":2,"d":{"token":"wrong","intents":0}}'], 4004),
        (["IDENTIFY", "IDENTIFY"], 4005),
        (["IDENTIFY", '{"op":3,"d":{"status":"asleep"}}'], 4002),
        (["IDENTIFY", '{"op":8,"d":{"guild_id":"1"}}'], 4002),
        (["IDENTIFY", '{"op":8,"d":{"guild_id":"1","query":"","limit":0}}'], 4014),
    ],
)
async def test_closes(fake: FakeDiscord, frames: list[str], code: int) -> None:
    identify = json.dumps({"op": 2, "d": {"token": fake.bot_token, "intents": 1}})
    async with connected(fake) as socket:
        for frame in frames:
            await socket.send_str(identify if frame == "IDENTIFY" else frame)
        async for _ in socket:
            pass
        assert socket.close_code == code


@pytest.mark.parametrize(("query", "code"), [("?v=9", 4012), ("?v=10&encoding=etf", 4002)])
async def test_what_is_not_spoken(fake: FakeDiscord, query: str, code: int) -> None:
    async with connected(fake, query) as socket:
        await socket.receive()
        assert socket.close_code == code


async def test_a_sequence_from_the_future(fake: FakeDiscord) -> None:
    async with identified(fake) as (_, ready), connected(fake) as socket:
        resume = {"token": fake.bot_token, "session_id": ready["session_id"], "seq": 99}
        await socket.send_json({"op": 6, "d": resume})
        await socket.receive()
        assert socket.close_code == 4007


async def test_silence_is_a_timeout(fake: FakeDiscord) -> None:
    fake.gateway_server.heartbeat_ms = 20
    async with connected(fake) as socket:
        await socket.receive()
        assert socket.close_code == 4009


def zstd() -> Callable[[bytes], bytes]:
    library = pytest.importorskip("zstandard")
    stream = library.ZstdDecompressor().decompressobj()
    return lambda raw: bytes(stream.decompress(raw))


async def test_zstd_stream(fake: FakeDiscord) -> None:
    unpack = zstd()
    url = f"{fake.gateway}?v=10&compress=zstd-stream"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        assert json.loads(unpack(await socket.receive_bytes()))["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": 0}})
        ready = json.loads(unpack(await socket.receive_bytes()))
        assert (ready["t"], ready["s"]) == ("READY", 1)
        await socket.send_json({"op": 1, "d": 1})
        assert json.loads(unpack(await socket.receive_bytes()))["op"] == 11


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is not None, reason="zstandard is here")
async def test_text_where_zstd_is_not(fake: FakeDiscord) -> None:
    async with connected(fake, "?v=10&compress=zstd-stream"):
        pass


async def test_members_by_nonce(fake: FakeDiscord) -> None:
    guild_id = fake.describe()["guild_id"]
    intents = Intent.GUILDS | Intent.GUILD_MEMBERS
    async with identified(fake, intents) as (socket, _):
        ask = {"guild_id": guild_id, "query": "", "limit": 0, "nonce": "n"}
        await socket.send_json({"op": 8, "d": ask})
        chunk = await until(socket, "GUILD_MEMBERS_CHUNK")
        assert len(chunk["members"]) == len(fake.world.guild(int(guild_id)).members)
        assert (chunk["nonce"], chunk["chunk_index"], chunk["chunk_count"]) == ("n", 0, 1)
        assert "presences" not in chunk
        ask = {"guild_id": guild_id, "user_ids": ["1"], "nonce": "n" * 33}
        await socket.send_json({"op": 8, "d": ask})
        chunk = await until(socket, "GUILD_MEMBERS_CHUNK")
        assert (chunk["members"], chunk["not_found"]) == ([], ["1"])
        assert "nonce" not in chunk


async def test_a_thousand_members_a_chunk(fake: FakeDiscord) -> None:
    guild = fake.world.add_guild("Large", owner=fake.world.bot)
    for i in range(1500):
        user = fake.world.add_user(f"user{i}", token=None)
        fake.world.add_member(guild, user)
    async with identified(fake, Intent.GUILDS | Intent.GUILD_MEMBERS) as (socket, _):
        await socket.send_json({"op": 8, "d": {"guild_id": str(guild.id), "query": "", "limit": 0}})
        chunks = [await until(socket, "GUILD_MEMBERS_CHUNK") for _ in range(2)]
        assert [len(c["members"]) for c in chunks] == [1000, 501]
        assert [c["chunk_index"] for c in chunks] == [0, 1]
        ask = {"guild_id": str(guild.id), "query": "user1", "limit": 500}
        await socket.send_json({"op": 8, "d": ask})
        assert len((await until(socket, "GUILD_MEMBERS_CHUNK"))["members"]) == 100


async def test_presences(fake: FakeDiscord) -> None:
    seeing = Intent.GUILDS | Intent.GUILD_PRESENCES
    world, guild = fake.world, next(iter(fake.world.guilds.values()))
    ada = next(user for user in world.users.values() if user.name == "ada")
    async with identified(fake, seeing) as (socket, _), connected(fake) as person:
        await person.send_json({"op": 2, "d": {"token": ada.token}})
        seen = await until(socket, "PRESENCE_UPDATE")
        assert (seen["user"]["id"], seen["status"]) == (str(ada.id), "online")
        playing = {"status": "dnd", "activities": [{"name": "chess", "type": 0}], "afk": False}
        await person.send_json({"op": 3, "d": playing})
        seen = await until(socket, "PRESENCE_UPDATE")
        assert (seen["status"], seen["activities"][0]["name"]) == ("dnd", "chess")
        assert seen["guild_id"] == str(guild.id)
        ask = {"guild_id": str(guild.id), "user_ids": [str(ada.id)], "presences": True}
        await socket.send_json({"op": 8, "d": ask})
        assert (await until(socket, "GUILD_MEMBERS_CHUNK"))["presences"][0]["status"] == "dnd"
        await person.close()
        assert (await until(socket, "PRESENCE_UPDATE"))["status"] == "offline"
    async with identified(fake) as (socket, _):
        world.set_presence(ada, {"status": "idle", "activities": []})
        world.conversation.start_typing(world.channel(guild.channel_ids[0]), ada)
        world.add_guild("marker")
        assert (await socket.receive_json())["t"] == "GUILD_CREATE"


async def test_many_guilds(fake: FakeDiscord) -> None:
    """They come while the server does other things, and a guild says nothing before it has come."""
    for i in range(1000):
        fake.world.add_guild(f"g{i}")
    last = list(fake.world.guilds.values())[-1]
    channel, bot = fake.world.channel(last.channel_ids[0]), fake.world.bot
    intents = Intent.GUILDS | Intent.GUILD_MESSAGE_TYPING
    async with connected(fake) as socket:
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": int(intents)}})
        ready = (await socket.receive_json())["d"]
        assert len(ready["guilds"]) == 1001
        fake.world.conversation.start_typing(channel, bot)
        seen: list[str] = []
        while not seen or seen[-1] != str(last.id):
            frame = await socket.receive_json()
            assert frame["t"] == "GUILD_CREATE"
            seen.append(frame["d"]["id"])
        assert seen == [guild["id"] for guild in ready["guilds"]]
        fake.world.conversation.start_typing(channel, bot)
        assert (await socket.receive_json())["t"] == "TYPING_START"
