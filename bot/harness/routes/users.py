"""Users, one's own account, its guilds and its direct messages."""

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, snowflake
from bot.harness.changes import UserChanged
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Form, Text, check
from bot.harness.model import Guild, JsonObject
from bot.harness.world import World

_ME = Form({"username": Text(2, 32)})


async def get_me(call: Call) -> JsonObject:
    return payloads.own_user(call.user)


async def edit_me(call: Call) -> JsonObject:
    check(_ME, call.json)
    call.user.name = call.json.get("username") or call.user.name
    call.world.tell(UserChanged(call.user))
    return payloads.own_user(call.user)


async def get_user(call: Call) -> JsonObject:
    return payloads.user(call.world.user(call.id("user_id")))


async def get_my_guilds(call: Call) -> list[JsonObject]:
    world, me = call.world, call.user
    limit = call.query_number("limit", 200, 1, 200)
    after, before = call.query_id("after") or 0, call.query_id("before") or 1 << 64
    mine = sorted(world.guilds_of(me.id), key=lambda guild: guild.id)
    page = [g for g in mine if after < g.id < before][:limit]
    return [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner_id == me.id,
            "permissions": str(int(world.guild_permissions(guild, me.id))),
            "features": [],
            **(_counts(world, guild) if call.query_flag("with_counts") else {}),
        }
        for guild in page
    ]


async def leave_guild(call: Call) -> None:
    call.world.remove_member(call.guild(), call.user.id)


async def get_my_channels(call: Call) -> list[JsonObject]:
    """The direct messages of a person; a bot's list is always empty, as Discord's is."""
    if call.user.bot:
        return []
    return [
        payloads.dm_channel(call.world, channel, call.user.id)
        for channel in call.world.channels.values()
        if channel.guild_id is None and call.user.id in channel.recipient_ids
    ]


async def open_dm(call: Call) -> JsonObject:
    """One with somebody or, as people's clients can, with `recipients` a new group."""
    if call.json.get("recipients") and not call.user.bot:
        ids = [snowflake(i, "recipients") for i in call.json["recipients"]]
        others = [call.world.user(user_id) for user_id in ids]
        if any(other.bot for other in others):
            raise DiscordError(Code.CANNOT_DM_USER)
        group = call.world.add_group_dm(call.user, *others)
        return payloads.dm_channel(call.world, group, call.user.id)
    if call.json.get("recipient_id") is None:
        raise errors.required("recipient_id")
    other = call.world.user(snowflake(call.json["recipient_id"], "recipient_id"))
    if other.id == call.user.id:
        raise DiscordError(Code.CANNOT_DM_USER)
    return payloads.dm_channel(call.world, call.world.open_dm(call.user, other), call.user.id)


async def list_default_sounds(call: Call) -> list[JsonObject]:
    """The soundboard that every guild has; none here, but some clients ask when they start."""
    return []


def _counts(world: World, guild: Guild) -> JsonObject:
    online = len(world.presences.keys() & guild.members)
    return {"approximate_member_count": len(guild.members), "approximate_presence_count": online}


ROUTES = [
    Route("GET", "/users/@me", get_me),
    Route("PATCH", "/users/@me", edit_me),
    Route("GET", "/soundboard-default-sounds", list_default_sounds),
    Route("GET", "/users/@me/guilds", get_my_guilds),
    Route("DELETE", "/users/@me/guilds/{guild_id}", leave_guild),
    Route("GET", "/users/@me/channels", get_my_channels),
    Route("POST", "/users/@me/channels", open_dm),
    Route("GET", "/users/{user_id}", get_user),
]
