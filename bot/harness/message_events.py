"""What the gateway tells of messages, reactions, pins and typing.

Source: https://discord.com/developers/docs/events/gateway-events#messages
"""

from collections.abc import Callable, Iterator

from bot.harness import message_payload, payloads
from bot.harness.changes import (
    Change,
    MessageCreated,
    MessageEdited,
    MessagesDeleted,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    ReactionsCleared,
    TypingStarted,
)
from bot.harness.model import Channel, JsonObject, Message, Reaction
from bot.harness.viewer import Dispatch, Intent, Viewer, content_is_visible, same_for_all
from bot.harness.world import World


def of_messages(world: World, change: Change) -> Iterator[Dispatch]:
    """The events of a change of messages; none for other changes."""
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


def _audience(world: World, message: Message) -> Callable[[int], bool]:
    channel = world.channels[message.channel_id]
    if message.ephemeral_to is not None:
        # Not even its author, where that is an application whose bot is not there.
        both = (message.ephemeral_to, message.author_id)
        return lambda u: u in both and world.can_view(channel, u)
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

    def shape(viewer: Viewer) -> object:
        own_reactions = viewer.user_id if message.reactions else None
        return content_is_visible(message, viewer), own_reactions

    intent = Intent.DIRECT_MESSAGES if guild_id is None else Intent.GUILD_MESSAGES
    return Dispatch(name, payload, _audience(world, message), intent, guild_id, shape)


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


def _messages_deleted(world: World, change: MessagesDeleted) -> Iterator[Dispatch]:
    channel = change.channel
    place = place_of(channel.guild_id, channel_id=channel.id)
    intent = _messages_intent(channel.guild_id)
    if change.bulk:
        data = place | {"ids": [str(m.id) for m in change.messages]}
        sees = _audience(world, change.messages[0])
        yield same_for_all("MESSAGE_DELETE_BULK", data, sees, intent, channel.guild_id)
        return
    for message in change.messages:
        data = place | {"id": str(message.id)}
        yield same_for_all(
            "MESSAGE_DELETE", data, _audience(world, message), intent, channel.guild_id
        )


def _messages_intent(guild_id: int | None) -> Intent:
    return Intent.DIRECT_MESSAGES if guild_id is None else Intent.GUILD_MESSAGES


def _pins(world: World, channel: Channel) -> Dispatch:
    data = place_of(channel.guild_id, channel_id=channel.id)
    if channel.last_pin_at is not None:
        data["last_pin_timestamp"] = payloads.timestamp(channel.last_pin_at)
    intent = Intent.DIRECT_MESSAGES if channel.guild_id is None else Intent.GUILDS
    return same_for_all(
        "CHANNEL_PINS_UPDATE", data, lambda u: world.can_view(channel, u), intent, channel.guild_id
    )


def _typing(world: World, change: TypingStarted) -> Dispatch:
    channel = change.channel
    data = place_of(channel.guild_id, channel_id=channel.id, user_id=change.user_id)
    data["timestamp"] = int(change.at)
    intent = Intent.DIRECT_MESSAGE_TYPING
    if channel.guild_id is not None:
        intent = Intent.GUILD_MESSAGE_TYPING
        data["member"] = payloads.member(
            world, world.guilds[channel.guild_id].members[change.user_id]
        )
    return same_for_all(
        "TYPING_START", data, lambda u: world.can_view(channel, u), intent, channel.guild_id
    )


def _reactions_intent(guild_id: int | None) -> Intent:
    if guild_id is None:
        return Intent.DIRECT_MESSAGE_REACTIONS
    return Intent.GUILD_MESSAGE_REACTIONS


def _reaction(
    name: str, world: World, message: Message, reaction: Reaction, user_id: int
) -> Dispatch:
    data = place_of(
        message.guild_id, channel_id=message.channel_id, message_id=message.id, user_id=user_id
    )
    data |= {"emoji": payloads.emoji(reaction), "burst": False, "type": 0}
    if name == "MESSAGE_REACTION_ADD":
        data["message_author_id"] = str(message.author_id)
        member = world.guilds[message.guild_id].members.get(user_id) if message.guild_id else None
        if member is not None:
            data["member"] = payloads.member(world, member)
    intent = _reactions_intent(message.guild_id)
    return same_for_all(name, data, _audience(world, message), intent, message.guild_id)


def _reactions_cleared(world: World, message: Message, reaction: Reaction | None) -> Dispatch:
    data = place_of(message.guild_id, channel_id=message.channel_id, message_id=message.id)
    name = "MESSAGE_REACTION_REMOVE_ALL"
    if reaction is not None:
        name = "MESSAGE_REACTION_REMOVE_EMOJI"
        data["emoji"] = payloads.emoji(reaction)
    intent = _reactions_intent(message.guild_id)
    return same_for_all(name, data, _audience(world, message), intent, message.guild_id)


def place_of(guild_id: int | None, **ids: int) -> JsonObject:
    """Ids as JSON, with `guild_id` only where there is one."""
    data: JsonObject = {key: str(value) for key, value in ids.items()}
    if guild_id is not None:
        data["guild_id"] = str(guild_id)
    return data
