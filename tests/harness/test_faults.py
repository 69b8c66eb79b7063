"""Faults on demand: for each of them the real client does what it does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest

from bot.harness import FakeDiscord, Person
from bot.harness.faults import (
    Answer,
    CutBody,
    Delay,
    Down,
    Drop,
    Duplicate,
    ExpireInteraction,
    Fault,
    Freeze,
    Garbage,
    InvalidSession,
    NoAnswer,
    Oversized,
    Reconnect,
    Reorder,
    RevokeToken,
    SlowBody,
    Thaw,
    from_json,
    to_json,
)

from .conftest import SOON, Recorder, person, running

SEND = "POST /channels/{channel_id}/messages"


class Hasty(Recorder):
    """Identifies again at once."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        pass


@pytest.fixture
async def bot(fake: FakeDiscord) -> AsyncIterator[Recorder]:
    async with running(Hasty(), fake) as client:
        yield client


def says(text: str) -> Any:  # noqa: ANN401 - a predicate for `until`
    return lambda message: message.content == text


def channel_of(bot: Recorder, general: str) -> discord.PartialMessageable:
    return bot.get_partial_messageable(int(general))


# The gateway


@pytest.mark.parametrize(
    "fault",
    [Drop(), Drop(4000), Drop(1000), Reconnect(), InvalidSession(resumable=True)],
    ids=repr,
)
async def test_the_client_resumes(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str, fault: Fault
) -> None:
    mark = fake.trace.mark()
    assert fake.faults.cause(fault) == 1
    await ada.say(general, "meanwhile")
    await bot.until("resumed")
    await bot.until("message", says("meanwhile"))
    assert len(bot.all("message")) == 1
    assert len(bot.all("ready")) == 1
    assert len(fake.trace.received(6, since=mark)) == 1
    assert not fake.trace.received(2, since=mark)


async def test_a_session_that_is_gone_begins_anew(bot: Recorder, fake: FakeDiscord) -> None:
    mark = fake.trace.mark()
    session_id = bot.ws.session_id
    assert session_id in fake.gateway_server.sessions
    fake.faults.cause(InvalidSession(resumable=False))
    assert session_id not in fake.gateway_server.sessions
    await fake.trace.wait_for(lambda e: e.is_dispatch("READY"), since=mark)
    async with asyncio.timeout(SOON):
        while len(bot.all("ready")) < 2:
            await asyncio.sleep(0.01)
    assert not bot.all("resumed")


async def test_a_frozen_gateway_is_left(fake: FakeDiscord) -> None:
    fake.gateway_server.heartbeat_ms = 50
    client = Hasty()
    client._connection.heartbeat_timeout = 0.2
    async with running(client, fake) as bot:
        mark = fake.trace.mark()
        fake.faults.cause(Freeze())
        closed = await fake.trace.wait_for(lambda e: e.data.get("event") == "closed", since=mark)
        assert closed.data["code"] == 4000
        fake.faults.cause(Thaw())
        await bot.until("resumed")


async def test_acknowledgements_stop_but_events_go_on(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    fake.faults.cause(Freeze(acks_only=True))
    mark = fake.trace.mark()
    await bot.ws.send_as_json({"op": 1, "d": None})
    await fake.trace.wait_for(lambda e: e.kind == "received", since=mark)
    await ada.say(general, "still here")
    await bot.until("message", says("still here"))
    sent = [e for e in fake.trace.entries(since=mark) if e.kind == "sent"]
    assert 11 not in [e.data["op"] for e in sent if str(e.user_id) != ada.id]
    fake.faults.cause(Thaw())
    await bot.ws.send_as_json({"op": 1, "d": None})
    await fake.trace.wait_for(lambda e: e.kind == "sent" and e.data["op"] == 11, since=mark)


async def test_a_freeze_that_ends_by_itself(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    began = time.monotonic()
    fake.faults.cause(Freeze(seconds=0.15))
    await ada.say(general, "held back")
    await bot.until("message", says("held back"))
    assert time.monotonic() - began >= 0.15


async def test_an_event_twice(bot: Recorder, fake: FakeDiscord, ada: Person, general: str) -> None:
    fake.faults.cause(Duplicate("MESSAGE_CREATE"))
    await ada.say(general, "one")
    await ada.say(general, "two")
    await bot.until("message", says("two"))
    assert [m.content for m in bot.all("message")] == ["one", "one", "two"]


async def test_events_out_of_order(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    fake.faults.cause(Reorder("MESSAGE_CREATE"))
    for text in ("one", "two", "three"):
        await ada.say(general, text)
    await bot.until("message", says("three"))
    assert [m.content for m in bot.all("message")] == ["two", "one", "three"]


async def test_an_event_late(bot: Recorder, fake: FakeDiscord, ada: Person, general: str) -> None:
    fake.faults.cause(Delay("MESSAGE_CREATE", seconds=1))
    began = time.monotonic()
    await ada.say(general, "late")
    await ada.say(general, "later")
    # It is the event that waits, and not who speaks.
    assert time.monotonic() - began < 1
    await bot.until("message", says("later"))
    assert time.monotonic() - began >= 1
    assert [m.content for m in bot.all("message")] == ["late", "later"]


async def test_people_are_never_hit(fake: FakeDiscord, ada: Person, general: str) -> None:
    for fault in (Duplicate(), Answer(), Freeze(), Drop(), Garbage(), Down(60)):
        assert fake.faults.cause(fault) == 0
    mark = ada.mark()
    await ada.say(general, "all well")
    await ada.wait_for(lambda e: e.name == "MESSAGE_CREATE", since=mark)
    assert [m.content for m in ada.log.messages_since(mark)] == ["all well"]


@pytest.mark.parametrize("binary", [False, True])
async def test_garbage_ends_the_client(fake: FakeDiscord, binary: bool) -> None:
    client = Hasty()
    task = asyncio.create_task(client.start(fake.bot_token))
    await client.until("ready")
    fake.faults.cause(Garbage(binary))
    with pytest.raises(Exception, match=r"Unterminated|decompress"):
        await asyncio.wait_for(task, SOON)
    await client.close()


async def test_an_oversized_frame(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    """discord.py takes any size; a client that keeps aiohttp's limit of 4 MB does not."""
    async with aiohttp.ClientSession() as http, http.ws_connect(fake.gateway) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": fake.bot_token, "intents": 0}})
        assert (await socket.receive_json())["t"] == "READY"
        assert fake.faults.cause(Oversized(5 * 1024 * 1024)) == 2
        assert (await socket.receive(SOON)).type is aiohttp.WSMsgType.ERROR
        assert socket.close_code == 1009
    await ada.say(general, "after it")
    await bot.until("message", says("after it"))
    assert not bot.all("resumed")


async def test_a_revoked_token_is_the_end(fake: FakeDiscord) -> None:
    client = Hasty()
    task = asyncio.create_task(client.start(fake.bot_token))
    await client.until("ready")
    fake.faults.cause(RevokeToken())
    with pytest.raises(discord.ConnectionClosed) as closed:
        await asyncio.wait_for(task, SOON)
    assert closed.value.code == 4004
    await client.close()
    assert [e.data["event"] for e in fake.trace.connections()] == ["opened", "closed"]


# REST


async def test_limits_that_are_waited_for(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    fake.faults.cause(Answer(SEND, 429, times=2, retry_after=0.05))
    began = time.monotonic()
    await channel_of(bot, general).send("in the end")
    assert time.monotonic() - began >= 0.1
    assert [e.data["status"] for e in fake.trace.requests(SEND)] == [429, 429, 200]


async def test_a_global_limit_stops_all(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    fake.faults.cause(Answer("*/typing", 429, retry_after=0.15, everything=True))
    typing = asyncio.create_task(bot.http.send_typing(int(general)))
    async with asyncio.timeout(SOON):
        while bot.http._global_over.is_set():
            await asyncio.sleep(0.001)
    began = time.monotonic()
    await channel_of(bot, general).send("after all")
    assert time.monotonic() - began >= 0.1
    await typing


async def test_a_ban_is_raised(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    fake.faults.cause(Answer(SEND, 429, via=False))
    with pytest.raises(discord.HTTPException) as raised:
        await channel_of(bot, general).send("no")
    assert (raised.value.status, raised.value.code) == (429, 0)
    await channel_of(bot, general).send("yes")


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_errors_that_are_tried_again(
    bot: Recorder, fake: FakeDiscord, general: str, status: int
) -> None:
    fake.faults.cause(Answer(SEND, status))
    sent = await channel_of(bot, general).send("again")
    assert [e.data["status"] for e in fake.trace.requests(SEND)] == [status, 200]
    assert [m.id async for m in bot.get_channel(int(general)).history()] == [sent.id]  # type: ignore[union-attr]


async def test_an_error_that_is_raised(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    fake.faults.cause(Answer(SEND, 503))
    with pytest.raises(discord.DiscordServerError) as raised:
        await channel_of(bot, general).send("lost")
    assert raised.value.status == 503


async def test_a_cut_answer(bot: Recorder, fake: FakeDiscord, ada: Person, general: str) -> None:
    """The message is there; the client cannot know."""
    fake.faults.cause(CutBody(SEND))
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)):
        await channel_of(bot, general).send("said")
    assert [m["content"] for m in await ada.history(general)] == ["said"]
    await bot.until("message", says("said"))


async def test_a_slow_answer(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    fake.faults.cause(SlowBody(SEND, seconds=0.2))
    began = time.monotonic()
    sent = await channel_of(bot, general).send("slowly")
    assert time.monotonic() - began >= 0.2
    assert sent.content == "slowly"


async def test_no_answer_at_all(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    fake.faults.cause(NoAnswer(SEND))
    sending = asyncio.create_task(channel_of(bot, general).send("hello?"))
    await fake.trace.wait_for(lambda e: e.data.get("fault") == "no_answer" and e.kind == "request")
    assert await ada.history(general) == []
    assert not sending.done()
    fake.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await sending


@pytest.mark.parametrize(
    "route", ["*", SEND, "POST /channels/*/messages", "POST */messages"], ids=str
)
async def test_which_requests_a_pattern_hits(
    bot: Recorder, fake: FakeDiscord, general: str, route: str
) -> None:
    if route != "*":
        await bot.http.send_typing(int(general))
    fake.faults.cause(Answer(route, 503))
    with pytest.raises(discord.DiscordServerError):
        await channel_of(bot, general).send("no")
    await channel_of(bot, general).send("yes")


@pytest.mark.parametrize("status", [None, 503])
async def test_the_whole_api_is_down(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str, status: int | None
) -> None:
    fake.faults.cause(Down(0.2, status))
    with pytest.raises((aiohttp.ClientError, discord.DiscordServerError)):
        await channel_of(bot, general).send("no")
    await ada.say(general, "meanwhile")
    await bot.until("resumed")
    await bot.until("message", says("meanwhile"))
    await channel_of(bot, general).send("yes")


async def test_an_interaction_expires(
    bot: Recorder, fake: FakeDiscord, ada: Person, guild_id: str, general: str
) -> None:
    codes = asyncio.Queue[int]()

    @bot.tree.command(name="ask", description="A question")
    async def ask(interaction: discord.Interaction) -> None:
        fake.faults.cause(ExpireInteraction(interaction.id))
        try:
            await interaction.response.send_message("too late")
        except discord.NotFound as error:
            codes.put_nowait(error.code)

    await bot.tree.sync()
    sent = await ada.slash(guild_id, general, "ask")
    assert await ada.outcome(sent) == "INTERACTION_FAILURE"
    assert await asyncio.wait_for(codes.get(), SOON) == 10062
    with pytest.raises(LookupError):
        fake.faults.cause(ExpireInteraction(1))


async def test_an_answered_interaction_expires(
    bot: Recorder, fake: FakeDiscord, ada: Person, guild_id: str, general: str
) -> None:
    hooks = asyncio.Queue[discord.Webhook]()

    @bot.tree.command(name="ask", description="A question")
    async def ask(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("in time")
        hooks.put_nowait(interaction.followup)

    await bot.tree.sync()
    await ada.slash(guild_id, general, "ask")
    hook = await asyncio.wait_for(hooks.get(), SOON)
    await hook.send("still good")
    fake.faults.cause(ExpireInteraction())
    with pytest.raises(discord.HTTPException) as refused:
        await hook.send("too late")
    assert refused.value.code == 50027


# As JSON, and over HTTP


@pytest.mark.parametrize("fault", [Drop(4000), Answer(SEND, 429, via=False), Down(2), Thaw()])
def test_a_fault_as_json(fault: Fault) -> None:
    assert from_json(json.loads(json.dumps(to_json(fault)))) == fault


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([], "object"),
        ({"fault": "rain"}, "unknown fault 'rain'; there are drop, freeze"),
        ({"fault": "drop", "cod": 1}, "drop: unknown field cod"),
        ({"fault": "drop", "code": "x"}, "drop.code is 'x'"),
        ({"fault": "drop", "code": True}, "drop.code is True"),
        ({"fault": "freeze", "acks_only": 1}, "freeze.acks_only is 1"),
        ({"fault": "down", "seconds": -1}, "down.seconds is negative"),
    ],
)
def test_what_is_no_fault(data: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_json(data)


async def test_the_control_api(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    headers = {"Authorization": f"Bearer {fake.control.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
            url = f"{fake.control_url}{path}"
            async with http.request(method, url, json=body) as response:
                return response.status, await response.json()

        assert await ask("POST", "/faults", {"fault": "drop"}) == (200, {"hit": [1]})
        await bot.until("resumed")
        answer = {"fault": "answer", "route": SEND, "status": 503, "times": 9}
        assert await ask("POST", "/faults", [answer]) == (200, {"hit": [0]})
        with pytest.raises(discord.DiscordServerError):
            await channel_of(bot, general).send("no")
        assert await ask("DELETE", "/faults") == (200, {})
        await channel_of(bot, general).send("yes")
        status, told = await ask("POST", "/faults", [answer, {"fault": "rain"}])
        assert (status, "unknown fault" in told["message"]) == (400, True)
        await channel_of(bot, general).send("yes")
        missing = {"fault": "expire_interaction", "interaction_id": 5}
        assert (await ask("POST", "/faults", missing))[0] == 404


async def test_the_control_api_is_protected(fake: FakeDiscord) -> None:
    url = f"{fake.control_url}/faults"
    for header in ("", "Bearer x", f"Bot {fake.bot_token}", fake.control.token):
        async with aiohttp.request(
            "POST", url, json={"fault": "drop"}, headers={"Authorization": header}
        ) as response:
            assert response.status == 401
    assert not fake.trace.faults()


async def test_a_server_stops_with_faults_in_force(fake: FakeDiscord, general: str) -> None:
    async with running(Hasty(), fake) as bot, person(fake, "ada"):
        fake.faults.cause(NoAnswer(SEND))
        sending = asyncio.create_task(channel_of(bot, general).send("hello?"))
        await fake.trace.wait_for(lambda e: e.data.get("status", 0) is None)
        fake.faults.cause(Freeze())
        async with asyncio.timeout(3):
            await fake.stop()
        with pytest.raises(aiohttp.ClientError):
            await sending
