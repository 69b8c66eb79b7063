"""Who a message pings: what its content names, and what its `allowed_mentions` let through.

Source: https://discord.com/developers/docs/resources/message#allowed-mentions-object
"""

import re
from collections.abc import Iterator

from bot.harness.forms import Choice, Flag, Form, Id, ListOf, Path, Problem, refuse
from bot.harness.model import Channel, JsonObject, Mentions, Reference
from bot.harness.permissions import Permission
from bot.harness.world import World

FORM = Form(
    {
        "parse": ListOf(Choice(("users", "roles", "everyone"))),
        "users": ListOf(Id(), 0, 100),
        "roles": ListOf(Id(), 0, 100),
        "replied_user": Flag(),
    }
)

_USER_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


def check_allowed(body: JsonObject) -> None:
    """Raises 50035 where `allowed_mentions` contradict themselves."""
    refuse(_contradictions(body.get("allowed_mentions") or {}, ("allowed_mentions",)))


def mentions(
    world: World,
    channel: Channel,
    author_id: int,
    content: str,
    body: JsonObject,
    reference: Reference | None,
) -> Mentions:
    """The users and roles that a message by `author_id` pings, and whether everyone."""
    allowed = body.get("allowed_mentions")
    rules: JsonObject = allowed if isinstance(allowed, dict) else {}
    everything = [] if allowed is not None else ["users", "roles", "everyone"]
    parse: list[str] = rules.get("parse") or everything
    users = {int(i): None for i in _USER_MENTION.findall(content) if int(i) in world.users}
    if "users" not in parse:
        wanted = {int(i) for i in rules.get("users") or ()}
        users = {i: None for i in users if i in wanted}
    if (
        reference is not None
        and reference.message_id is not None
        and rules.get("replied_user", allowed is None)
    ):
        target = world.conversation.find(reference.channel_id, reference.message_id)
        if target is not None and target.author_id != author_id:
            users.setdefault(target.author_id)
    may_ping_all = Permission.MENTION_EVERYONE in world.permissions(channel, author_id)
    return Mentions(
        user_ids=tuple(users),
        role_ids=_roles(world, channel, content, parse, rules, may_ping_all=may_ping_all),
        everyone="everyone" in parse and may_ping_all and bool(_EVERYONE.search(content)),
    )


def _roles(
    world: World,
    channel: Channel,
    content: str,
    parse: list[str],
    rules: JsonObject,
    *,
    may_ping_all: bool,
) -> tuple[int, ...]:
    if channel.guild_id is None:
        return ()
    roles = world.guilds[channel.guild_id].roles
    named = {int(i): None for i in _ROLE_MENTION.findall(content) if int(i) in roles}
    wanted = {int(i) for i in rules.get("roles") or ()}
    return tuple(
        i
        for i in named
        if (roles[i].mentionable or may_ping_all) and ("roles" in parse or i in wanted)
    )


def _contradictions(rules: JsonObject, path: Path) -> Iterator[Problem]:
    for name in ("users", "roles"):
        if rules.get(name) and name in (rules.get("parse") or ()):
            message = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            yield Problem(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
