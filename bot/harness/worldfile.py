"""A world written down as YAML or JSON: who exists, in which guilds, and what they may do there.

    bot: {name: Helper, token: my-token}     # or only its name; a token is made unless given
    people: [ada, {name: ben, token: t2, installed: true}]    # or how many
    guilds:                                  # or how many
      - name: Ada's Server
        owner: ada
        bot: true                            # false: not invited (yet)
        bot_permissions: [MANAGE_MESSAGES]
        roles:
          - {name: Admin, permissions: [ADMINISTRATOR], mentionable: true}
        channels:                            # or how many
          - general
          - {name: Staff, type: category}
          - {name: staff, parent: Staff, topic: ..., overwrites: [{role: Admin, allow: [...]}]}
        members: [{name: ada, roles: [Admin], nick: A}, ben]   # or how many nameless ones
      - {name: Other, count: 9999}

Without `members` everybody is in the first guild and nobody in the others. `installed` is who has
the application on their account. The same file makes the
same ids each time.
"""

import importlib
import itertools
import json
import time
from collections.abc import Callable
from functools import reduce
from operator import or_
from pathlib import Path as FilePath
from typing import Any

from bot.harness.model import ChannelType, Guild, Overwrite, OverwriteType, Role, User
from bot.harness.permissions import NONE, Permission
from bot.harness.snowflake import SnowflakeMaker
from bot.harness.world import World
from bot.harness.worldspec import Node, Path, Wrong, shown

GUILDS_LIMIT = 10_000
_BEGINNING = 1_577_836_800.0  # ids are made from 2020 on, one a millisecond
_TYPES = {t.name.lower(): t for t in ChannelType if t.value in (0, 2, 4, 5, 15)}


class WorldFileError(ValueError):
    """The file makes no world; the text names file, line and field."""


def load_world(path: FilePath) -> World:
    """The world of a .yaml, .yml or .json file. Raises WorldFileError, or OSError."""
    text = path.read_text(encoding="utf-8")
    try:
        return build_world(_parse(path, text))
    except Wrong as wrong:
        line = _line_of(text, wrong.path)
        place = f"{path.name}:{line}" if line else path.name
        raise WorldFileError(f"{place}: {shown(wrong.path)}: {wrong.what}") from None


def build_world(data: Any) -> World:  # noqa: ANN401 - what somebody wrote
    """The world of a file's data. Raises `Wrong`."""
    root = Node({} if data is None else data).only("bot", "people", "guilds")
    bot = root.at("bot") if root.has("bot") else Node("Understudy", ("bot",))
    bot = bot.named("name", "token")
    world = World(bot.text("name"), clock=_ticking_clock())
    if bot.has("token"):
        world.set_token(world.bot, bot.text("token"))
    _Builder(world).build(root)
    world.clock = time.time
    world.new_id = SnowflakeMaker(time.time)
    return world


class _Builder:
    """Fills an empty world; knows people by name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._people: dict[str, User] = {}
        self._nameless: list[User] = []
        self._owner = world.add_user("owner", token=None)

    def build(self, root: Node) -> None:
        self._add_people(root)
        guilds = root.at("guilds")
        total = 0
        for entry in _counted(root, "guilds", 1, GUILDS_LIMIT, "Guild {}"):
            node = entry.named(*_GUILD_FIELDS)
            count = node.number("count", 1, 1, GUILDS_LIMIT)
            total += count
            if total > GUILDS_LIMIT:
                raise guilds.wrong(f"there are more than {GUILDS_LIMIT}")
            for number in range(1, count + 1):
                name = node.text("name")
                self._add_guild(node, name if count == 1 else f"{name} {number}")

    def _add_people(self, root: Node) -> None:
        for entry in _counted(root, "people", 0, 100_000, "person{}"):
            node = entry.named("name", "token", "display_name", "installed")
            name = node.text("name")
            if name in self._people:
                raise node.at("name").wrong(f"there are two of {name!r}")
            self._people[name] = self._world.add_user(
                name.lower(),
                global_name=node.text("display_name", name.capitalize()),
                token=node.text("token", "") if node.has("token") else "",
            )
            if node.flag("installed", default=False):
                self._world.install_for(self._people[name])

    def _add_guild(self, node: Node, name: str) -> None:
        world = self._world
        owner = self._person(node.at("owner")) if node.has("owner") else self._owner
        first = not world.guilds
        guild = world.add_guild(
            name,
            owner=owner,
            channels=(),
            bot=node.flag("bot", default=True),
            bot_permissions=_permissions(node, "bot_permissions"),
        )
        roles = self._add_roles(guild, node)
        self._add_members(guild, node, roles, everybody=first)
        self._add_channels(guild, node, roles)

    def _add_roles(self, guild: Guild, node: Node) -> dict[str, Role]:
        roles = {"@everyone": guild.roles[guild.id]}
        for entry in node.items("roles"):
            item = entry.named("name", "permissions", "mentionable")
            name = item.text("name")
            permissions = _permissions(item, "permissions")
            if name == "@everyone":
                roles[name].permissions = int(permissions)
            else:
                mentionable = item.flag("mentionable", default=False)
                roles[name] = self._world.add_role(
                    guild, name, permissions, mentionable=mentionable
                )
        return roles

    def _add_members(
        self, guild: Guild, node: Node, roles: dict[str, Role], *, everybody: bool
    ) -> None:
        members = node.at("members")
        if members.value is None:
            for user in self._people.values() if everybody else ():
                self._seat(guild, user, [], None)
        elif isinstance(members.value, list):
            for entry in node.items("members"):
                item = entry.named("name", "roles", "nick")
                chosen = [_role(name, roles) for name in item.items("roles")]
                nick = item.text("nick") if item.has("nick") else None
                self._seat(guild, self._person(item.at("name")), chosen, nick)
        else:
            count = members.as_number(0, 10_000)
            while len(self._nameless) < count:
                name = f"member{len(self._nameless) + 1}"
                self._nameless.append(self._world.add_user(name, token=None))
            for user in self._nameless[:count]:
                self._seat(guild, user, [], None)

    def _seat(self, guild: Guild, user: User, roles: list[Role], nick: str | None) -> None:
        member = guild.members.get(user.id) or self._world.add_member(guild, user)
        member.role_ids, member.nick = [role.id for role in roles], nick

    def _add_channels(self, guild: Guild, node: Node, roles: dict[str, Role]) -> None:
        categories: dict[str, int] = {}
        for entry in _counted(node, "channels", 1, 500, "channel-{}", default=["general"]):
            item = entry.named("name", "type", "topic", "parent", "slowmode", "nsfw", "overwrites")
            kind = item.text("type", "text")
            if kind not in _TYPES:
                raise item.at("type").wrong(f"must be one of {', '.join(_TYPES)}")
            parent = item.text("parent") if item.has("parent") else None
            if parent is not None and parent not in categories:
                raise item.at("parent").wrong(f"there is no category {parent!r} before it")
            channel = self._world.add_channel(
                guild,
                item.text("name"),
                type=_TYPES[kind],
                parent_id=categories[parent] if parent else None,
                topic=item.text("topic") if item.has("topic") else None,
                overwrites=[self._overwrite(o, roles) for o in item.items("overwrites")],
            )
            channel.slowmode_seconds = item.number("slowmode", 0, 0, 21_600)
            channel.nsfw = item.flag("nsfw", default=False)
            if kind == "category":
                categories[channel.name] = channel.id

    def _overwrite(self, node: Node, roles: dict[str, Role]) -> Overwrite:
        node.only("role", "member", "allow", "deny")
        if node.has("role") == node.has("member"):
            raise node.wrong("must be for a role or for a member")
        is_role = node.has("role")
        target = _role(node.at("role"), roles) if is_role else self._person(node.at("member"))
        kind = OverwriteType.ROLE if is_role else OverwriteType.MEMBER
        allow, deny = _permissions(node, "allow"), _permissions(node, "deny")
        return Overwrite(target.id, kind, int(allow), int(deny))

    def _person(self, node: Node) -> User:
        if not isinstance(node.value, str) or node.value not in self._people:
            raise node.wrong(f"there is nobody called {node.value!r} in people")
        return self._people[node.value]


_GUILD_FIELDS = (
    *("name", "count", "owner", "bot", "bot_permissions"),
    *("roles", "channels", "members"),
)


def _counted(
    node: Node, key: str, low: int, high: int, name: str, default: list[str] | None = None
) -> list[Node]:
    """The items of a list, or as many as a number says with names made of `name`."""
    found = node.at(key)
    value = default if found.value is None else found.value
    if isinstance(value, int):
        count = found.as_number(low, high)
        value = [name.format(number) for number in range(1, count + 1)]
    return list(Node({key: value}, node.path).items(key))


def _role(node: Node, roles: dict[str, Role]) -> Role:
    if node.value not in roles:
        raise node.wrong(f"there is no role {node.value!r} in this guild")
    return roles[node.value]


def _permissions(node: Node, key: str) -> Permission:
    found = []
    for item in node.items(key):
        name = str(item.value).upper()
        if name not in Permission.__members__:
            raise item.wrong(f"there is no permission {item.value!r}")
        found.append(Permission[name])
    return reduce(or_, found, NONE)


def _ticking_clock() -> Callable[[], float]:
    """A clock that goes on a millisecond each time it is read, so that ids spread over shards."""
    ticks = itertools.count()
    return lambda: _BEGINNING + next(ticks) / 1000


def _parse(path: FilePath, text: str) -> Any:  # noqa: ANN401 - what somebody wrote
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise WorldFileError(f"{path.name}:{error.lineno}: {error.msg}") from None
    yaml = _yaml()
    if yaml is None:
        raise WorldFileError(f"{path.name}: reading YAML needs the package PyYAML")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}" if mark else path.name
        what = getattr(error, "problem", None) or "this is no YAML"
        raise WorldFileError(f"{place}: {what}") from None


def _line_of(text: str, path: Path) -> int | None:
    """The line of a value or, if it is not there, of what it should be in. JSON is YAML, too."""
    yaml = _yaml()
    if yaml is None:
        return None
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None
    for step in path:
        node, inner = _inner(node, step), node
        if node is None:
            node = inner
            break
    return None if node is None else int(node.start_mark.line) + 1


def _inner(node: Any, step: str | int) -> Any:  # noqa: ANN401 - of an untyped library
    if isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node.value, list):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _yaml() -> Any:  # noqa: ANN401 - an optional, untyped module
    try:
        return importlib.import_module("yaml")
    except ImportError:
        return None
