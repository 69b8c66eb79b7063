"""The stage of a trial: a fake Discord, the bot on it, and the people who can talk to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.agent.models import ModelType
from bot.commands.trial import typed
from bot.commands.trial.rendering import Names, in_words, text_of
from bot.compose import make_client, running_agent, serving_metrics
from bot.front.client import UnderstudyClient
from bot.front.conversation import APOLOGY_MARK
from bot.front.endpoints import discord_at
from bot.harness import Event, FakeDiscord, Person, Refused, SeenMessage
from bot.settings import Settings
from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteStore

READY_SECONDS = 30.0
EPHEMERAL = 64
BUTTON = 2


class NoAnswerError(Exception):
    """The bot did not answer in time, or Discord did not take what was said to it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of the bot's answer, as text for a terminal; `buttons` by their labels.

    `failed` says that it is only the apology for there being no answer.
    """

    text: str
    ephemeral: bool = False
    buttons: tuple[str, ...] = ()
    failed: bool = False


@dataclass(slots=True)
class Handled:
    """Which messages the bot is done with; it may be done before anyone asks."""

    _events: dict[int, asyncio.Event] = field(default_factory=dict)

    def note(self, message_id: int) -> None:
        """The bot is done with this message."""
        self._events.setdefault(message_id, asyncio.Event()).set()

    async def wait(self, message_id: int) -> None:
        """Wait until the bot is done with this message."""
        await self._events.setdefault(message_id, asyncio.Event()).wait()
        del self._events[message_id]


class Stage:
    """Where a trial takes place. `people` are by name, and their `roles` too."""

    def __init__(
        self, place: dict[str, Any], people: dict[str, Person], handled: Handled, records_file: str
    ) -> None:
        self.people = people
        self.roles = {user["name"]: user["role"] for user in place["users"]}
        self.records_file = records_file
        self.web: str = place["web"]
        self.names = Names.of(place)
        self._handled = handled
        self._bot_id = place["bot_user_id"]
        self._guild_id = place["guild_id"]
        self._channel_id = place["channel_id"]

    async def say(
        self,
        name: str,
        text: str,
        timeout: float,  # noqa: ASYNC109 - told to the user by this name
        on_change: Callable[[SeenMessage], None] | None = None,
    ) -> list[Reply]:
        """Say or do something as one of the people, and wait for the whole answer.

        `text` is a message for the bot, a slash command, or `/click LABEL` for a button under the
        bot's last message. `on_change` is told of each message of the bot as it grows.
        Raises NoAnswerError.
        """
        person = self.people[name]
        try:
            async with asyncio.timeout(timeout):
                if text.startswith("/click "):
                    replies = await self._click(person, text.removeprefix("/click ").strip())
                elif text.startswith("/"):
                    replies = await self._slash(person, text)
                else:
                    replies = await self._talk(person, text, on_change)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {timeout:g} s") from None
        except Refused as error:
            raise NoAnswerError(in_words(error.body)) from error
        except LookupError as error:
            raise NoAnswerError(str(error)) from error
        if not replies:
            raise NoAnswerError("no answer")
        return replies

    async def _slash(self, person: Person, text: str) -> list[Reply]:
        use = typed.read(text, await person.commands(self._channel_id), ids_seen(person))
        sent = await person.slash(self._guild_id, self._channel_id, use.name, **use.options)
        return [self._reply(await person.answer_to(sent, timeout=READY_SECONDS))]

    async def _click(self, person: Person, label: str) -> list[Reply]:
        messages = await person.history(self._channel_id)
        asked = next((m for m in messages if buttons_of(m)), None)
        if asked is None:
            raise LookupError("there is no button to press")
        sent = await person.click(asked, buttons_of(asked).get(label, label))
        changed = await person.wait_for(
            partial(answers_press, asked["id"]), since=sent.since, timeout=READY_SECONDS
        )
        return [self._reply(person.log.messages[changed.data["id"]])]

    async def _talk(
        self, person: Person, text: str, on_change: Callable[[SeenMessage], None] | None
    ) -> list[Reply]:
        mention = f"<@{self._bot_id}>"
        content = self.names.to_mentions(text)
        if mention not in content:
            content = f"{mention} {content}"
        since = person.mark()
        said = await person.say(self._channel_id, content)
        following = asyncio.create_task(self._follow(person, since, on_change))
        try:
            await self._handled.wait(int(said["id"]))
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
        # Asked for afresh: the last edits may still be on their way to this person's gateway.
        latest = await person.history(self._channel_id)
        answers = [
            message
            for message in reversed(latest)
            if int(message["id"]) > int(said["id"]) and message["author"]["id"] == self._bot_id
        ]
        return [
            Reply(
                self.names.readable(message["content"]),
                buttons=tuple(buttons_of(message)),
                failed=message["content"].startswith(APOLOGY_MARK),
            )
            for message in answers
        ]

    async def _follow(
        self, person: Person, since: int, on_change: Callable[[SeenMessage], None] | None
    ) -> None:
        position = since
        while on_change is not None:
            event = await person.wait_for(
                lambda event: (
                    event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
                    and event.data["author"]["id"] == self._bot_id
                ),
                since=position,
                timeout=3600,
            )
            position = event.position + 1
            on_change(person.log.messages[event.data["id"]])

    def _reply(self, message: SeenMessage) -> Reply:
        return Reply(self.names.readable(text_of(message.latest)), ephemeral=message.ephemeral)


def answers_press(message_id: str, event: Event) -> bool:
    """Whether this is what came of a button under a message: it changed, or a private answer."""
    if event.name == "MESSAGE_UPDATE":
        return bool(event.data["id"] == message_id)
    return event.name == "MESSAGE_CREATE" and bool(event.data["flags"] & EPHEMERAL)


def ids_seen(person: Person) -> dict[str, str]:
    """The ids of the people, roles and channels of a person's servers, by "@name" and "#name"."""
    ids: dict[str, str] = {}
    for event in person.log.events():
        if event.name == "GUILD_CREATE":
            guild = event.data
            ids |= {f"@{role['name'].lower()}": role["id"] for role in guild["roles"]}
            ids |= {f"#{channel['name'].lower()}": channel["id"] for channel in guild["channels"]}
            users = [member["user"] for member in guild["members"]]
            ids |= {f"@{user['username'].lower()}": user["id"] for user in users}
    return ids


def buttons_of(message: dict[str, Any]) -> dict[str, str]:
    """The buttons under a message: their labels, or else their signs, and their custom ids."""
    rows = message.get("components") or ()
    return {
        component.get("label") or component["emoji"]["name"]: component["custom_id"]
        for row in rows
        for component in row.get("components") or ()
        if component["type"] == BUTTON
    }


@asynccontextmanager
async def open_stage(settings: Settings, progress: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start everything; it is ready when the block begins and gone when it ends."""
    handled = Handled()
    async with contextlib.AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeDiscord())
        place = fake.describe()
        agent = await stack.enter_async_context(running_agent(settings, progress, made_up=True))
        if (model := agent.models.find(ModelType.TEXT_LARGE)) is not None:
            progress(f"Answers come from {model.name} ({model.provider}).")
        stack.enter_context(discord_at(fake.rest, fake.gateway))
        client = await stack.enter_async_context(make_client(agent, settings, handled.note))
        metrics = await stack.enter_async_context(serving_metrics(settings, agent, client))
        if metrics is not None:
            progress(f"Metrics at {metrics}")
        await stack.enter_async_context(connected(client, fake.bot_token))
        people = {
            user["name"]: await stack.enter_async_context(Person(user, fake.rest, fake.gateway))
            for user in place["users"]
        }
        yield Stage(place, people, handled, records_file(settings, int(place["guild_id"])))


@asynccontextmanager
async def connected(client: UnderstudyClient, token: str) -> AsyncIterator[None]:
    """The client connected and ready. Raises what it fails with."""
    running = asyncio.create_task(client.start(token))
    ready = asyncio.create_task(client.wait_until_ready())
    try:
        await asyncio.wait(
            [running, ready], timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if running.done():
            running.result()
        if not ready.done():
            raise TimeoutError(f"the bot was not ready within {READY_SECONDS:g} s")
        yield
    finally:
        ready.cancel()
        running.cancel()
        await asyncio.gather(ready, running, return_exceptions=True)


def records_file(settings: Settings, guild_id: int) -> str:
    """The full path of a guild's SQLite file."""
    location = SqliteStore(settings.data_dir).world(World(WorldKind.GUILD, guild_id)).location
    return str(Path(location).resolve())
