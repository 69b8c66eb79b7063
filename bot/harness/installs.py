"""Where an application is installed, and so who may use which of its commands where.

A guild installs it for its members and in direct messages with its bot; a person installs it for
themselves, wherever they are.

Source: https://docs.discord.com/developers/resources/application#installation-context and
https://docs.discord.com/developers/interactions/application-commands#contexts
"""

from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from bot.harness.model import Channel, Command
from bot.harness.permissions import Permission

if TYPE_CHECKING:
    from bot.harness.world import World

_ELSEWHERE = Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE


class Install(IntEnum):
    GUILD = 0
    USER = 1


class Context(IntEnum):
    GUILD = 0
    BOT_DM = 1
    PRIVATE_CHANNEL = 2


Owners: TypeAlias = dict[int, int]
"""Who installed it, by the kind of install: a guild (0 in a direct message), a person."""


def context_of(world: "World", channel: Channel) -> Context:
    """What kind of place a channel is to the application."""
    if channel.guild_id is not None:
        return Context.GUILD
    return Context.BOT_DM if world.bot.id in channel.recipient_ids else Context.PRIVATE_CHANNEL


def owners_in(world: "World", user_id: int, channel: Channel) -> Owners:
    """By which installs a person has the application in a channel; none of them without one."""
    owners: Owners = {}
    match context_of(world, channel):
        case Context.GUILD if world.bot.id in world.guilds[channel.guild_id or 0].members:
            owners[Install.GUILD] = channel.guild_id or 0
        case Context.BOT_DM if any(user_id in g.members for g in world.guilds_of(world.bot.id)):
            owners[Install.GUILD] = 0
    if user_id in world.installed_by:
        owners[Install.USER] = user_id
    return owners


def owners_of_command(world: "World", command: Command, user_id: int, channel: Channel) -> Owners:
    """The same for one of its commands: without any, the person does not have it there."""
    owners, context = owners_in(world, user_id, channel), context_of(world, channel)
    if command.guild_id is not None:
        mine = command.guild_id == channel.guild_id and Install.GUILD in owners
        return {Install.GUILD: command.guild_id} if mine else {}
    spec = command.spec
    contexts = spec.get("contexts")
    if contexts is None and spec.get("dm_permission") is False:
        contexts = [Context.GUILD]
    if contexts is not None and context not in contexts:
        return {}
    installs = spec.get("integration_types")
    if installs is None:
        installs = world.application.integration_types
    return {install: owner for install, owner in owners.items() if install in installs}


def is_guest(owners: Owners) -> bool:
    """Whether the application is there for one person alone, and its bot therefore is not."""
    return owners.keys() == {Install.USER}


def application_permissions(world: "World", user_id: int, channel: Channel) -> Permission:
    """What the application may do with its answers, for a person in a channel.

    Where its bot is not, Discord documents three permissions for direct messages; in guilds those
    count here that the person has, too.
    """
    guild = world.guilds.get(channel.guild_id or 0)
    if world.bot.id in (channel.recipient_ids if guild is None else guild.members):
        return world.permissions(channel, world.bot.id)
    return _ELSEWHERE if guild is None else _ELSEWHERE & world.permissions(channel, user_id)


def must_whisper(world: "World", owners: Owners, user_id: int, channel: Channel) -> bool:
    """Whether all answers are ephemeral: to a person's own application in a guild without it."""
    if not is_guest(owners) or channel.guild_id is None:
        return False
    return Permission.USE_EXTERNAL_APPS not in world.permissions(channel, user_id)
