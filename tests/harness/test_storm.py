"""The storm: the same seed, the same faults; and a bot that comes through it."""

import asyncio
import contextlib

import aiohttp
import discord

from bot.harness import FakeDiscord, Person
from bot.harness.faults import Answer, Fault, to_json
from bot.harness.storm import Storm

from .conftest import Recorder, running

SEND = "POST /channels/{channel_id}/messages"


def faults_of(storm: Storm) -> tuple[list[Fault | None], list[Fault | None]]:
    """Those of a thousand events, and those of a thousand requests."""
    return (
        [storm.on_event("MESSAGE_CREATE", n) for n in range(1000)],
        [storm.on_request(SEND, n) for n in range(1000)],
    )


def test_the_same_seed_is_the_same_storm() -> None:
    assert faults_of(Storm(1)) == faults_of(Storm(1))
    for one, other in zip(faults_of(Storm(1)), faults_of(Storm(2)), strict=True):
        assert one != other


def test_shares_and_kinds() -> None:
    storm = Storm(5, requests=0.2, events=0.1, connections=0.05)
    events = [storm.on_event("MESSAGE_CREATE", n) for n in range(4000)]
    requests = [storm.on_request(SEND, n) for n in range(4000)]
    assert 0.12 < sum(f is not None for f in events) / 4000 < 0.18
    assert 0.17 < sum(f is not None for f in requests) / 4000 < 0.23
    kinds = {f.name for f in (*events, *requests) if f}
    assert kinds == {
        *("drop", "reconnect", "invalid_session", "delay", "duplicate", "reorder"),
        *("answer", "slow_body"),
    }
    assert {f.status for f in requests if isinstance(f, Answer)} == {429, 500, 502, 504}
    harsh = [Storm(5, requests=1, harsh=True).on_request(SEND, n) for n in range(100)]
    assert {f.name for f in harsh if f} == {"answer", "slow_body", "cut_body"}
    assert all(storm.on_event("READY", n) is None for n in range(1000))


async def test_a_bot_comes_through(fake: FakeDiscord, ada: Person, general: str) -> None:
    """Nothing is lost in a storm that is not harsh: each question gets its answer."""
    storm = Storm(3, requests=0.15, events=0.2, connections=0.1, longest=0.02)
    fake.faults.follow(storm)
    answered: set[str] = set()
    async with running(Recorder(), fake) as bot:
        questions = [f"question {number}" for number in range(20)]
        for question in questions:
            await ada.say(general, question)
        async with asyncio.timeout(15):
            while answered != set(questions):
                new = {m.content for m in bot.all("message")} - answered
                answered |= {c for c in new if c.startswith("question")}
                await asyncio.sleep(0.01)
        channel = bot.get_partial_messageable(int(general))
        await asyncio.gather(*(channel.send(f"answer {number}") for number in range(10)))
    struck = fake.trace.faults()
    assert {e.data["fault"] for e in struck} & {"drop", "reconnect", "invalid_session"}
    for entry in struck:
        on, count = entry.data["on"], entry.data["count"]
        told = {key: value for key, value in entry.data.items() if key not in _PLACE}
        fault = storm.on_request(on, count) if " " in on else storm.on_event(on, count)
        assert fault is not None
        assert to_json(fault) == told


_PLACE = ("state", "on", "count")


async def test_over_http(bot: Recorder, fake: FakeDiscord, general: str) -> None:
    headers = {"Authorization": f"Bearer {fake.control.token}"}
    url = f"{fake.control_url}/storm"
    async with aiohttp.ClientSession(headers=headers) as http:
        wrongs: list[object] = [{}, [], {"seed": "x"}, {"seed": 1, "rain": 1}]
        for wrong in [*wrongs, {"seed": 1, "harsh": 1}]:
            async with http.put(url, json=wrong) as response:
                assert response.status == 400, wrong
        async with http.put(url, json={"seed": 1, "requests": 1, "harsh": True}) as response:
            assert (await response.json())["requests"] == 1
        mark = fake.trace.mark()
        with contextlib.suppress(discord.HTTPException, aiohttp.ClientError):
            await bot.get_partial_messageable(int(general)).typing()
        assert fake.trace.faults(since=mark)
        async with http.delete(url) as response:
            assert response.status == 200
    mark = fake.trace.mark()
    await bot.get_partial_messageable(int(general)).typing()
    assert not fake.trace.faults(since=mark)
