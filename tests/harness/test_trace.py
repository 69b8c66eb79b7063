"""The trace: what is in it, how much of it is kept, and a file of it replayed."""

import json
from pathlib import Path

import aiohttp
import pytest

from bot.harness import FakeDiscord, Person
from bot.harness.faults import Answer, Delay, Drop, Duplicate, Freeze, Reorder, SlowBody, Thaw
from bot.harness.replay import Replay, replay_events
from bot.harness.trace import Entry, Kind, Trace, load, parse_lines

from .conftest import Recorder, running

SEND = "POST /channels/{channel_id}/messages"


async def test_what_went_on(bot: Recorder, fake: FakeDiscord, ada: Person, general: str) -> None:
    mark = fake.trace.mark()
    await ada.say(general, "hello")
    heard = await bot.until("message")
    await heard.reply("hello ada")
    asked, answered = fake.trace.requests(SEND, since=mark)
    assert (str(asked.user_id), asked.data["bot"], asked.data["status"]) == (ada.id, False, 200)
    assert asked.data["body"]["content"] == "hello"
    assert (answered.user_id, answered.data["bot"]) == (fake.world.bot.id, True)
    assert answered.data["answer"]["content"] == "hello ada"
    assert fake.trace.requests(f"POST /channels/{general}/messages", since=mark)
    assert not fake.trace.requests("DELETE *", since=mark)
    told = fake.trace.dispatches("MESSAGE_CREATE", user_id=fake.world.bot.id, since=mark)
    assert told[0].data["d"]["content"] == "hello"
    assert asked.number < answered.number
    [identify] = [e for e in fake.trace.received(2) if "intents" in e.data["d"]]
    assert identify.data["d"]["token"] == fake.bot_token
    fake.faults.cause(Drop(4000))
    await bot.until("resumed")
    events = [e.data["event"] for e in fake.trace.connections(since=mark)]
    assert events == ["closed", "opened"]
    assert [e.data["fault"] for e in fake.trace.faults()] == ["drop"]


def test_only_so_much_is_kept() -> None:
    trace = Trace(limit=3, characters=10)
    for number in range(5):
        trace.add(Kind.FAULT, {"number": number})
    assert [e.data["number"] for e in trace.entries()] == [2, 3, 4]
    for text in ("12345", "123456", "1234"):
        trace.add(Kind.SENT, text)
    assert [e.raw for e in trace.entries(Kind.SENT)] == ["123456", "1234"]
    assert trace.mark() == 8
    trace.clear()
    trace.add(Kind.SENT, "1234567890")
    assert [e.number for e in trace.entries()] == [8]


async def test_waiting_for_what_is_to_come() -> None:
    trace = Trace()
    trace.add(Kind.FAULT, {"number": 1})
    assert (await trace.wait_for(lambda e: e.data["number"] == 1)).number == 0
    with pytest.raises(TimeoutError):
        await trace.wait_for(lambda e: e.data["number"] == 1, since=1, timeout=0.02)


async def test_kept_as_json_lines(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str, tmp_path: Path
) -> None:
    await ada.say(general, "hello")
    await bot.until("message")
    path = tmp_path / "trace.jsonl"
    fake.trace.save(path)
    kept = load(path)
    assert [e.as_json() for e in kept] == [e.as_json() for e in fake.trace.entries()]
    headers = {"Authorization": f"Bearer {fake.control.token}"}
    url = f"{fake.control_url}/trace?since=3"
    async with aiohttp.request("GET", url, headers=headers) as response:
        lines = (await response.text()).splitlines()
    assert parse_lines(lines) == kept[3:]


@pytest.mark.parametrize("line", ["nothing", "[]", "{}", '{"number":1,"at":1,"kind":"x"}'])
def test_what_is_no_trace(line: str) -> None:
    good = Trace()
    good.add(Kind.FAULT, {})
    with pytest.raises(ValueError, match="line 2 is no entry of a trace"):
        parse_lines([*good.lines(), line])


async def scene(bot: Recorder, fake: FakeDiscord, ada: Person, general: str) -> list[str]:
    """What the bot hears of four messages, and answers once."""
    for number in range(4):
        await ada.say(general, f"message {number}")
    heard = await bot.until("message", lambda m: m.content == "message 3")
    await heard.channel.send("answer")
    await ada.say(general, "the end")
    await bot.until("message", lambda m: m.content == "the end")
    await bot.until("resumed")
    return [m.content for m in bot.all("message")]


async def test_faults_strike_again_where_they_struck(fake: FakeDiscord, ada: Person) -> None:
    general = str(fake.describe()["channel_id"])
    fake.faults.cause(Answer(SEND, 429, retry_after=0.01))
    async with running(Recorder(), fake) as bot:
        await ada.say(general, "message -1")
        await bot.until("message")
        fake.faults.cause(Duplicate("MESSAGE_CREATE"))
        fake.faults.cause(Drop())
        first = await scene(bot, fake, ada, general)
    replay = Replay(list(fake.trace.entries()))
    assert set(replay.events.values()) == {Duplicate("MESSAGE_CREATE"), Drop()}
    assert list(replay.requests) == [(SEND, 1)]
    mark = fake.trace.mark()
    fake.faults.follow(replay)
    async with running(Recorder(), fake) as bot:
        await ada.say(general, "message -1")
        assert await scene(bot, fake, ada, general) == first
    struck = [e.data["fault"] for e in fake.trace.faults(since=mark)]
    assert sorted(struck) == ["answer", "drop", "duplicate"]


def test_places_are_counted_from_the_beginning() -> None:
    """Each of these counts its own event once, whatever it did to it."""
    bot, trace = 7, Trace()

    def sent(name: str) -> None:
        data = {"user": {"bot": True}} if name == "READY" else {}
        trace.add(Kind.SENT, json.dumps({"op": 0, "t": name, "d": data}), bot)

    def fault(name: str, state: str = "struck", **more: object) -> None:
        trace.add(Kind.FAULT, {"fault": name, "state": state, **more})

    def request(**more: object) -> None:
        trace.add(Kind.REQUEST, {"method": "GET", "route": "/a", "bot": True, **more}, bot)

    sent("READY")
    sent("A")
    fault("duplicate", on="A", count=1)
    sent("A")
    sent("A")
    fault("reorder", on="A", count=2)
    sent("B")
    sent("A")
    fault("delay", on="A", count=3, seconds=1.0)
    sent("A")
    fault("freeze", "caused")
    fault("thaw", "caused")
    request()
    fault("slow_body", on="GET /a", count=1, seconds=1.0)
    request()
    fault("answer", on="GET /a", count=2, status=500)
    request(fault="answer")
    trace.add(Kind.SENT, json.dumps({"op": 0, "t": "A", "d": {}}), 8)
    fault("drop", on="A", count=4)
    sent("A")
    replay = Replay(trace.entries())
    freeze = replay.events.pop(("A", 5))
    assert isinstance(freeze, Freeze)
    assert freeze.seconds is not None
    assert replay.events == {
        ("A", 2): Duplicate(),
        ("A", 3): Reorder(),
        ("A", 4): Delay(seconds=1.0),
        ("A", 6): Drop(),
    }
    assert replay.requests == {("GET /a", 2): SlowBody(seconds=1.0), ("GET /a", 3): Answer()}
    assert Thaw() not in replay.events.values()


async def test_events_once_more(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str, tmp_path: Path
) -> None:
    for number in range(3):
        await ada.say(general, f"message {number}")
    await bot.until("message", lambda m: m.content == "message 2")
    entries: list[Entry] = fake.trace.entries()
    login = ("READY", "GUILD_CREATE")
    told = fake.trace.dispatches(user_id=fake.world.bot.id)
    wanted = [e for e in told if e.data["t"] not in login]
    mark = ada.mark()
    assert await replay_events(fake.gateway_server, entries, pace=0) == len(wanted)
    await ada.say(general, "the end")
    await bot.until("message", lambda m: m.content == "the end")
    heard = [m.content for m in bot.all("message")]
    assert heard == [*(f"message {i}" for i in (0, 1, 2, 0, 1, 2)), "the end"]
    assert [m.content for m in ada.log.messages_since(mark)] == ["the end"]
