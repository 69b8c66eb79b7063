"""Clients that nobody here wrote, each logging in, talking, and doing a slash command.

A library that cannot be had is a skip that says why.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.harness import FakeDiscord, Person, SeenMessage
from bot.harness.eventlog import named
from bot.harness.model import JsonObject
from bot.harness.trace import Entry, Kind, Predicate
from tests.harness import openapi

from .environments import Library, Unavailable, environment
from .libraries import LIBRARIES
from .process import BotProcess, running

SECONDS = 10.0


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
async def ada(fake: FakeDiscord) -> AsyncIterator[Person]:
    entry = next(u for u in fake.describe()["users"] if u["name"] == "ada")
    async with Person(entry, fake.rest, fake.gateway) as someone:
        yield someone


@pytest.fixture(scope="session")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environments are."""
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    return cache.mkdir("clients") if cache is not None else tmp_path_factory.mktemp("clients")


@pytest.fixture
def command(library: Library, kept: Path, tmp_path: Path) -> list[str]:
    """What runs the library's bot."""
    try:
        return library.command(environment(library, kept), tmp_path)
    except Unavailable as reason:
        pytest.skip(f"{library.name}: {reason}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
async def test_a_client_logs_in_talks_and_answers_a_command(
    command: list[str], fake: FakeDiscord, ada: Person, tmp_path: Path
) -> None:
    ended = end_of_connection(fake)
    async with running([*command, fake.rest, fake.gateway, fake.bot_token], tmp_path) as bot:
        await it_logs_in(bot, fake)
        message = await it_sees_a_message(bot, fake, ada)
        await it_replies_edits_and_reacts(fake, ada, message)
        answer = await it_answers_a_command(fake, ada)
        await it_answers_a_button(ada, answer)
        assert not any(map(ended, fake.trace.connections())), "it lost its connection meanwhile"
        assert await bot.stop() == 0
    assert "Traceback" not in bot.written
    # Some say goodbye and some cut the line; the gateway's own reasons to close begin at 4000.
    assert (await fake.trace.wait_for(ended)).data["code"] < 4000
    assert not fake.unknown_routes
    if openapi.available():
        assert not openapi.violations(fake.requests)


async def it_logs_in(bot: BotProcess, fake: FakeDiscord) -> None:
    """By REST and at the gateway, where it understands READY and its guild."""
    guild = next(iter(fake.world.guilds.values()))
    await bot.line(f"ready {fake.world.bot.name} in {guild.name}")
    assert any(r.user_id == fake.world.bot.id and r.status == 200 for r in fake.requests)
    assert fake.trace.dispatches("READY", user_id=fake.world.bot.id)


async def it_sees_a_message(bot: BotProcess, fake: FakeDiscord, ada: Person) -> JsonObject:
    message = await ada.say(fake.describe()["channel_id"], "hello")
    await bot.line("saw ada: hello")
    return message


async def it_replies_edits_and_reacts(fake: FakeDiscord, ada: Person, message: JsonObject) -> None:
    reply = await ada.wait_for(
        named("MESSAGE_CREATE", content="hello, ada"), timeout=SECONDS, since=0
    )
    assert reply.data["author"]["id"] == str(fake.world.bot.id)
    assert reply.data["message_reference"]["message_id"] == message["id"]
    edit = await ada.wait_for(
        named("MESSAGE_UPDATE", id=reply.data["id"]), timeout=SECONDS, since=reply.position
    )
    assert edit.data["content"] == "hello again, ada"
    assert edit.data["edited_timestamp"] is not None
    reaction = await ada.wait_for(
        named("MESSAGE_REACTION_ADD", message_id=message["id"]), timeout=SECONDS, since=0
    )
    assert reaction.data["user_id"] == str(fake.world.bot.id)
    assert reaction.data["emoji"]["name"] == "👋"


async def it_answers_a_command(fake: FakeDiscord, ada: Person) -> SeenMessage:
    """A global one that it registers itself, when it likes."""
    await fake.trace.wait_for(registers_ping, timeout=SECONDS)
    place = fake.describe()
    sent = await ada.slash(place["guild_id"], place["channel_id"], "ping")
    answer = await ada.answer_to(sent, timeout=SECONDS)
    assert answer.content == "pong"
    assert not answer.ephemeral
    assert await ada.outcome(sent) == "INTERACTION_SUCCESS"
    return answer


async def it_answers_a_button(ada: Person, message: SeenMessage) -> None:
    """Only for who pressed it."""
    sent = await ada.click(message.latest, "again")
    answer = await ada.answer_to(sent, timeout=SECONDS)
    assert answer.content == "only for ada"
    assert answer.ephemeral


def registers_ping(entry: Entry) -> bool:
    return (
        entry.kind is Kind.REQUEST
        and entry.data["method"] in ("POST", "PUT")
        and entry.data["route"].endswith("/commands")
        and entry.data["status"] in (200, 201)
    )


def end_of_connection(fake: FakeDiscord) -> Predicate:
    """Fits the end of a connection of the bot's."""
    return lambda entry: (
        entry.kind is Kind.CONNECTION
        and entry.data["event"] == "closed"
        and entry.user_id == fake.world.bot.id
    )
