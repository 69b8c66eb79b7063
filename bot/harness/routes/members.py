"""Members of a guild: look, search, change, silence, remove and ban.

Source: https://discord.com/developers/docs/resources/guild#guild-member-object
"""

from datetime import UTC, datetime, timedelta

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.changes import BanAdded, BanRemoved, MemberUpdated
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Flag, Form, Id, ListOf, Number, Text, Time, check
from bot.harness.model import Guild, JsonObject, Member
from bot.harness.permissions import Permission, rank
from bot.harness.routes.roles import need_above

_LONGEST_TIMEOUT = timedelta(days=28)
_NICK = Text(0, 32)
_MEMBER = Form(
    {
        "nick": _NICK,
        "roles": ListOf(Id()),
        "mute": Flag(),
        "deaf": Flag(),
        "communication_disabled_until": Time(),
        "flags": Number(0),
    }
)
_NEEDED = {
    "nick": Permission.MANAGE_NICKNAMES,
    "roles": Permission.MANAGE_ROLES,
    "mute": Permission.MUTE_MEMBERS,
    "deaf": Permission.DEAFEN_MEMBERS,
    "communication_disabled_until": Permission.MODERATE_MEMBERS,
    "flags": Permission.MODERATE_MEMBERS,
}
_BAN = Form({"delete_message_seconds": Number(0, 604_800), "delete_message_days": Number(0, 7)})


async def list_members(call: Call) -> list[JsonObject]:
    guild = call.guild()
    if not call.world.privileged_intents:
        raise DiscordError(Code.MISSING_ACCESS)
    limit, after = call.query_number("limit", 1, 1, 1000), call.query_id("after") or 0
    ids = sorted(i for i in guild.members if i > after)[:limit]
    return [payloads.member(call.world, guild.members[i]) for i in ids]


async def search_members(call: Call) -> list[JsonObject]:
    guild, world = call.guild(), call.world
    start = (call.query("query") or "").lower()
    if not start:
        raise errors.required("query")
    limit = call.query_number("limit", 1, 1, 1000)
    found = [
        m
        for m in guild.members.values()
        if world.users[m.user_id].name.lower().startswith(start)
        or (m.nick or "").lower().startswith(start)
    ]
    return [payloads.member(world, m) for m in found[:limit]]


async def get_member(call: Call) -> JsonObject:
    return payloads.member(call.world, call.member(call.guild()))


async def get_own_member(call: Call) -> JsonObject:
    guild = call.guild()
    return payloads.member(call.world, guild.members[call.user.id])


async def edit_member(call: Call) -> JsonObject:
    guild = call.guild()
    member, changes = call.member(guild), call.json
    check(_MEMBER, changes)
    for name, permission in _NEEDED.items():
        if name in changes:
            call.need_in_guild(guild, permission)
    _need_above(call, guild, member, also_oneself="communication_disabled_until" not in changes)
    roles = _roles(call, guild, member) if "roles" in changes else member.role_ids
    until = member.timed_out_until
    if "communication_disabled_until" in changes:
        until = _timeout(call, guild, member)
    member.role_ids, member.timed_out_until = roles, until
    if "nick" in changes:
        member.nick = changes["nick"] or None
    for name in ("mute", "deaf", "flags"):
        if changes.get(name) is not None:
            setattr(member, name, changes[name])
    call.world.tell(MemberUpdated(guild, member))
    return payloads.member(call.world, member)


async def edit_own_member(call: Call) -> JsonObject:
    guild = call.guild()
    check(Form({"nick": _NICK}), call.json)
    member = guild.members[call.user.id]
    if "nick" in call.json:
        call.need_in_guild(guild, Permission.CHANGE_NICKNAME)
        member.nick = call.json["nick"] or None
    call.world.tell(MemberUpdated(guild, member))
    return payloads.member(call.world, member)


async def remove_member(call: Call) -> None:
    guild = call.guild()
    call.need_in_guild(guild, Permission.KICK_MEMBERS)
    member = call.member(guild)
    _need_above(call, guild, member)
    call.world.remove_member(guild, member.user_id)


async def list_bans(call: Call) -> list[JsonObject]:
    guild = _guild_of_bans(call)
    limit, after = call.query_number("limit", 1000, 1, 1000), call.query_id("after") or 0
    before = call.query_id("before") or 1 << 64
    ids = sorted(i for i in guild.bans if after < i < before)[:limit]
    return [_ban(call, guild, i) for i in ids]


async def get_ban(call: Call) -> JsonObject:
    guild = _guild_of_bans(call)
    return _ban(call, guild, call.id("user_id"))


async def ban(call: Call) -> None:
    guild = _guild_of_bans(call)
    user = call.world.user(call.id("user_id"))
    check(_BAN, call.json)
    if user.id in guild.members:
        _need_above(call, guild, guild.members[user.id])
        call.world.remove_member(guild, user.id)
    guild.bans[user.id] = call.request.headers.get("X-Audit-Log-Reason")
    call.world.tell(BanAdded(guild, user.id))


async def lift_ban(call: Call) -> None:
    guild, user_id = _guild_of_bans(call), call.id("user_id")
    if user_id not in guild.bans:
        raise DiscordError(Code.UNKNOWN_BAN)
    del guild.bans[user_id]
    call.world.tell(BanRemoved(guild, user_id))


def _guild_of_bans(call: Call) -> Guild:
    guild = call.guild()
    call.need_in_guild(guild, Permission.BAN_MEMBERS)
    return guild


def _ban(call: Call, guild: Guild, user_id: int) -> JsonObject:
    if user_id not in guild.bans:
        raise DiscordError(Code.UNKNOWN_BAN)
    return {"user": payloads.user(call.world.users[user_id]), "reason": guild.bans[user_id]}


def _need_above(call: Call, guild: Guild, member: Member, *, also_oneself: bool = False) -> None:
    if member.user_id == call.user.id and also_oneself:
        return
    if rank(guild, call.user.id) <= rank(guild, member.user_id):
        raise DiscordError(Code.MISSING_PERMISSIONS)


def _roles(call: Call, guild: Guild, member: Member) -> list[int]:
    asked = [int(i) for i in call.json["roles"] or ()]
    for role_id in {*asked} ^ {*member.role_ids}:
        role = guild.roles.get(role_id)
        if role is None:
            raise DiscordError(Code.UNKNOWN_ROLE)
        need_above(call, guild, role)
    return asked


def _timeout(call: Call, guild: Guild, member: Member) -> datetime | None:
    """When a timeout ends: within 28 days, and not for administrators."""
    given = call.json["communication_disabled_until"]
    if given is None:
        return None
    until = datetime.fromisoformat(given)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    if until - call.world.now() > _LONGEST_TIMEOUT:
        raise errors.invalid_form(
            "communication_disabled_until",
            "GUILD_MEMBER_COMMUNICATION_DISABLED_UNTIL_TOO_FAR",
            "Timeouts cannot be longer than 28 days",
        )
    if Permission.ADMINISTRATOR in call.world.guild_permissions(guild, member.user_id):
        raise DiscordError(Code.MISSING_PERMISSIONS)
    return until


_MEMBERS = "/guilds/{guild_id}/members"
_BANS = "/guilds/{guild_id}/bans"

ROUTES = [
    Route("GET", _MEMBERS, list_members),
    Route("GET", f"{_MEMBERS}/search", search_members),
    Route("PATCH", f"{_MEMBERS}/@me", edit_own_member),
    Route("GET", f"{_MEMBERS}/{{user_id}}", get_member),
    Route("PATCH", f"{_MEMBERS}/{{user_id}}", edit_member),
    Route("DELETE", f"{_MEMBERS}/{{user_id}}", remove_member),
    Route("GET", "/users/@me/guilds/{guild_id}/member", get_own_member),
    Route("GET", _BANS, list_bans),
    Route("GET", f"{_BANS}/{{user_id}}", get_ban),
    Route("PUT", f"{_BANS}/{{user_id}}", ban),
    Route("DELETE", f"{_BANS}/{{user_id}}", lift_ban),
]
