"""Roles of a guild: make, change, order, delete, give and take.

Source: https://discord.com/developers/docs/topics/permissions#permission-hierarchy
"""

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.changes import RoleUpdated
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Flag, Form, Id, ListOf, Number, Text, check
from bot.harness.model import Guild, JsonObject, Role
from bot.harness.permissions import Permission, rank

_LIMIT = 250
_ROLE = Form(
    {
        "name": Text(1, 100),
        "permissions": Number(0),
        "color": Number(0, 0xFFFFFF),
        "colors": Form({"primary_color": Number(0, 0xFFFFFF)}),
        "hoist": Flag(),
        "mentionable": Flag(),
        "unicode_emoji": Text(0, 100),
    }
)
_POSITIONS = ListOf(Form({"id": Id(), "position": Number(0)}, frozenset({"id"})))


async def list_roles(call: Call) -> list[JsonObject]:
    return [payloads.role(role) for role in call.guild().roles.values()]


async def count_members(call: Call) -> JsonObject:
    """How many members have each role; @everyone is not counted."""
    guild = call.guild()
    held = [i for m in guild.members.values() for i in m.role_ids]
    return {str(i): held.count(i) for i in guild.roles if i != guild.id}


async def get_role(call: Call) -> JsonObject:
    return payloads.role(role_of(call, call.guild()))


async def create_role(call: Call) -> JsonObject:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    check(_ROLE, call.json)
    if len(guild.roles) >= _LIMIT:
        raise DiscordError(Code.TOO_MANY_ROLES)
    permissions = _permissions(call, guild, guild.roles[guild.id].permissions)
    role = Role(call.world.new_id(), "new role", permissions, position=1)
    _apply(call, guild, role)
    call.world.place_role(guild, role)
    return payloads.role(role)


async def edit_role(call: Call) -> JsonObject:
    guild = call.guild()
    role = _manageable(call, guild)
    check(_ROLE, call.json)
    role.permissions = _permissions(call, guild, role.permissions)
    _apply(call, guild, role)
    call.world.tell(RoleUpdated(guild, role))
    return payloads.role(role)


async def delete_role(call: Call) -> None:
    guild = call.guild()
    role = _manageable(call, guild)
    if role.id == guild.id or role.bot_id is not None:
        raise DiscordError(Code.INVALID_ROLE)
    call.world.remove_role(guild, role)


async def order_roles(call: Call) -> list[JsonObject]:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    check(_POSITIONS, call.items)
    for item in call.items:
        role = guild.roles.get(int(item["id"]))
        if role is None:
            raise DiscordError(Code.UNKNOWN_ROLE)
        if item.get("position") is not None and int(item["position"]) != role.position:
            need_above(call, guild, role)
            role.position = int(item["position"])
            call.world.tell(RoleUpdated(guild, role))
    return [payloads.role(role) for role in guild.roles.values()]


async def give_role(call: Call) -> None:
    _change_member(call, wanted=True)


async def take_role(call: Call) -> None:
    _change_member(call, wanted=False)


def role_of(call: Call, guild: Guild) -> Role:
    """The role of the path, or 10011."""
    role = guild.roles.get(call.id("role_id"))
    if role is None:
        raise DiscordError(Code.UNKNOWN_ROLE)
    return role


def need_above(call: Call, guild: Guild, role: Role) -> None:
    """Raises 50013 unless who asks stands above a role."""
    if rank(guild, call.user.id) <= role.position and role.id != guild.id:
        raise DiscordError(Code.MISSING_PERMISSIONS)


def _manageable(call: Call, guild: Guild) -> Role:
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    role = role_of(call, guild)
    need_above(call, guild, role)
    return role


def _permissions(call: Call, guild: Guild, unchanged: int) -> int:
    """The permissions asked for; nobody can give what they do not have."""
    if call.json.get("permissions") is None:
        return unchanged
    asked = Permission(int(call.json["permissions"]))
    have = call.world.guild_permissions(guild, call.user.id)
    if asked & ~Permission(unchanged) & ~have:
        raise DiscordError(Code.MISSING_PERMISSIONS)
    return int(asked)


def _apply(call: Call, guild: Guild, role: Role) -> None:
    changes = call.json
    if role.id == guild.id and changes.get("name") not in (None, role.name):
        raise errors.invalid_form("name", "ROLE_EVERYONE_NAME", "The name cannot be changed")
    colors = changes.get("colors") or {}
    role.name = changes.get("name") or role.name
    role.color = int(changes.get("color") or colors.get("primary_color") or 0) or (
        0 if "color" in changes or colors else role.color
    )
    for name in ("hoist", "mentionable"):
        if changes.get(name) is not None:
            setattr(role, name, changes[name])
    if "unicode_emoji" in changes:
        role.unicode_emoji = changes["unicode_emoji"]


def _change_member(call: Call, *, wanted: bool) -> None:
    guild = call.guild()
    member = call.member(guild)
    role = _manageable(call, guild)
    if role.id == guild.id or role.bot_id is not None:
        raise DiscordError(Code.INVALID_ROLE)
    roles = [guild.roles[i] for i in member.role_ids if i != role.id]
    if wanted:
        roles.append(role)
    call.world.set_roles(guild, call.world.users[member.user_id], roles)


_ROLES = "/guilds/{guild_id}/roles"
_OF_MEMBER = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"

ROUTES = [
    Route("GET", _ROLES, list_roles),
    Route("POST", _ROLES, create_role),
    Route("PATCH", _ROLES, order_roles),
    Route("GET", f"{_ROLES}/member-counts", count_members),
    Route("GET", f"{_ROLES}/{{role_id}}", get_role),
    Route("PATCH", f"{_ROLES}/{{role_id}}", edit_role),
    Route("DELETE", f"{_ROLES}/{{role_id}}", delete_role),
    Route("PUT", _OF_MEMBER, give_role),
    Route("DELETE", _OF_MEMBER, take_role),
]
