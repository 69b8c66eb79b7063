"""REST by single accounts, and a guild for them to act in."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.harness import FakeDiscord, Permission
from bot.harness.model import Guild, Interaction, User


@dataclass(frozen=True, slots=True)
class Rest:
    """REST by one account."""

    http: aiohttp.ClientSession
    base: str

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int = 200,
        code: int | None = None,
        files: dict[str, bytes] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """The JSON of an answer, which must have the status `expect` (and Discord's `code`)."""
        content: dict[str, Any] = {} if body is None else {"json": body}
        if files is not None:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("payload_json", json.dumps(body), content_type="application/json")
            for index, (name, data) in enumerate(files.items()):
                form.add_field(
                    f"files[{index}]", io.BytesIO(data), filename=name, content_type="text/plain"
                )
            content = {"data": form}
        async with self.http.request(method, f"{self.base}{path}", **content) as response:
            raw = await response.read()
        assert response.status == expect, (method, path, response.status, raw)
        answer = json.loads(raw) if raw else None
        assert code is None or (answer or {})["code"] == code, (method, path, answer)
        return answer


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk takes place: who acts there, and on what."""

    fake: FakeDiscord
    guild: Guild
    channel_id: int
    bot: Rest
    ada: Rest
    ben: Rest
    ada_id: int
    ben_id: int

    @property
    def app(self) -> str:
        return f"/applications/{self.fake.world.application.id}"

    @property
    def here(self) -> str:
        return f"/channels/{self.channel_id}"

    @property
    def there(self) -> str:
        return f"/guilds/{self.guild.id}"

    def last_interaction(self) -> Interaction:
        return list(self.fake.world.interactions.values())[-1]

    async def use(self, kind: int, data: dict[str, Any], **more: Any) -> Interaction:  # noqa: ANN401
        """Ada uses a command, component or modal."""
        files = more.pop("files", None)
        body = {
            "type": kind,
            "guild_id": str(self.guild.id),
            "channel_id": str(self.channel_id),
            "session_id": "x",
            "nonce": "1",
            "data": data,
            **more,
        }
        await self.ada("POST", "/interactions", body, expect=204, files=files)
        return self.last_interaction()


@asynccontextmanager
async def place(fake: FakeDiscord) -> AsyncIterator[Place]:
    """A guild in which the bot is an administrator, with Ada, an admin, and Ben, a member."""
    world = fake.world
    guild = world.add_guild("Tour", bot_permissions=Permission.ADMINISTRATOR)
    admin = world.add_role(guild, "Admin", Permission.ADMINISTRATOR)
    ada, ben = world.add_person("ada2", guild, roles=[admin]), world.add_person("ben2", guild)
    # Who acts on people must stand above them.
    guild.owner_id = world.bot.id

    def account(user: User) -> aiohttp.ClientSession:
        token = f"Bot {user.token}" if user.bot else str(user.token)
        return aiohttp.ClientSession(headers={"Authorization": token})

    async with account(world.bot) as one, account(ada) as two, account(ben) as three:
        bot, of_ada, of_ben = (Rest(http, fake.rest) for http in (one, two, three))
        yield Place(fake, guild, guild.channel_ids[0], bot, of_ada, of_ben, ada.id, ben.id)
