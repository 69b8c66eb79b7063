"""Who sees what: each change of a world as the gateway events it causes, for each kind of viewer.

Rules: https://discord.com/developers/docs/events/gateway#gateway-intents and, for the order and
fields of events, https://discord.com/developers/docs/events/gateway-events
"""

from collections.abc import Callable, Iterator

from bot.harness import message_payload, payloads
from bot.harness.changes import (
    AutocompleteAnswered,
    Change,
    ChannelCreated,
    ChannelDeleted,
    ChannelUpdated,
    GuildCreated,
    GuildDeleted,
    InteractionCreated,
    InteractionFailed,
    InteractionSucceeded,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MessageCreated,
    MessageEdited,
    MessagesDeleted,
    ModalOpened,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    ReactionsCleared,
    RoleCreated,
    TypingStarted,
)
from bot.harness.interaction_payload import interaction_for_application
from bot.harness.model import (
    Channel,
    ChannelType,
    Guild,
    Interaction,
    JsonObject,
    Member,
    Message,
    Reaction,
)
from bot.harness.viewer import NO_INTENT, Dispatch, Intent, Viewer, content_is_visible
from bot.harness.world import World


def dispatches(world: World, change: Change) -> Iterator[Dispatch]:
    """The gateway events that a change causes, in order."""
    match change:
        case MessageCreated(message):
            yield _message("MESSAGE_CREATE", world, message)
        case MessageEdited(message):
            yield _message("MESSAGE_UPDATE", world, message)
        case MessagesDeleted():
            yield from _messages_deleted(world, change)
        case PinsChanged(channel):
            yield _pins(world, channel)
        case TypingStarted():
            yield _typing(world, change)
        case ReactionAdded(message, reaction, user_id):
            yield _reaction("MESSAGE_REACTION_ADD", world, message, reaction, user_id)
        case ReactionRemoved(message, reaction, user_id):
            yield _reaction("MESSAGE_REACTION_REMOVE", world, message, reaction, user_id)
        case ReactionsCleared(message, reaction):
            yield _reactions_cleared(world, message, reaction)
        case ChannelCreated(channel):
            yield _channel("CREATE", world, channel)
        case ChannelUpdated(channel):
            yield _channel("UPDATE", world, channel)
        case ChannelDeleted(channel):
            yield _channel("DELETE", world, channel)
        case _:
            yield from _of_guilds_and_interactions(world, change)


def _of_guilds_and_interactions(world: World, change: Change) -> Iterator[Dispatch]:
    match change:
        case GuildCreated(guild, user_id):
            yield guild_create(world, guild, user_id)
        case GuildDeleted(guild, user_ids):
            gone: JsonObject = {"id": str(guild.id)}
            yield _fixed("GUILD_DELETE", gone, lambda u: u in user_ids, Intent.GUILDS, guild.id)
        case MemberAdded(guild, member):
            yield _member("GUILD_MEMBER_ADD", world, guild, member)
        case MemberUpdated(guild, member):
            yield _member("GUILD_MEMBER_UPDATE", world, guild, member)
        case MemberRemoved(guild, user_id):
            yield _member_removed(world, guild, user_id)
        case RoleCreated(guild, role):
            data = {"guild_id": str(guild.id), "role": payloads.role(role)}
            yield _fixed(
                "GUILD_ROLE_CREATE", data, lambda u: u in guild.members, Intent.GUILDS, guild.id
            )
        case InteractionCreated(use):
            yield _interaction_for_bot(world, use)
            yield _to_invoker("INTERACTION_CREATE", use, {})
        case InteractionSucceeded(use):
            yield _to_invoker("INTERACTION_SUCCESS", use, {})
        case InteractionFailed(use):
            yield _to_invoker("INTERACTION_FAILURE", use, {"reason_code": 2})
        case AutocompleteAnswered(use, choices):
            yield _to_invoker(
                "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", use, {"choices": list(choices)}
            )
        case ModalOpened(use, modal):
            extra = _place_of(use.guild_id, channel_id=use.channel_id) | modal
            extra["application"] = {"id": str(world.application.id), "name": world.application.name}
            yield _to_invoker("INTERACTION_MODAL_CREATE", use, extra)


def guild_create(
    world: World, guild: Guild, user_id: int | None = None, *, at_login: bool = False
) -> Dispatch:
    """GUILD_CREATE for one user, or for all members.

    Clients tell a guild that READY announced from one they have just joined by `unavailable`.
    """
    extra: JsonObject = {"unavailable": False} if at_login else {}

    def payload(viewer: Viewer) -> JsonObject:
        everyone = not viewer.bot or Intent.GUILD_PRESENCES in viewer.intents
        return extra | payloads.gateway_guild(world, guild, viewer.user_id, all_members=everyone)

    return Dispatch(
        "GUILD_CREATE",
        payload,
        lambda u: u in guild.members and user_id in (None, u),
        Intent.GUILDS,
        guild.id,
    )


def _fixed(
    name: str,
    data: JsonObject,
    sees: Callable[[int], bool],
    intent: Intent = NO_INTENT,
    guild_id: int | None = None,
) -> Dispatch:
    return Dispatch(name, lambda _: data, sees, intent, guild_id)


def _audience(world: World, message: Message) -> Callable[[int], bool]:
    if message.ephemeral_to is not None:
        return lambda u: u in (message.ephemeral_to, message.author_id)
    channel = world.channels[message.channel_id]
    return lambda u: world.can_view(channel, u)


def _message(name: str, world: World, message: Message) -> Dispatch:
    # An ephemeral message goes to the person and the application only, without guild_id and member,
    # under the intent of direct messages.
    guild_id = None if message.ephemeral_to is not None else message.guild_id
    place = world.channels[message.channel_id]

    def payload(viewer: Viewer) -> JsonObject:
        readable = content_is_visible(message, viewer)
        data = message_payload.message(world, message, viewer.user_id, with_content=readable)
        data["channel_type"] = int(place.type)
        if guild_id is not None:
            data |= {"guild_id": str(guild_id)} | _author_member(world, guild_id, message)
            data["mentions"] = _mentions_with_members(world, guild_id, message)
        return data

    intent = Intent.DIRECT_MESSAGES if guild_id is None else Intent.GUILD_MESSAGES
    return Dispatch(name, payload, _audience(world, message), intent, guild_id)


def _author_member(world: World, guild_id: int, message: Message) -> JsonObject:
    member = world.guilds[guild_id].members.get(message.author_id)
    return {"member": payloads.member(world, member, with_user=False)} if member else {}


def _mentions_with_members(world: World, guild_id: int, message: Message) -> list[JsonObject]:
    members = world.guilds[guild_id].members
    mentioned = []
    for user_id in message.mentions.user_ids:
        data = payloads.user(world.users[user_id])
        if user_id in members:
            data["member"] = payloads.member(world, members[user_id], with_user=False)
        mentioned.append(data)
    return mentioned


def _place_of(guild_id: int | None, **ids: int) -> JsonObject:
    data: JsonObject = {key: str(value) for key, value in ids.items()}
    if guild_id is not None:
        data["guild_id"] = str(guild_id)
    return data


def _messages_deleted(world: World, change: MessagesDeleted) -> Iterator[Dispatch]:
    channel = change.channel
    place = _place_of(channel.guild_id, channel_id=channel.id)
    intent = _messages_intent(channel.guild_id)
    if change.bulk:
        data = place | {"ids": [str(m.id) for m in change.messages]}
        sees = _audience(world, change.messages[0])
        yield _fixed("MESSAGE_DELETE_BULK", data, sees, intent, channel.guild_id)
        return
    for message in change.messages:
        data = place | {"id": str(message.id)}
        yield _fixed("MESSAGE_DELETE", data, _audience(world, message), intent, channel.guild_id)


def _messages_intent(guild_id: int | None) -> Intent:
    return Intent.DIRECT_MESSAGES if guild_id is None else Intent.GUILD_MESSAGES


def _pins(world: World, channel: Channel) -> Dispatch:
    data = _place_of(channel.guild_id, channel_id=channel.id)
    if channel.last_pin_at is not None:
        data["last_pin_timestamp"] = payloads.timestamp(channel.last_pin_at)
    intent = Intent.DIRECT_MESSAGES if channel.guild_id is None else Intent.GUILDS
    return _fixed(
        "CHANNEL_PINS_UPDATE", data, lambda u: world.can_view(channel, u), intent, channel.guild_id
    )


def _typing(world: World, change: TypingStarted) -> Dispatch:
    channel = change.channel
    data = _place_of(channel.guild_id, channel_id=channel.id, user_id=change.user_id)
    data["timestamp"] = int(change.at)
    intent = Intent.DIRECT_MESSAGE_TYPING
    if channel.guild_id is not None:
        intent = Intent.GUILD_MESSAGE_TYPING
        data["member"] = payloads.member(
            world, world.guilds[channel.guild_id].members[change.user_id]
        )
    return _fixed(
        "TYPING_START", data, lambda u: world.can_view(channel, u), intent, channel.guild_id
    )


def _reactions_intent(guild_id: int | None) -> Intent:
    if guild_id is None:
        return Intent.DIRECT_MESSAGE_REACTIONS
    return Intent.GUILD_MESSAGE_REACTIONS


def _reaction(
    name: str, world: World, message: Message, reaction: Reaction, user_id: int
) -> Dispatch:
    data = _place_of(
        message.guild_id, channel_id=message.channel_id, message_id=message.id, user_id=user_id
    )
    data |= {"emoji": payloads.emoji(reaction), "burst": False, "type": 0}
    if name == "MESSAGE_REACTION_ADD":
        data["message_author_id"] = str(message.author_id)
        member = world.guilds[message.guild_id].members.get(user_id) if message.guild_id else None
        if member is not None:
            data["member"] = payloads.member(world, member)
    intent = _reactions_intent(message.guild_id)
    return _fixed(name, data, _audience(world, message), intent, message.guild_id)


def _reactions_cleared(world: World, message: Message, reaction: Reaction | None) -> Dispatch:
    data = _place_of(message.guild_id, channel_id=message.channel_id, message_id=message.id)
    name = "MESSAGE_REACTION_REMOVE_ALL"
    if reaction is not None:
        name = "MESSAGE_REACTION_REMOVE_EMOJI"
        data["emoji"] = payloads.emoji(reaction)
    intent = _reactions_intent(message.guild_id)
    return _fixed(name, data, _audience(world, message), intent, message.guild_id)


def _channel(verb: str, world: World, channel: Channel) -> Dispatch:
    if channel.type is ChannelType.DM:
        # Since version 8 a bot is not told of its direct message channels, only of the messages.
        return Dispatch(
            f"CHANNEL_{verb}",
            lambda viewer: payloads.dm_channel(world, channel, viewer.user_id),
            lambda u: u in channel.recipient_ids and not world.users[u].bot,
        )
    data = payloads.channel(world, channel)
    name = f"CHANNEL_{verb}"
    if channel.thread is not None:
        name = f"THREAD_{verb}"
        if verb == "CREATE":
            data["newly_created"] = True
    return _fixed(name, data, lambda u: world.can_view(channel, u), Intent.GUILDS, channel.guild_id)


def _member(name: str, world: World, guild: Guild, member: Member) -> Dispatch:
    data = payloads.member(world, member) | {"guild_id": str(guild.id)}
    # One's own membership is told to a bot even without the members intent.
    intent = Intent.GUILD_MEMBERS
    joining = name == "GUILD_MEMBER_ADD"
    if member.user_id == world.bot.id and not joining:
        intent |= Intent.GUILDS

    def sees(user_id: int) -> bool:
        # Who joins is told by GUILD_CREATE.
        return user_id in guild.members and not (joining and user_id == member.user_id)

    return _fixed(name, data, sees, intent, guild.id)


def _member_removed(world: World, guild: Guild, user_id: int) -> Dispatch:
    data = {"guild_id": str(guild.id), "user": payloads.user(world.users[user_id])}
    return _fixed(
        "GUILD_MEMBER_REMOVE", data, lambda u: u in guild.members, Intent.GUILD_MEMBERS, guild.id
    )


def _interaction_for_bot(world: World, use: Interaction) -> Dispatch:
    data = interaction_for_application(world, use)
    bot_id = world.application.bot_id
    return _fixed("INTERACTION_CREATE", data, lambda u: u == bot_id, NO_INTENT, use.guild_id)


def _to_invoker(name: str, use: Interaction, extra: JsonObject) -> Dispatch:
    data = extra | {"id": str(use.id), "nonce": use.nonce}
    return _fixed(name, data, lambda u: u == use.user_id)
