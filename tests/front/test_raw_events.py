"""The gate before discord.py: what is for the agent passes, the rest never becomes an object."""

import asyncio
import json
import logging
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.gateway import DiscordWebSocket
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.front.gate import Attention, attention
from bot.front.raw_events import what_is_unknown
from bot.front.raw_gate import RawGate
from bot.harness.faults import Drop, Duplicate, Freeze
from bot.harness.session import Session
from bot.harness.trace import Kind
from tests.front.scene import LIMIT_SECONDS, Scene, scene

PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def session_of_the_bot(stage: Scene) -> Session:
    sessions = stage.fake.gateway_server.sessions.values()
    (session,) = (s for s in sessions if s.token == stage.fake.bot_token)
    return session


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def has_heard_everything(stage: Scene) -> None:
    """Wait until the bot has handled all events that were sent to it."""
    session = session_of_the_bot(stage)
    await until(lambda: stage.client.ws.sequence == session.seq)


def payload(stage: Scene, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A message of a member in #general that is for nobody, but for these fields."""
    return {
        "id": str(stage.fake.world.new_id()),
        "type": 0,
        "content": "talk among people",
        "channel_id": stage.channel_id,
        "guild_id": stage.guild_id,
        "author": {
            "id": str(stage.ben.id),
            "username": "ben",
            "global_name": "Ben",
            "discriminator": "0",
            "avatar": None,
        },
        "member": {"roles": [], "joined_at": "2025-01-01T00:00:00+00:00", "flags": 0},
        "timestamp": "2025-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
    } | fields


def frame_of(data: object, *, sequence: int = 7, ensure_ascii: bool = False) -> str:
    event = {"t": "MESSAGE_CREATE", "s": sequence, "op": 0, "d": data}
    return json.dumps(event, ensure_ascii=ensure_ascii, separators=(",", ":"))


async def test_what_is_for_the_agent_passes(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        gate = stage.client.raw_gate
        role = stage.client.guilds[0].self_role
        assert role is not None
        (first,) = await stage.ask(stage.ben, "hi")
        await stage.say(stage.ben, f"<@!{stage.bot_id}> hi")
        await stage.say(stage.ben, f"<@&{role.id}> hi")
        await stage.say(stage.ben, "and again", reply_to=first.latest)
        dm = await stage.ben.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], stage.ben, "in private")
        assert len(stage.model.calls) == 5
        (done,) = await stage.say(stage.ada, "enable custom reasoning")
        assert "on" in done.content
        assert gate.passed == 6
        assert gate.unread == 0


async def test_what_is_for_nobody_is_never_made_an_object(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        (answer,) = await stage.ask(stage.ben, "hi")
        other = await stage.ada.say(stage.channel_id, "talk among people")
        await stage.ben.say(stage.channel_id, "an answer to you", reply_to=other)
        await stage.ben.say(stage.channel_id, "<@123456789012345678> what is custom reasoning?")
        await stage.ben.say(stage.channel_id, f"that is user {stage.bot_id} 🙂")
        await has_heard_everything(stage)
        seen = [message.content for message in stage.client.cached_messages]
        assert seen == [f"<@{stage.bot_id}> hi"]
        assert answer.content == "hello"
        # Four of people, and the bot's own answer.
        assert stage.client.raw_gate.dropped == 5
        assert stage.client.raw_gate.passed == 1


async def test_in_an_open_channel_every_message_of_people_passes(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.client.open_channels.add(int(stage.channel_id))
        await stage.ben.say(stage.channel_id, "talk among people")
        await stage.ask(stage.ben, "hi")
        stage.client.open_channels.clear()
        await stage.ben.say(stage.channel_id, "more talk")
        await has_heard_everything(stage)
        seen = [message.content for message in stage.client.cached_messages]
        assert seen == ["talk among people", f"<@{stage.bot_id}> hi"]
        assert len(stage.model.calls) == 1


@pytest.mark.parametrize("code", [None, 4000])
async def test_a_resume_starts_behind_what_was_dropped(tmp_path: Path, code: int | None) -> None:
    async with scene(tmp_path) as stage:
        for number in range(3):
            await stage.ben.say(stage.channel_id, f"talk {number}")
        await has_heard_everything(stage)
        assert stage.client.raw_gate.dropped == 3
        at_the_end = session_of_the_bot(stage).seq
        mark = stage.fake.trace.mark()
        stage.fake.faults.cause(Drop(code))
        answers = await stage.ask(stage.ben, "still there?")
        resumed = await stage.ask(stage.ben, "and heard by the gate?")
        assert [a.content for a in (*answers, *resumed)] == ["hello", "hello"]
        sent = [json.loads(str(e.raw)) for e in stage.fake.trace.entries(Kind.RECEIVED, since=mark)]
        (resume,) = (frame["d"] for frame in sent if frame["op"] == 6)
        assert resume["seq"] == at_the_end
        assert not [frame for frame in sent if frame["op"] == 2]
        await stage.ben.say(stage.channel_id, "talk again")
        await has_heard_everything(stage)
        assert stage.client.raw_gate.dropped == 3 + 2 + 1


async def test_what_is_dropped_is_a_sign_of_life(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        keep_alive: Any = stage.client.ws._keep_alive
        await stage.client.ws.received_message(frame_of({"content": "not whole"}))
        before = keep_alive._last_recv
        await stage.client.ws.received_message(frame_of(payload(stage)))
        assert stage.client.raw_gate.dropped == 1
        assert keep_alive._last_recv > before


async def test_a_connection_that_falls_silent_is_made_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.client._connection.heartbeat_timeout = 0.3
        stage.fake.gateway_server.heartbeat_ms = 200
        stage.fake.faults.cause(Drop())
        await stage.ask(stage.ben, "with short heartbeats?")
        before = stage.client.ws
        stage.fake.faults.cause(Freeze(seconds=None))
        await until(lambda: stage.client.ws is not before)
    assert len(stage.model.calls) == 1


async def test_what_is_sent_twice_is_answered_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        since = stage.ben.mark()
        stage.fake.faults.cause(Duplicate("MESSAGE_CREATE"))
        await stage.ask(stage.ben, "hi")
        await stage.ask(stage.ben, "last")
        answers = stage.ben.log.messages_since(since, author_id=stage.bot_id)
        assert len(answers) == 2
        assert stage.client.raw_gate.passed == 3
    assert len(stage.model.calls) == 2


class ZlibStream:
    """What discord.py does where zstandard is not installed."""

    COMPRESSION_TYPE = "zlib-stream"

    def __init__(self) -> None:
        self.stream = zlib.decompressobj()
        self.buffer = b""

    def decompress(self, data: bytes, /) -> str | None:
        self.buffer += data
        if not data.endswith(b"\x00\x00\xff\xff"):
            return None
        whole, self.buffer = self.buffer, b""
        return self.stream.decompress(whole).decode()


async def test_a_zlib_stream_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.utils, "_ActiveDecompressionContext", ZlibStream)
    async with scene(tmp_path) as stage:
        assert isinstance(stage.client.ws._decompressor, ZlibStream)
        for number in range(5):
            await stage.ben.say(stage.channel_id, f"talk {number}")
        await stage.ask(stage.ben, "hi")
        await has_heard_everything(stage)
        assert stage.client.raw_gate.dropped == 6


async def test_a_part_of_a_frame_is_kept_for_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.utils, "_ActiveDecompressionContext", ZlibStream)
    async with scene(tmp_path) as stage:
        socket = stage.client.ws
        vars(socket)["_decompressor"].stream = zlib.decompressobj()
        packer = zlib.compressobj()
        text = frame_of(payload(stage), sequence=4711).encode()
        packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
        await socket.received_message(packed[:20])
        assert socket.sequence != 4711
        await socket.received_message(packed[20:])
        assert socket.sequence == 4711
        assert stage.client.raw_gate.dropped == 1


# What discord.py may become, and what shows of it.
async def with_another_argument(self: DiscordWebSocket, msg: object, more: object = None) -> None:
    await ORIGINAL(self, msg)


async def with_more_to_note(self: DiscordWebSocket, msg: object, /) -> None:
    self._rate_limiter.shard_id = self.shard_id
    await ORIGINAL(self, msg)


ORIGINAL = DiscordWebSocket.received_message


@pytest.mark.parametrize("changed", [with_another_argument, with_more_to_note])
async def test_a_discord_py_that_is_not_known_is_left_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    changed: Callable[..., Any],
) -> None:
    monkeypatch.setattr(DiscordWebSocket, "received_message", changed)
    async with scene(tmp_path) as stage:
        await stage.ben.say(stage.channel_id, "talk among people")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"
        assert stage.client.raw_gate.dropped == stage.client.raw_gate.passed == 0
        assert len(stage.client.cached_messages) >= 2
    told = [record for record in caplog.records if "is read in full" in record.message]
    assert [record.levelno for record in told] == [logging.WARNING]


def test_what_is_no_connection_at_all_is_not_known() -> None:
    assert what_is_unknown(object()) is not None


async def test_the_discord_py_that_is_installed_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path) as stage:
        await stage.ask(stage.ben, "hi")
        assert stage.client.raw_gate.passed == 1
    assert not [record for record in caplog.records if "is read in full" in record.message]


async def test_a_gate_that_fails_lets_everything_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        raise RuntimeError("out of order")

    monkeypatch.setattr(RawGate, "wants", fail)
    async with scene(tmp_path) as stage:
        await stage.ben.say(stage.channel_id, "talk among people")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"
        await has_heard_everything(stage)
        assert stage.client.raw_gate.unread == 3
        assert stage.client.raw_gate.dropped == 0
    assert len([r for r in caplog.records if "out of order" in r.message]) == 1


HOSTILE: list[Any] = [
    None,
    [],
    "a message",
    {},
    {"author": None},
    {"author": {}},
    {"author": []},
    {"author": {"id": "ben"}},
    {"author": {"id": 1, "bot": "no", "username": None}},
    {"id": None},
    {"id": "²"},
    {"type": None},
    {"type": "0"},
    {"type": 10**30},
    {"content": None},
    {"content": ["hi"]},
    {"content": "\ud800"},
    {"content": "x" * 2_000_000},
    {"content": "<@" * 20_000},
    {"channel_id": None},
    {"channel_id": "general"},
    {"guild_id": None},
    {"guild_id": "home"},
    {"guild_id": "9" * 5_000},
    {"guild_id": {"id": 1}},
    {"webhook_id": 5},
    {"message_reference": None},
    {"message_reference": {}, "referenced_message": {}},
    {"message_reference": {}, "referenced_message": {"author": {"id": "me"}}},
    {"message_reference": [], "referenced_message": 3},
    {"embeds": None, "attachments": "none", "mentions": 3, "member": 7},
]


async def test_nothing_that_a_message_holds_ends_the_connection(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        before = stage.client.ws
        session = session_of_the_bot(stage)
        for fields in HOSTILE:
            data = fields
            if isinstance(fields, dict) and fields:
                data = payload(stage, **fields)
            for each in (data, without_an_author(data), addressed_to(stage.bot_id, data)):
                session.send_encoded("MESSAGE_CREATE", json.dumps(each))
        await has_heard_everything(stage)
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "hello"
        assert stage.client.ws is before


def without_an_author(data: Any) -> Any:  # noqa: ANN401 - JSON
    return {k: v for k, v in data.items() if k != "author"} if isinstance(data, dict) else data


def addressed_to(bot_id: str, data: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(data, dict) and data.get("content") == "talk among people":
        return data | {"content": f"<@{bot_id}> hi"}
    return data


IDS = st.sampled_from(("{me}", "{ben}", "{ada}", "0{me}", "00{me}", "1{me}", "12345", "{role}"))
PIECES = st.one_of(
    st.builds("<@{}>".format, IDS),
    st.builds("<@!{}>".format, IDS),
    st.builds("<@&{}>".format, st.sampled_from(("{role}", "{me}", "0{role}", "{ben}"))),
    st.builds("{}{}".format, st.sampled_from(("@", "<@", "<@&", "<#", "\\<@")), IDS),
    st.sampled_from(
        (
            "enable custom reasoning",
            "Disable custom reasoning, please!",
            "check reasoning status",
            "eigenes reasoning einschalten",
            "カスタム推論を有効にして",
            "don't enable custom reasoning",
            "I would like custom reasoning",
            "reasoning",
            "> ",
            "\n",
            "`",
            "😅",
            "x" * 2_000,
        )
    ),
    st.text(max_size=20),
)


def messages(channels: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Messages as Discord may send them, with `{me}` and the like for what only a scene knows."""
    people = st.fixed_dictionaries(
        {"id": st.sampled_from(("{ben}", "{ada}", "4242424242424242"))},
        optional={"bot": st.booleans()},
    )
    me = st.just({"id": "{me}", "bot": True})
    replied = st.fixed_dictionaries({"author": people | me})
    fields = st.fixed_dictionaries(
        {
            "content": st.lists(PIECES, max_size=4).map(" ".join)
            | st.lists(PIECES, max_size=4).map("".join),
            "type": st.sampled_from((0, 0, 0, 19, 19, 6, 7, 18, 20, 21, 46, 999)),
            "author": people | people | me,
            "channel_id": st.sampled_from(channels),
            "guild_id": st.sampled_from(("{guild}", "{guild}", "{guild}", "999999999999999", "")),
        },
        optional={
            "webhook_id": st.sampled_from((None, "4242424242424242")),
            "message_reference": st.fixed_dictionaries(
                {
                    "channel_id": st.sampled_from(channels),
                    "message_id": st.just("77777777777777777"),
                },
                optional={"guild_id": st.just("{guild}"), "type": st.sampled_from((0, 1))},
            ),
            "referenced_message": st.none() | replied,
        },
    )
    return fields.map(lambda chosen: {k: v for k, v in chosen.items() if v != ""})


PERSON = {"id": "{ben}"}
PLAIN = {"content": "<@{me}>", "type": 0, "author": PERSON, "guild_id": "{guild}"}
# What chance finds only now and then.
EDGES: tuple[dict[str, Any], ...] = (
    PLAIN,
    PLAIN | {"content": "<@00{me}>"},
    PLAIN | {"content": "<@&{role}>"},
    PLAIN | {"webhook_id": "4242424242424242"},
    PLAIN | {"content": "", "referenced_message": {"author": {"id": "{me}", "bot": True}}},
    PLAIN | {"content": "", "guild_id": "999999999999999"},
    PLAIN | {"type": 7},
)


async def test_the_decision_is_the_one_on_the_built_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        client, gate = stage.client, stage.client.raw_gate
        role = client.guilds[0].self_role
        assert role is not None
        assert client.user is not None
        me = client.user
        known = {
            "{me}": stage.bot_id,
            "{ben}": str(stage.ben.id),
            "{ada}": str(stage.ada.id),
            "{role}": str(role.id),
            "{guild}": stage.guild_id,
        }
        counts = dict.fromkeys(Attention, 0)

        def filled(value: Any) -> Any:  # noqa: ANN401 - JSON
            if isinstance(value, dict):
                return {key: filled(inner) for key, inner in value.items()}
            if isinstance(value, str):
                for name, text in known.items():
                    value = value.replace(name, text)
            return value

        def whole(chosen: dict[str, Any]) -> dict[str, Any]:
            data = payload(stage)
            if "guild_id" not in chosen:
                del data["guild_id"], data["member"]
            author = data["author"]
            data |= chosen | {"author": author | chosen["author"]}
            if chosen.get("referenced_message"):
                earlier = payload(stage)
                earlier["author"] = author | chosen["referenced_message"]["author"]
                data["referenced_message"] = earlier
            return data

        @PROPERTY
        @given(messages((stage.channel_id, "888888888888888888")), st.booleans())
        def same(chosen: dict[str, Any], ensure_ascii: bool) -> None:
            data = whole(filled(chosen))
            unread = gate.unread
            dropped = gate.unneeded(frame_of(data, ensure_ascii=ensure_ascii)) is not None
            assert gate.unread == unread
            built = build(client, data)
            kind = attention(built, me, stage.agent.matcher, stage.client.open_channels)
            counts[kind] += 1
            assert dropped == (kind is Attention.NONE)

        for edge in EDGES:
            same = example(edge, False)(same)
        same()
        # Otherwise the test would say little.
        assert counts[Attention.NONE]
        assert counts[Attention.ADDRESSED]


def build(client: discord.Client, data: dict[str, Any]) -> discord.Message:
    """The message as discord.py builds it."""
    state: Any = client._connection
    channel, _ = state._get_guild_channel(data)
    return discord.Message(state=state, channel=channel, data=data)  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("id", "bot", "author")) | st.text(max_size=3), inner)
    ),
    max_leaves=6,
)


async def test_no_frame_is_too_odd_for_the_gate(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        plain = payload(stage)

        @PROPERTY
        @given(st.dictionaries(st.sampled_from(sorted(plain)), JSON, min_size=1, max_size=3))
        def judged(fields: dict[str, Any]) -> None:
            data = plain | fields
            if stage.client.raw_gate.unneeded(frame_of(data, ensure_ascii=True)) is None:
                return
            assert stage.client.user is not None
            try:
                built = build(stage.client, data)
            except (TypeError, ValueError, KeyError, AttributeError):
                return
            assert (
                attention(built, stage.client.user, stage.agent.matcher, frozenset())
                is Attention.NONE
            )

        judged()
