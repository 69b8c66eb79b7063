"""One REST request as a route sees it: who asks, for what, with which body."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, web

from bot.harness import errors, message_payload
from bot.harness.errors import Code, DiscordError
from bot.harness.interactions import Interactions
from bot.harness.model import Channel, Guild, JsonObject, Member, Message, User
from bot.harness.permissions import Permission
from bot.harness.ratelimits import Limits
from bot.harness.viewer import ALL_INTENTS, NO_INTENT, Viewer, content_is_visible
from bot.harness.world import World


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body; `field` is its name there, such as files[0]."""

    field: str
    filename: str
    content_type: str
    data: bytes

    @property
    def number(self) -> str:
        """What the `id` of its description is, before it has one of its own."""
        return self.field.removeprefix("files[").removesuffix("]")


@dataclass(frozen=True, slots=True)
class Call:
    """What a route gets. Its methods raise the DiscordError that Discord would answer with."""

    world: World
    interactions: Interactions
    gateway_url: str
    limits: Limits
    request: web.Request
    account: User | None
    body: Any = None
    uploads: list[Upload] = field(default_factory=list)

    @property
    def user(self) -> User:
        """Who is logged in, or 401."""
        if self.account is None:
            raise errors.unauthorized()
        return self.account

    @property
    def json(self) -> JsonObject:
        """The body as an object; one that was left out is empty."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise DiscordError(Code.INVALID_JSON)
        return self.body

    @property
    def items(self) -> list[Any]:
        """The body as a list."""
        if not isinstance(self.body, list):
            raise DiscordError(Code.INVALID_JSON)
        return self.body

    def text(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def id(self, name: str) -> int:
        """A snowflake of the path."""
        return snowflake(self.text(name), name)

    def query(self, name: str) -> str | None:
        return self.request.query.get(name)

    def query_id(self, name: str) -> int | None:
        value = self.query(name)
        return None if value is None else snowflake(value, name)

    def query_number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.query(name)
        if value is None:
            return default
        if not value.isdigit() or not low <= int(value) <= high:
            raise errors.out_of_range(name, low, high)
        return int(value)

    def query_flag(self, name: str) -> bool:
        return (self.query(name) or "").lower() in ("1", "true")

    # What the path names, seen with the eyes of who asks

    def guild(self) -> Guild:
        """The guild of the path, or 10004 for who is not a member."""
        guild = self.world.guild(self.id("guild_id"))
        if self.user.id not in guild.members:
            raise DiscordError(Code.UNKNOWN_GUILD)
        return guild

    def channel(self, *needed: Permission) -> Channel:
        """The channel of the path, or 50001 without sight of it and 50013 without a permission."""
        channel = self.world.channel(self.id("channel_id"))
        self.need(channel, *needed)
        return channel

    def need(self, channel: Channel, *needed: Permission) -> None:
        have = self.world.permissions(channel, self.user.id)
        if Permission.VIEW_CHANNEL not in have:
            raise DiscordError(Code.MISSING_ACCESS)
        for permission in needed:
            if permission not in have:
                raise DiscordError(Code.MISSING_PERMISSIONS)

    def may(self, channel: Channel, permission: Permission) -> bool:
        return permission in self.world.permissions(channel, self.user.id)

    def need_in_guild(self, guild: Guild, needed: Permission) -> None:
        if needed not in self.world.guild_permissions(guild, self.user.id):
            raise DiscordError(Code.MISSING_PERMISSIONS)

    def member(self, guild: Guild) -> Member:
        """The member of the path, or 10007 (10013 for nobody at all)."""
        user = self.world.user(self.id("user_id"))
        member = guild.members.get(user.id)
        if member is None:
            raise DiscordError(Code.UNKNOWN_MEMBER)
        return member

    def message(self, channel: Channel) -> Message:
        """The message of the path, or 10008."""
        return self.world.conversation.message(channel, self.id("message_id"))

    def show(self, message: Message) -> JsonObject:
        """A message as who asks sees it: REST too blanks content without the privileged intent."""
        intents = ALL_INTENTS if self.world.privileged_intents else NO_INTENT
        viewer = Viewer(self.user.id, self.user.bot, intents)
        readable = content_is_visible(message, viewer)
        return message_payload.message(self.world, message, viewer.user_id, with_content=readable)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status of its own; a bare body means 200 and None means 204."""

    status: int
    body: JsonObject | list[JsonObject] | None = None


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The JSON body and the files of a request. Raises 50109 for what is no JSON."""
    if request.content_type.startswith("multipart/"):
        return await _read_multipart(await request.multipart())
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise DiscordError(Code.ENTITY_TOO_LARGE) from None
    # What py-cord answers interactions with: its form has no files to make it multipart.
    if raw and request.content_type == "application/x-www-form-urlencoded":
        fields = dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
        return (_parse(fields["payload_json"]) if "payload_json" in fields else fields), []
    return (_parse(raw) if raw else None), []


async def _read_multipart(reader: MultipartReader) -> tuple[Any, list[Upload]]:
    fields: JsonObject = {}
    body: Any = None
    uploads = []
    async for part in reader:
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=True))
        name = part.name or ""
        if name == "payload_json":
            body = _parse(data)
        elif part.filename is not None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploads.append(Upload(name, part.filename, kind, data))
        else:
            fields[name] = data.decode()
    return (fields if body is None else body), uploads


def snowflake(value: object, path: str) -> int:
    """An id from JSON or a path: digits in a string, or a number. Raises 50035 for others."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise errors.invalid_form(path, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def _parse(raw: bytes | str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(raw)
    except ValueError:
        raise DiscordError(Code.INVALID_JSON) from None
