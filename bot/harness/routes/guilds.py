"""Guilds with their channels, members and roles."""

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, Reply
from bot.harness.errors import Code, DiscordError
from bot.harness.model import ChannelType, Guild, JsonObject, Member
from bot.harness.permissions import Permission


async def get_guild(call: Call) -> JsonObject:
    guild = call.guild()
    data = payloads.guild(call.world, guild)
    if call.query_flag("with_counts"):
        data["approximate_member_count"] = len(guild.members)
        data["approximate_presence_count"] = len(guild.members)
    return data


async def list_channels(call: Call) -> list[JsonObject]:
    return [payloads.channel(call.world, call.world.channels[i]) for i in call.guild().channel_ids]


async def create_channel(call: Call) -> Reply:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_CHANNELS)
    name = str(call.json.get("name") or "")
    if not name:
        raise errors.required("name")
    channel = call.world.add_channel(
        guild,
        name,
        type=ChannelType(int(call.json.get("type") or 0)),
        topic=call.json.get("topic"),
        parent_id=int(call.json["parent_id"]) if call.json.get("parent_id") else None,
    )
    return Reply(201, payloads.channel(call.world, channel))


async def list_active_threads(call: Call) -> JsonObject:
    world, me = call.world, call.user
    threads = [
        t
        for t in world.threads_of(call.guild())
        if t.thread and not t.thread.archived and world.can_view(t, me.id)
    ]
    mine = [t for t in threads if t.thread and me.id in t.thread.member_ids]
    return {
        "threads": [payloads.channel_for(world, t, me.id) for t in threads],
        "members": [payloads.thread_member(t, me.id) for t in mine],
        "has_more": False,
    }


async def list_members(call: Call) -> list[JsonObject]:
    guild = call.guild()
    limit, after = call.query_number("limit", 1, 1, 1000), call.query_id("after") or 0
    ids = sorted(i for i in guild.members if i > after)[:limit]
    return [payloads.member(call.world, guild.members[i]) for i in ids]


async def search_members(call: Call) -> list[JsonObject]:
    guild, world = call.guild(), call.world
    start = (call.query("query") or "").lower()
    limit = call.query_number("limit", 1, 1, 1000)
    found = [m for m in guild.members.values() if world.users[m.user_id].name.startswith(start)]
    return [payloads.member(world, m) for m in found[:limit]]


async def get_member(call: Call) -> JsonObject:
    return payloads.member(call.world, _member(call, call.guild()))


async def remove_member(call: Call) -> None:
    guild = call.guild()
    call.need_in_guild(guild, Permission.KICK_MEMBERS)
    call.world.remove_member(guild, _member(call, guild).user_id)


async def add_role(call: Call) -> None:
    await _change_role(call, wanted=True)


async def take_role(call: Call) -> None:
    await _change_role(call, wanted=False)


async def list_roles(call: Call) -> list[JsonObject]:
    return [payloads.role(role) for role in call.guild().roles.values()]


async def get_role(call: Call) -> JsonObject:
    role = call.guild().roles.get(call.id("role_id"))
    if role is None:
        raise DiscordError(Code.UNKNOWN_ROLE)
    return payloads.role(role)


async def _change_role(call: Call, *, wanted: bool) -> None:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_ROLES)
    member, role = _member(call, guild), guild.roles.get(call.id("role_id"))
    if role is None:
        raise DiscordError(Code.UNKNOWN_ROLE)
    roles = [guild.roles[i] for i in member.role_ids if i != role.id]
    call.world.set_roles(
        guild, call.world.users[member.user_id], [*roles, role] if wanted else roles
    )


def _member(call: Call, guild: Guild) -> Member:
    member = guild.members.get(call.id("user_id"))
    if member is None:
        raise DiscordError(Code.UNKNOWN_MEMBER)
    return member


ROUTES = [
    Route("GET", "/guilds/{guild_id}", get_guild),
    Route("GET", "/guilds/{guild_id}/channels", list_channels),
    Route("POST", "/guilds/{guild_id}/channels", create_channel),
    Route("GET", "/guilds/{guild_id}/threads/active", list_active_threads),
    Route("GET", "/guilds/{guild_id}/members", list_members),
    Route("GET", "/guilds/{guild_id}/members/search", search_members),
    Route("GET", "/guilds/{guild_id}/members/{user_id}", get_member),
    Route("DELETE", "/guilds/{guild_id}/members/{user_id}", remove_member),
    Route("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", add_role),
    Route("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", take_role),
    Route("GET", "/guilds/{guild_id}/roles", list_roles),
    Route("GET", "/guilds/{guild_id}/roles/{role_id}", get_role),
]
