"""Objects as Discord's JSON.

Shapes follow Discord's OpenAPI description: a field that Discord always sends is always here.
Snowflakes are strings, as everywhere in Discord's JSON.
"""

from datetime import datetime

from bot.harness.model import (
    Channel,
    ChannelType,
    Command,
    Guild,
    JsonObject,
    Member,
    Reaction,
    Role,
    User,
)
from bot.harness.world import World


def timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def timestamp_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def user(account: User) -> JsonObject:
    data: JsonObject = {
        "id": str(account.id),
        "username": account.name,
        "global_name": account.global_name,
        "discriminator": "0",
        "avatar": None,
        "avatar_decoration_data": None,
        "banner": None,
        "accent_color": None,
        "collectibles": None,
        "primary_guild": None,
        "public_flags": 0,
        "flags": 0,
    }
    if account.bot:
        data["bot"] = True
    return data


def own_user(account: User) -> JsonObject:
    """A user as they see themselves."""
    return user(account) | {
        "mfa_enabled": False,
        "locale": "en-US",
        "premium_type": 0,
        "email": None,
        "verified": True,
    }


def member(world: World, guild_member: Member, *, with_user: bool = True) -> JsonObject:
    data: JsonObject = {
        "avatar": None,
        "avatar_decoration_data": None,
        "banner": None,
        "collectibles": None,
        "communication_disabled_until": timestamp_or_none(guild_member.timed_out_until),
        "deaf": guild_member.deaf,
        "flags": guild_member.flags,
        "joined_at": timestamp(guild_member.joined_at),
        "mute": guild_member.mute,
        "nick": guild_member.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in guild_member.role_ids],
    }
    if with_user:
        data["user"] = user(world.users[guild_member.user_id])
    return data


def role(guild_role: Role) -> JsonObject:
    data: JsonObject = {
        "id": str(guild_role.id),
        "name": guild_role.name,
        "description": None,
        "permissions": str(guild_role.permissions),
        "position": guild_role.position,
        "color": guild_role.color,
        "colors": {
            "primary_color": guild_role.color,
            "secondary_color": None,
            "tertiary_color": None,
        },
        "hoist": guild_role.hoist,
        "managed": guild_role.bot_id is not None,
        "mentionable": guild_role.mentionable,
        "icon": None,
        "unicode_emoji": guild_role.unicode_emoji,
        "flags": 0,
    }
    if guild_role.bot_id is not None:
        data["tags"] = {"bot_id": str(guild_role.bot_id)}
    return data


def channel(world: World, place: Channel) -> JsonObject:
    """Any channel: a guild's, a thread or a direct message."""
    data: JsonObject = {
        "id": str(place.id),
        "type": int(place.type),
        "flags": 0,
        "last_message_id": _id_or_none(place.last_message_id),
    }
    if place.last_pin_at is not None:
        data["last_pin_timestamp"] = timestamp(place.last_pin_at)
    if place.guild_id is None:
        data["recipients"] = [user(world.users[i]) for i in place.recipient_ids]
        return data
    data |= {
        "guild_id": str(place.guild_id),
        "name": place.name,
        "parent_id": _id_or_none(place.parent_id),
        "rate_limit_per_user": place.slowmode_seconds,
    }
    if place.thread is not None:
        return data | _thread_fields(place)
    return data | {
        "topic": place.topic,
        "position": place.position,
        "nsfw": place.nsfw,
        "permission_overwrites": [
            {"id": str(o.id), "type": int(o.type), "allow": str(o.allow), "deny": str(o.deny)}
            for o in place.overwrites.values()
        ],
        **place.settings,
    }


def dm_channel(world: World, place: Channel, viewer_id: int) -> JsonObject:
    """A direct message as one side of it sees it: the recipients are the others."""
    data = channel(world, place)
    data["recipients"] = [r for r in data["recipients"] if r["id"] != str(viewer_id)]
    if place.type is ChannelType.GROUP_DM:
        owner_id = str(place.recipient_ids[0])
        data |= {"name": place.name or None, "icon": None, "owner_id": owner_id}
    return data


def channel_for(world: World, place: Channel, viewer_id: int) -> JsonObject:
    """A channel as REST shows it to a user."""
    if place.guild_id is None:
        return dm_channel(world, place, viewer_id)
    data = channel(world, place)
    if place.thread is not None and viewer_id in place.thread.member_ids:
        data["member"] = thread_member(place, viewer_id)
    return data


def thread_member(thread: Channel, user_id: int) -> JsonObject:
    assert thread.thread is not None  # noqa: S101 - callers pass threads
    return {
        "id": str(thread.id),
        "user_id": str(user_id),
        "join_timestamp": timestamp(thread.thread.member_ids[user_id]),
        "flags": 0,
    }


def _thread_fields(place: Channel) -> JsonObject:
    info = place.thread
    assert info is not None  # noqa: S101 - callers pass threads
    metadata: JsonObject = {
        "archived": info.archived,
        "archive_timestamp": timestamp(info.archived_at),
        "auto_archive_duration": info.auto_archive_minutes,
        "locked": info.locked,
        "create_timestamp": timestamp(info.created_at),
    }
    if place.type is ChannelType.PRIVATE_THREAD:
        metadata["invitable"] = info.invitable
    return {
        "applied_tags": [str(i) for i in info.applied_tag_ids],
        "owner_id": str(info.owner_id),
        "thread_metadata": metadata,
        "message_count": len(place.messages),
        "member_count": len(info.member_ids),
        "total_message_sent": info.messages_sent,
    }


def guild(world: World, place: Guild) -> JsonObject:
    """A guild as REST shows it."""
    return {
        "id": str(place.id),
        "name": place.name,
        "owner_id": str(place.owner_id),
        "roles": [role(r) for r in place.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "afk_timeout": 300,
        "afk_channel_id": None,
        "application_id": None,
        "banner": None,
        "default_message_notifications": 0,
        "description": None,
        "discovery_splash": None,
        "explicit_content_filter": 0,
        "home_header": None,
        "icon": None,
        "incidents_data": None,
        "max_members": 500_000,
        "max_presences": None,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "mfa_level": 0,
        "nsfw": False,
        "nsfw_level": 0,
        "preferred_locale": place.locale,
        "premium_progress_bar_enabled": False,
        "premium_subscription_count": 0,
        "premium_tier": 0,
        "public_updates_channel_id": None,
        "region": "rotterdam",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "splash": None,
        "system_channel_flags": 0,
        "system_channel_id": str(place.channel_ids[0]) if place.channel_ids else None,
        "vanity_url_code": None,
        "verification_level": 0,
        "widget_channel_id": None,
        "widget_enabled": False,
        **place.settings,
    }


def gateway_guild(world: World, place: Guild, viewer_id: int, *, all_members: bool) -> JsonObject:
    """A guild as GUILD_CREATE shows it to a user.

    Without the presence intent a bot is given only itself as a member.
    """
    members = place.members.values() if all_members else [place.members[viewer_id]]
    threads = [
        t
        for t in world.threads_of(place)
        if t.thread and not t.thread.archived and world.can_view(t, viewer_id)
    ]
    return guild(world, place) | {
        "joined_at": timestamp(place.members[viewer_id].joined_at),
        "large": len(place.members) > 250,
        "member_count": len(place.members),
        "members": [member(world, m) for m in members],
        "channels": [
            _without_guild_id(channel(world, world.channels[i])) for i in place.channel_ids
        ],
        "threads": [channel_for(world, t, viewer_id) for t in threads],
        "voice_states": [],
        "presences": [presence(world, m.user_id) for m in members if m.user_id in world.presences],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def presence(world: World, user_id: int) -> JsonObject:
    """Someone's status and activities; who set none is offline."""
    known = world.presences.get(user_id)
    shown = known or {"status": "offline", "activities": []}
    status = shown["status"]
    return {
        "user": {"id": str(user_id)},
        "status": status,
        "activities": shown["activities"],
        "client_status": {} if status == "offline" else {"desktop": status},
    }


def emoji(reaction: Reaction) -> JsonObject:
    return {"id": _id_or_none(reaction.emoji_id), "name": reaction.emoji_name}


def command(world: World, registered: Command) -> JsonObject:
    data: JsonObject = {
        "description": "",
        "default_member_permissions": None,
        "nsfw": False,
        "name_localizations": None,
        "description_localizations": None,
    }
    data |= {key: value for key, value in registered.spec.items() if value is not None}
    if data["default_member_permissions"] is not None:
        data["default_member_permissions"] = str(data["default_member_permissions"])
    data |= {
        "id": str(registered.id),
        "application_id": str(registered.application_id),
        "version": str(registered.version),
        "type": registered.type,
    }
    if registered.guild_id is not None:
        data["guild_id"] = str(registered.guild_id)
    else:
        data.setdefault("dm_permission", True)
        data.setdefault("contexts", None)
        data.setdefault("integration_types", list(world.application.integration_types))
    return data


def application(world: World) -> JsonObject:
    """The application as its own bot sees it."""
    app = world.application
    return {
        "id": str(app.id),
        "name": app.name,
        "icon": None,
        "description": app.description,
        "type": None,
        "bot": user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": app.verify_key,
        "integration_types_config": {str(kind): {} for kind in app.integration_types},
        "flags": world.application_flags,
        "flags_new": str(world.application_flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(world.users[app.owner_id]),
        "approximate_guild_count": len(world.guilds_of(world.bot.id)),
        "approximate_user_install_count": len(world.installed_by),
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
    }


def _id_or_none(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)


def _without_guild_id(data: JsonObject) -> JsonObject:
    del data["guild_id"]
    return data
