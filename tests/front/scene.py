"""A scene for tests: the real client, connected to a fake Discord, and people who talk to it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bot.agent.agent import Agent
from bot.agent.plugin import Plugin
from bot.commands.trial.stage import Handled, connected
from bot.front.client import UnderstudyClient
from bot.front.conversation import ConversationOptions
from bot.front.endpoints import discord_at
from bot.harness import Event, FakeDiscord, Person, SeenMessage
from plugins.reasoning import reasoning_plugin
from tests.agents import ScriptedModel, agent_with

LIMIT_SECONDS = 20.0
SUPPRESS_EMBEDS = 1 << 2
"""The flag of a message whose links show no preview."""


class Scene:
    """Everything that a test looks at or does. `model` is the lead; `data` holds the files."""

    def __init__(self, fake: FakeDiscord, model: ScriptedModel, data: Path) -> None:
        self.fake = fake
        self.model = model
        self.data = data
        self.place: dict[str, Any] = fake.describe()
        self.bot_id: str = self.place["bot_user_id"]
        self.guild_id: str = self.place["guild_id"]
        self.channel_id: str = self.place["channel_id"]
        self.handled = Handled()
        self.people: dict[str, Person] = {}
        self.agent: Agent
        self.client: UnderstudyClient

    @property
    def ada(self) -> Person:
        """The admin."""
        return self.people["ada"]

    @property
    def ben(self) -> Person:
        """A member."""
        return self.people["ben"]

    async def say(self, person: Person, text: str, **more: Any) -> list[SeenMessage]:  # noqa: ANN401
        """Say something in #general and see the bot's whole answer, once it is done with it."""
        return await self.say_in(self.channel_id, person, text, **more)

    async def say_in(
        self,
        channel_id: str,
        person: Person,
        text: str,
        **more: Any,  # noqa: ANN401
    ) -> list[SeenMessage]:
        """The same in any channel."""
        since = person.mark()
        said = await person.say(channel_id, text, **more)
        async with asyncio.timeout(LIMIT_SECONDS):
            await self.handled.wait(int(said["id"]))
        await self.settled(person, channel_id, said["id"])
        answers = person.log.messages_since(since, author_id=self.bot_id, channel_id=channel_id)
        return [answer for answer in answers if not answer.deleted]

    async def ask(self, person: Person, text: str, **more: Any) -> list[SeenMessage]:  # noqa: ANN401
        """Say something to the bot, by a mention."""
        return await self.say(person, f"<@{self.bot_id}> {text}", **more)

    async def settled(self, person: Person, channel_id: str, since_id: str) -> None:
        """Wait until the person's gateway has brought all that there is from a message on."""
        seen = person.log.messages
        for message in await person.history(channel_id):
            known = seen.get(message["id"])
            if int(message["id"]) < int(since_id):
                break
            if known is None or known.content != message["content"]:
                await person.wait_for(partial(brings, message))

    async def slash(self, person: Person, command: str, /, **options: object) -> SeenMessage:
        """Run a slash command in #general and see its answer."""
        sent = await person.slash(self.guild_id, self.channel_id, command, **options)
        return await person.answer_to(sent)

    def rows(self, world: str | None = None) -> list[Any]:
        """The rows of `training_data` of the guild, or of the file named."""
        path = self.data / (world or f"guilds/{self.guild_id}.sqlite3")
        connection = sqlite3.connect(path)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM training_data")]
        finally:
            connection.close()


def brings(message: dict[str, Any], event: Event) -> bool:
    """Whether an event shows this message as it is."""
    data = event.data
    return bool(data.get("id") == message["id"] and data.get("content") == message["content"])


@asynccontextmanager
async def scene(
    data: Path,
    *plugins: Plugin,
    model: ScriptedModel | None = None,
    fake: FakeDiscord | None = None,
    options: ConversationOptions | None = None,
    with_privacy: bool = False,
) -> AsyncIterator[Scene]:
    """The bot, ready, with `model` for a lead and the reasoning plugin."""
    async with AsyncExitStack() as stack:
        if fake is None:
            fake = await stack.enter_async_context(FakeDiscord())
        stage = Scene(fake, model or ScriptedModel(), data)
        stage.agent = await stack.enter_async_context(
            agent_with(
                data,
                stage.model.plugin(),
                *plugins,
                reasoning_plugin(0.5),
                with_privacy=with_privacy,
            )
        )
        stack.enter_context(discord_at(fake.rest, fake.gateway))
        stage.client = await stack.enter_async_context(
            UnderstudyClient(
                stage.agent,
                options or ConversationOptions(system_prompt="Be kind."),
                on_handled=stage.handled.note,
                open_channels_file=data / "open_channels.json",
            )
        )
        await stack.enter_async_context(connected(stage.client, fake.bot_token))
        for user in stage.place["users"]:
            person = Person(user, fake.rest, fake.gateway)
            stage.people[user["name"]] = await stack.enter_async_context(person)
        yield stage
