"""Limits as Discord keeps them: buckets, the global one, bans, slow channels, session starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import discord
import pytest

from bot.harness import FakeDiscord, Limits, Rate, Rates, World, sample_world

from .conftest import Recorder, running
from .place import Place, place


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def limited(clock: Clock, limits: Limits) -> AsyncIterator[Place]:
    async with (
        FakeDiscord(World("Limited", clock=clock), limits=limits) as fake,
        place(fake) as where,
    ):
        yield where


async def test_a_bucket_is_of_one_route_and_channel(clock: Clock) -> None:
    rates = Rates(routes={"POST /channels/{channel_id}/messages": Rate(2, 5.0)})
    async with limited(clock, Limits(rates, clock)) as at:
        messages, body = f"{at.here}/messages", {"content": "x"}
        other = at.fake.world.add_channel(at.guild, "other")
        url = f"{at.fake.rest}{messages}"
        for left in (1, 0):
            async with at.bot.http.post(url, json=body) as response:
                assert response.status == 200
                assert response.headers["X-RateLimit-Limit"] == "2"
                assert response.headers["X-RateLimit-Remaining"] == str(left)
                assert response.headers["X-RateLimit-Reset-After"] == "5.000"
                assert float(response.headers["X-RateLimit-Reset"]) == clock.now + 5
                bucket = response.headers["X-RateLimit-Bucket"]
        clock.now += 1.5
        async with at.bot.http.post(url, json=body) as response:
            assert response.status == 429
            refused = await response.json()
            assert refused == {
                "message": "You are being rate limited.",
                "code": 0,
                "retry_after": 3.5,
                "global": False,
            }
            assert response.headers["Retry-After"] == "4"
            assert response.headers["X-RateLimit-Scope"] == "user"
            assert response.headers["X-RateLimit-Bucket"] == bucket
            assert "Via" in response.headers
        assert at.fake.limits.refused == {"POST /channels/{channel_id}/messages": 1}
        await at.ada("POST", messages, body)
        await at.bot("POST", f"/channels/{other.id}/messages", body)
        await at.bot("GET", messages)
        clock.now += 4
        await at.bot("POST", messages, body)


async def test_all_requests_of_an_account_but_interactions(clock: Clock) -> None:
    async with limited(clock, Limits(Rates(everything=Rate(3, 1.0)), clock)) as at:
        for _ in range(3):
            await at.bot("GET", "/users/@me")
        async with at.bot.http.get(f"{at.fake.rest}{at.there}") as response:
            assert (response.status, (await response.json())["global"]) == (429, True)
            assert response.headers["X-RateLimit-Global"] == "true"
            assert response.headers["X-RateLimit-Scope"] == "global"
        await at.bot("POST", "/interactions/1/x/callback", {"type": 5}, expect=404, code=10062)
        await at.ada("GET", "/users/@me")
        clock.now += 1
        await at.bot("GET", "/users/@me")


async def test_too_many_invalid_requests_are_a_ban(clock: Clock) -> None:
    async with limited(clock, Limits(Rates(invalid=Rate(3, 600.0)), clock)) as at:
        for _ in range(3):
            await at.ben("GET", "/channels/1", expect=404)
            await at.ben("PATCH", at.there, {"name": "mine"}, expect=403, code=50013)
        async with at.ben.http.get(f"{at.fake.rest}/users/@me") as response:
            assert (response.status, await response.text()) == (429, "error code: 1015")
            assert "Via" not in response.headers
        await at.bot("GET", "/users/@me")
        clock.now += 600
        await at.ben("GET", "/users/@me")


async def test_edits_of_old_messages(clock: Clock) -> None:
    async with limited(clock, Limits(Rates(old_edits=Rate(1, 3600.0)), clock)) as at:
        said = await at.bot("POST", f"{at.here}/messages", {"content": "x"})
        one = f"{at.here}/messages/{said['id']}"
        for _ in range(3):
            await at.bot("PATCH", one, {"content": "fresh"})
        clock.now += 3601
        await at.bot("PATCH", one, {"content": "old"})
        refused = await at.bot("PATCH", one, {"content": "old"}, expect=429, code=30046)
        assert refused["retry_after"] == 3600


async def test_slow_channels(clock: Clock) -> None:
    async with limited(clock, Limits.off(clock)) as at:
        await at.bot("PATCH", at.here, {"rate_limit_per_user": 10})
        messages, body = f"{at.here}/messages", {"content": "x"}
        await at.ben("POST", messages, body)
        clock.now += 4
        refused = await at.ben("POST", messages, body, expect=429, code=20016)
        assert refused["retry_after"] == pytest.approx(6, abs=0.01)
        at.guild.owner_id = at.ada_id
        at.fake.world.set_roles(at.guild, at.fake.world.bot, [])
        for spared in (at.bot, at.bot, at.ada, at.ada):
            await spared("POST", messages, body)
        clock.now += 6
        await at.ben("POST", messages, body)


async def test_a_real_client_waits_for_its_turn(
    pointed: Callable[[FakeDiscord], None],
) -> None:
    limits = Limits(Rates(routes={"POST /channels/{channel_id}/messages": Rate(2, 0.2)}))
    async with FakeDiscord(sample_world(), limits=limits) as fake:
        pointed(fake)
        async with running(Recorder(), fake) as bot:
            channel = bot.get_partial_messageable(fake.describe()["channel_id"])
            for i in range(5):
                await channel.send(str(i))
            assert [m.content async for m in channel.history(oldest_first=True)] == list("01234")
            assert not limits.refused


async def test_session_starts(clock: Clock) -> None:
    rates = Rates(identifies=Rate(1, 5.0), sessions=Rate(3, 86_400.0), max_concurrency=2)
    async with limited(clock, Limits(rates, clock)) as at:
        told = await at.bot("GET", "/gateway/bot")
        assert told["session_start_limit"] == {
            "total": 3,
            "remaining": 3,
            "reset_after": 86_400_000,
            "max_concurrency": 2,
        }
        assert await identify(at.fake, (0, 4)) == (0, "READY")
        assert await identify(at.fake, (1, 4)) == (0, "READY")
        assert await identify(at.fake, (2, 4)) == (9, False)
        told = await at.bot("GET", "/gateway/bot")
        assert told["session_start_limit"]["remaining"] == 1
        clock.now += 5
        assert await identify(at.fake, (2, 4)) == (0, "READY")
        clock.now += 5
        assert await identify(at.fake, (3, 4)) == (None, 4004)
        assert at.fake.bot_token == ""


async def test_frames_on_a_connection(clock: Clock) -> None:
    async with (
        limited(clock, Limits(Rates(sends=Rate(3, 60.0)), clock)) as at,
        connected(at.fake) as socket,
    ):
        for _ in range(3):
            await socket.send_json({"op": 1, "d": None})
            assert (await socket.receive_json())["op"] == 11
        await socket.send_json({"op": 1, "d": None})
        await socket.receive()
        assert socket.close_code == 4008


async def test_too_many_guilds_for_a_shard(clock: Clock) -> None:
    async with limited(clock, Limits(Rates(guilds_per_shard=2), clock)) as at:
        assert await identify(at.fake, (0, 1)) == (0, "READY")
        for i in range(2):
            at.fake.world.add_guild(f"g{i}")
        assert await identify(at.fake, (0, 1)) == (None, 4011)


async def test_limits_of_discord_leave_a_client_be(pointed: Callable[[FakeDiscord], None]) -> None:
    async with FakeDiscord(sample_world(), limits=Limits.discord()) as fake:
        pointed(fake)
        async with running(Recorder(discord.Intents.default()), fake) as bot:
            await bot.get_partial_messageable(fake.describe()["channel_id"]).send("hello")
            assert not fake.limits.refused


@asynccontextmanager
async def connected(fake: FakeDiscord) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        await socket.receive_json()
        yield socket


async def identify(fake: FakeDiscord, shard: tuple[int, int]) -> tuple[int | None, object]:
    """The op of the answer and its event's name or its data; for a close, None and the code."""
    async with connected(fake) as socket:
        data = {"token": fake.bot_token, "intents": 1, "shard": list(shard)}
        await socket.send_json({"op": 2, "d": data})
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None, socket.close_code
        frame = message.json()
        return frame["op"], frame["t"] or frame["d"]


async def test_strict_limits_are_soon_met(clock: Clock) -> None:
    async with limited(clock, Limits.strict(clock)) as at:
        await at.bot("GET", "/users/@me")
        await at.bot("GET", "/users/@me", expect=429, code=0)


async def test_follow_ups_of_interactions_have_buckets_of_their_own(clock: Clock) -> None:
    hook = "POST /webhooks/{application_id}/{token}"
    async with limited(clock, Limits(Rates(routes={hook: Rate(1, 5.0)}), clock)) as at:
        path = f"/webhooks/{at.fake.world.application.id}"
        for token in ("one", "two"):
            await at.bot("POST", f"{path}/{token}", {"content": "x"}, expect=404, code=10015)
        await at.bot("POST", f"{path}/one", {"content": "x"}, expect=429)
