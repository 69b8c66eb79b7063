"""Two servers with ada, ben and cleo in both, and what the tests of privacy do there."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp

from bot.harness import FakeDiscord, Person, SeenMessage, sample_world
from bot.harness.model import Guild
from plugins.privacy.office import PrivacyOffice
from tests.front.scene import Scene, scene

ENABLE = "enable custom reasoning"


def two_servers() -> tuple[FakeDiscord, Guild]:
    """A fake Discord with a second server, and that server."""
    world = sample_world()
    people = {user.name: user for user in world.users.values()}
    second = world.add_guild("Second", owner=people["ada"])
    for name in ("ben", "cleo"):
        world.add_member(second, people[name])
    return FakeDiscord(world), second


@asynccontextmanager
async def watched(data: Path, fake: FakeDiscord, *, enabled: bool = True) -> AsyncIterator[Scene]:
    """The bot with the privacy plugin, recording in the first server."""
    async with scene(data, fake=fake, with_privacy=True) as stage:
        if enabled:
            await stage.say(stage.ada, ENABLE)
        yield stage


def office_of(stage: Scene) -> PrivacyOffice:
    """The privacy office."""
    office = stage.agent.upkeep
    assert isinstance(office, PrivacyOffice)
    return office


def notices(answers: list[SeenMessage]) -> list[SeenMessage]:
    """Which of these messages are the notice."""
    return [answer for answer in answers if answer.content.startswith("📝")]


async def command(
    stage: Scene,
    person: Person,
    words: str,
    place: tuple[str | None, str] | None = None,
    **options: object,
) -> SeenMessage:
    """Run a `/privacy` command, in #general or elsewhere, and see its private answer."""
    guild_id, channel_id = place or (stage.guild_id, stage.channel_id)
    sent = await person.slash(guild_id, channel_id, f"privacy {words}", **options)
    answer = await person.answer_to(sent)
    assert answer.ephemeral
    return answer


async def press(person: Person, message: SeenMessage, label: str) -> SeenMessage:
    """Press a button and see the private answer."""
    answer = await person.answer_to(await person.click(message.latest, label))
    assert answer.ephemeral
    return answer


async def file_of(answer: SeenMessage) -> Any:  # noqa: ANN401 - JSON
    """The JSON file that came with an answer."""
    (attachment,) = answer.latest["attachments"]
    async with aiohttp.ClientSession() as http, http.get(attachment["url"]) as response:
        return json.loads(await response.read())


async def settled(stage: Scene) -> None:
    """All that was recorded is in the files, and the inbox is empty."""
    await office_of(stage).records.settle()


def inputs(stage: Scene, guild_id: int | str | None = None) -> list[list[str]]:
    """The contents of every recorded prompt, without the system prompt."""
    path = stage.data / "guilds" / f"{guild_id or stage.guild_id}.sqlite3"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT input FROM training_data ORDER BY id").fetchall()
    return [[message["content"] for message in json.loads(row[0])[1:]] for row in rows]


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is the case."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
