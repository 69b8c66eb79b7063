"""Users, one's own account, its guilds and its direct messages."""

from bot.harness import payloads
from bot.harness.api import Route
from bot.harness.call import Call, snowflake
from bot.harness.model import ChannelType, JsonObject


async def get_me(call: Call) -> JsonObject:
    return payloads.own_user(call.user)


async def get_user(call: Call) -> JsonObject:
    return payloads.user(call.world.user(call.id("user_id")))


async def get_my_guilds(call: Call) -> list[JsonObject]:
    world, me = call.world, call.user
    return [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner_id == me.id,
            "permissions": str(int(world.guild_permissions(guild, me.id))),
            "features": [],
        }
        for guild in world.guilds_of(me.id)
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
        if channel.type is ChannelType.DM and call.user.id in channel.recipient_ids
    ]


async def open_dm(call: Call) -> JsonObject:
    other = call.world.user(snowflake(call.json.get("recipient_id"), "recipient_id"))
    return payloads.dm_channel(call.world, call.world.open_dm(call.user, other), call.user.id)


ROUTES = [
    Route("GET", "/users/@me", get_me),
    Route("GET", "/users/@me/guilds", get_my_guilds),
    Route("DELETE", "/users/@me/guilds/{guild_id}", leave_guild),
    Route("GET", "/users/@me/channels", get_my_channels),
    Route("POST", "/users/@me/channels", open_dm),
    Route("GET", "/users/{user_id}", get_user),
]
