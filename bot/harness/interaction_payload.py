"""INTERACTION_CREATE as an application receives it.

Shape: https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
"""

from bot.harness import message_payload, payloads
from bot.harness.installs import application_permissions, context_of
from bot.harness.model import Interaction, JsonObject
from bot.harness.world import World

ATTACHMENT_SIZE_LIMIT = 10 * 1024 * 1024


def interaction_for_application(world: World, use: Interaction) -> JsonObject:
    """All that an application is told about one use of a command, component or modal."""
    channel = world.channels[use.channel_id]
    data: JsonObject = {
        "id": str(use.id),
        "application_id": str(world.application.id),
        "type": int(use.type),
        "token": use.token,
        "version": 1,
        "data": use.data,
        "channel_id": str(use.channel_id),
        "channel": payloads.channel_for(world, channel, world.bot.id)
        | {"permissions": str(int(world.permissions(channel, use.user_id)))},
        "locale": "en-US",
        "app_permissions": str(int(application_permissions(world, use.user_id, channel))),
        "entitlements": [],
        "authorizing_integration_owners": message_payload.integration_owners(use),
        "attachment_size_limit": ATTACHMENT_SIZE_LIMIT,
        "context": int(context_of(world, channel)),
    }
    if use.guild_id is None:
        data["user"] = payloads.user(world.users[use.user_id])
    else:
        data |= _guild_fields(world, use, use.guild_id)
    if use.source_message_id is not None:
        source = world.conversation.find(use.channel_id, use.source_message_id)
        if source is not None:
            data["message"] = message_payload.message(world, source, world.bot.id)
    return data


def callback_response(world: World, use: Interaction, callback_type: int) -> JsonObject:
    """What `with_response=true` answers: the interaction and the message that came of it."""
    told: JsonObject = {
        "id": str(use.id),
        "type": int(use.type),
        "channel_id": str(use.channel_id),
    }
    if use.guild_id is not None:
        told["guild_id"] = str(use.guild_id)
    original = world.conversation.find(use.channel_id, use.original_id or 0)
    if original is None:
        return {"interaction": told}
    told |= {
        "response_message_id": str(original.id),
        "response_message_loading": callback_type == 5,
        "response_message_ephemeral": original.ephemeral_to is not None,
    }
    # Discord names the message of a deferral by its id alone.
    if callback_type not in (4, 7):
        return {"interaction": told}
    return {
        "interaction": told,
        "resource": {
            "type": callback_type,
            "message": message_payload.message(world, original, world.bot.id),
        },
    }


def _guild_fields(world: World, use: Interaction, guild_id: int) -> JsonObject:
    guild = world.guilds[guild_id]
    channel = world.channels[use.channel_id]
    member = payloads.member(world, guild.members[use.user_id])
    member["permissions"] = str(int(world.permissions(channel, use.user_id)))
    return {
        "guild_id": str(guild_id),
        "guild": {"id": str(guild_id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member,
    }
