"""A fake Discord with people in it, in the words of a test: somebody says, the bot replies."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, Self

from bot.harness.discord_py import ClientT, running
from bot.harness.eventlog import SeenMessage
from bot.harness.fault_injector import FaultInjector
from bot.harness.model import JsonObject, User
from bot.harness.person import Person, Sent
from bot.harness.server import FakeDiscord
from bot.harness.trace import Trace
from bot.harness.world import World


class Scene:
    """For use as `async with Scene() as discord`. What people do is done in `channel_id`.

    `by` names who acts, as in the world; they come in when they first do something. Each act sets
    the mark from which `expect_reply` looks, and so does each reply that was found.
    """

    def __init__(self, world: World | None = None) -> None:
        self.server = FakeDiscord(world)
        self.channel_id = ""
        self._people: dict[str, Person] = {}
        self._marks: dict[str, int] = {}
        self._stack = AsyncExitStack()
        self._last = ""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.server)
        self.channel_id = str(self.server.describe()["channel_id"])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    # What there is

    @property
    def rest(self) -> str:
        return self.server.rest

    @property
    def gateway(self) -> str:
        return self.server.gateway

    @property
    def token(self) -> str:
        """The bot's."""
        return self.server.bot_token

    @property
    def world(self) -> World:
        return self.server.world

    @property
    def faults(self) -> FaultInjector:
        return self.server.faults

    @property
    def trace(self) -> Trace:
        return self.server.trace

    def run(self, client: ClientT) -> AbstractAsyncContextManager[ClientT]:
        """Run a discord.py client as the bot: `async with discord.run(client):`."""
        return running(client, self.token, self.rest, self.gateway)

    def user(self, name: str) -> User:
        """Who somebody is in the world. Raises LookupError for nobody."""
        for user in self.world.users.values():
            if user.name == name:
                return user
        raise LookupError(f"nobody is called {name!r}")

    async def person(self, name: str) -> Person:
        """Somebody's client, for all that has no word here. Raises LookupError for nobody."""
        if name not in self._people:
            users = {user["name"]: user for user in self.server.describe()["users"]}
            if name not in users:
                raise LookupError(f"nobody is called {name!r}; there are {', '.join(users)}")
            someone = Person(users[name], self.rest, self.gateway)
            self._people[name] = await self._stack.enter_async_context(someone)
        return self._people[name]

    # What people do

    async def say(
        self,
        text: str,
        *,
        by: str = "ada",
        channel_id: str | int | None = None,
        reply_to: Mapping[str, Any] | str | int | None = None,
        files: Mapping[str, bytes] | None = None,
        **fields: object,
    ) -> JsonObject:
        """Send a message. `reply_to` is a message or its id; `fields` go into the body."""
        person = await self._act(by)
        place = channel_id or self.channel_id
        return await person.say(place, text, reply_to=reply_to, files=files, **fields)

    async def slash(
        self,
        command: str,
        *,
        by: str = "ada",
        channel_id: str | int | None = None,
        **options: object,
    ) -> Sent:
        """Run a slash command by its full name, such as "note add"."""
        person = await self._act(by)
        place = str(channel_id or self.channel_id)
        return await person.slash(person.log.guild_of.get(place), place, command, **options)

    async def install(self, *, by: str = "ada") -> None:
        """Somebody adds the application to their account, for use wherever they are."""
        await (await self.person(by)).install_app(self.world.application.id)

    async def use_on_message(
        self, message: Mapping[str, Any], command: str, *, by: str = "ada"
    ) -> Sent:
        """Somebody picks a command from a message's menu."""
        return await (await self._act(by)).use_on_message(message, command)

    async def click(
        self,
        message: SeenMessage,
        which: str,
        *,
        by: str = "ada",
        values: list[str] | None = None,
    ) -> Sent:
        """Press a button by its label or custom_id; with `values` choose in a select."""
        person = await self._act(by)
        return await person.click(message.latest, which, values=values)

    # What the bot does

    async def expect_reply(
        self,
        wanted: str | Callable[[SeenMessage], bool] | None = None,
        *,
        to: str | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109 - the caller's word for it
    ) -> SeenMessage:
        """The bot's next message, as `to` (by default who acted last) sees it.

        `wanted` is its whole text, or decides on the message; edits are waited for, and so is the
        end of "thinking". Raises AssertionError that tells what the bot said instead.
        """
        name = to or self._last or "ada"
        person = await self.person(name)
        since = self._marks.setdefault(name, 0)
        bot_id = self.world.bot.id

        def fits(seen: SeenMessage) -> bool:
            if seen.loading or wanted is None:
                return not seen.loading
            return wanted(seen) if callable(wanted) else seen.content == wanted

        try:
            reply = await person.message_from(bot_id, since=since, timeout=timeout, until=fits)
        except TimeoutError:
            said = [m.content for m in person.log.messages_since(since, author_id=str(bot_id))]
            what = f"did not say {wanted!r}, but {said}" if said else "said nothing"
            raise AssertionError(f"the bot {what} within {timeout} s") from None
        self._marks[name] = reply.created_at + 1
        return reply

    async def expect_edit(
        self,
        message: SeenMessage,
        wanted: str,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the caller's word for it
    ) -> SeenMessage:
        """Wait until a message reads so. Raises AssertionError that tells what it reads."""
        person = next(p for p in self._people.values() if message in p.log.messages.values())
        try:
            await person.wait_for(lambda _: message.content == wanted, timeout=timeout, since=0)
        except TimeoutError:
            told = f"it reads {message.content!r}, not {wanted!r}, after {timeout} s"
            raise AssertionError(told) from None
        return message

    async def _act(self, name: str) -> Person:
        person = await self.person(name)
        self._marks[name] = person.mark()
        self._last = name
        return person
