"""Blasts, and the frames they are made of: what was prepared arrives as if it had been said."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import aiohttp
import discord
import pytest

from bot.harness import FakeDiscord, World
from bot.harness.blast import blast
from bot.harness.control import _is_loopback
from bot.harness.frames import frame

from .conftest import Recorder


async def fire(fake: FakeDiscord, **changes: object) -> tuple[int, dict[str, float]]:
    about = fake.describe()
    asked = {
        "channel_id": about["channel_id"],
        "author_id": about["users"][0]["id"],
        "count": 500,
        "content": "blasted",
    }
    headers = {"Authorization": f"Bearer {fake.control.token}"}
    url = f"{fake.control_url}/blast"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(url, json=asked | changes) as response,
    ):
        return response.status, await response.json()


async def test_the_client_takes_a_blast(bot: Recorder, fake: FakeDiscord) -> None:
    first = bot.ws.sequence
    status, told = await fire(fake)
    assert (status, told["frames"]) == (200, 500)
    await bot.until("message", lambda _: len(bot.all("message")) == 500)
    messages = bot.all("message")
    assert {m.content for m in messages} == {"blasted"}
    assert len({m.id for m in messages}) == 500
    assert messages[0].author.name == "ada"
    assert (first, bot.ws.sequence) == (first, (first or 0) + 500)
    assert await fake.drop_bot() == 1
    await bot.until("resumed")


async def test_a_plain_connection_takes_one_too(fake: FakeDiscord) -> None:
    """Frames are made beforehand here, and come in between what others say."""
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": 1 << 9}})
        await socket.receive_json()
        world = fake.world
        guild = next(iter(world.guilds.values()))
        channel = world.channels[guild.channel_ids[0]]
        told = await blast(fake.gateway_server, channel, world.users[guild.owner_id], 3000, "y" * 9)
        frames = [await socket.receive_json() for _ in range(3000)]
        assert [f["s"] for f in frames] == list(range(2, 3002))
        assert told.size == sum(len(json.dumps(f, separators=(",", ":"))) for f in frames)
        ids = [int(f["d"]["id"]) for f in frames]
        assert ids == sorted(set(ids))


async def test_a_blast_is_not_replayed(fake: FakeDiscord) -> None:
    """Who missed some of it is told so; who had all of it resumes."""
    async with aiohttp.ClientSession() as http:

        async def connect(op: int, **data: object) -> dict[str, Any]:
            socket = await http.ws_connect(fake.gateway)
            await socket.receive_json()
            await socket.send_json({"op": op, "d": {"token": fake.bot_token} | data})
            answer: dict[str, Any] = await socket.receive_json()
            if op == 2:
                await fire(fake)
            return answer

        ready = await connect(2, intents=1 << 9)
        session_id = ready["d"]["session_id"]
        assert (await connect(6, session_id=session_id, seq=501))["t"] == "RESUMED"
        assert (await connect(6, session_id=session_id, seq=2))["op"] == 9


@pytest.mark.parametrize(
    "changes", [{"count": "many"}, {"count": -1}, {"channel_id": 1}, {"author_id": None}]
)
async def test_what_is_no_blast(fake: FakeDiscord, changes: dict[str, object]) -> None:
    status, _ = await fire(fake, **changes)
    assert status == 400


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_frames_of_every_size(size: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.lower().split("sec-websocket-key: ")[1].split("\r\n")[0]
        given = head[head.lower().index(key) :][: len(key)]
        accept = aiohttp.http_websocket.WS_KEY
        digest = base64.b64encode(hashlib.sha1(given.encode() + accept).digest()).decode()  # noqa: S324
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {digest}\r\n\r\n".encode()
        )
        writer.write(frame("é" * (size // 2) + "x" * (size % 2)) + frame(b"\xff" * size))
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
            assert len((await socket.receive_str()).encode()) == size
            assert await socket.receive_bytes() == b"\xff" * size


async def test_a_guild_is_silent_until_it_is_there(fake: FakeDiscord) -> None:
    """Among many guilds the last comes late, and nothing of it comes before."""
    world = fake.world
    for number in range(200):
        last = world.add_guild(f"guild {number}")
    gone = world.add_guild("gone")
    channel = world.channels[last.channel_ids[0]]
    owner = world.users[last.owner_id]
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        await socket.receive_json()
        intents = discord.Intents(guilds=True, typing=True).value
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": intents}})
        while not fake.gateway_server.sessions:
            await asyncio.sleep(0)
        world.conversation.start_typing(channel, owner)
        world.remove_guild(gone)
        names: list[str] = []
        while names.count("GUILD_CREATE") < 201:
            names.append((await socket.receive_json())["t"])
        world.conversation.start_typing(channel, owner)
        names.append((await socket.receive_json())["t"])
    assert names.count("GUILD_DELETE") == 1
    names.remove("GUILD_DELETE")
    assert names == ["READY", *["GUILD_CREATE"] * 201, "TYPING_START"]


async def test_a_server_stops_amid_guilds() -> None:
    world = World()
    for number in range(300):
        world.add_guild(f"guild {number}")
    async with (
        FakeDiscord(world) as fake,
        aiohttp.ClientSession() as http,
        http.ws_connect(fake.gateway) as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": 1}})
        await socket.receive_json()
        await fake.stop()
        async with asyncio.timeout(5):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), (None, False), ("x", False)],
)
def test_what_is_loopback(address: str | None, is_one: bool) -> None:
    assert _is_loopback(address) is is_one
