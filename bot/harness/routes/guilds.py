"""Guilds with their channels and active threads.

Source: https://discord.com/developers/docs/resources/guild
"""

from bot.harness import channel_edits, errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, Reply
from bot.harness.changes import ChannelUpdated, GuildUpdated
from bot.harness.channel_settings import usual_settings
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Choice, Flag, Form, Id, ListOf, Number, Text, check
from bot.harness.model import Channel, ChannelType, Guild, JsonObject
from bot.harness.permissions import Permission

_CHANNELS_LIMIT = 500
_GUILD = Form(
    {
        "name": Text(2, 100),
        "description": Text(0, 300),
        "verification_level": Number(0, 4),
        "default_message_notifications": Number(0, 1),
        "explicit_content_filter": Number(0, 2),
        "preferred_locale": Text(2, 5),
        "afk_timeout": Choice((60, 300, 900, 1800, 3600)),
        "afk_channel_id": Id(),
        "system_channel_id": Id(),
        "system_channel_flags": Number(0),
        "rules_channel_id": Id(),
        "public_updates_channel_id": Id(),
        "safety_alerts_channel_id": Id(),
        "premium_progress_bar_enabled": Flag(),
    }
)
_POSITIONS = ListOf(Form({"id": Id(), "position": Number(0)}, frozenset({"id"})))


async def get_guild(call: Call) -> JsonObject:
    guild = call.guild()
    data = payloads.guild(call.world, guild)
    if call.query_flag("with_counts"):
        data["approximate_member_count"] = len(guild.members)
        data["approximate_presence_count"] = len(call.world.presences.keys() & guild.members)
    return data


async def edit_guild(call: Call) -> JsonObject:
    guild, changes = call.guild(), call.json
    call.need_in_guild(guild, Permission.MANAGE_GUILD)
    check(_GUILD, changes)
    guild.name = changes.get("name") or guild.name
    for name in _GUILD.fields:
        if name != "name" and name in changes:
            _set(guild, name, changes[name])
    call.world.tell(GuildUpdated(guild))
    return payloads.guild(call.world, guild)


async def list_channels(call: Call) -> list[JsonObject]:
    return [payloads.channel(call.world, call.world.channels[i]) for i in call.guild().channel_ids]


async def create_channel(call: Call) -> Reply:
    guild, given = call.guild(), call.json
    call.need_in_guild(guild, Permission.MANAGE_CHANNELS)
    if not given.get("name"):
        raise errors.required("name")
    check(channel_edits.CHANNEL, given)
    if len(guild.channel_ids) >= _CHANNELS_LIMIT:
        raise DiscordError(Code.TOO_MANY_CHANNELS)
    kind = ChannelType(int(given.get("type") or 0))
    channel = Channel(
        id=call.world.new_id(),
        type=kind,
        guild_id=guild.id,
        position=len(guild.channel_ids),
        settings=usual_settings(kind),
    )
    need_category(call, guild, given)
    channel_edits.apply(call.world, channel, given)
    call.world.place_channel(guild, channel)
    return Reply(201, payloads.channel(call.world, channel))


async def order_channels(call: Call) -> None:
    guild = call.guild()
    call.need_in_guild(guild, Permission.MANAGE_CHANNELS)
    check(_POSITIONS, call.items)
    for item in call.items:
        channel = call.world.channel(int(item["id"]))
        if channel.guild_id != guild.id:
            raise DiscordError(Code.UNKNOWN_CHANNEL)
        need_category(call, guild, item)
        channel_edits.apply(call.world, channel, item)
        call.world.tell(ChannelUpdated(channel))


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


def need_category(call: Call, guild: Guild, given: JsonObject) -> None:
    """Raises 50035 if a channel is to be put under what is no category of its guild."""
    if not given.get("parent_id"):
        return
    parent = call.world.channels.get(int(given["parent_id"]))
    if parent is None or parent.guild_id != guild.id or parent.type is not ChannelType.CATEGORY:
        raise errors.invalid_form("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")


def _set(guild: Guild, name: str, value: object) -> None:
    """Null brings back what a guild has by itself."""
    if value is None and name != "system_channel_id":
        guild.settings.pop(name, None)
    else:
        guild.settings[name] = str(value) if name.endswith("_id") and value else value


ROUTES = [
    Route("GET", "/guilds/{guild_id}", get_guild),
    Route("PATCH", "/guilds/{guild_id}", edit_guild),
    Route("GET", "/guilds/{guild_id}/channels", list_channels),
    Route("POST", "/guilds/{guild_id}/channels", create_channel),
    Route("PATCH", "/guilds/{guild_id}/channels", order_channels),
    Route("GET", "/guilds/{guild_id}/threads/active", list_active_threads),
]
