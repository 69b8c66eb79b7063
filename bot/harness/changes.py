"""What can happen to a world, as values: a world tells its listeners, who decide what it means."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.harness.model import (
    Channel,
    Guild,
    Interaction,
    JsonObject,
    Member,
    Message,
    Reaction,
    Role,
    User,
)


@dataclass(frozen=True, slots=True)
class MessageCreated:
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    message: Message


@dataclass(frozen=True, slots=True)
class MessagesDeleted:
    channel: Channel
    messages: tuple[Message, ...]
    bulk: bool


@dataclass(frozen=True, slots=True)
class PinsChanged:
    channel: Channel


@dataclass(frozen=True, slots=True)
class TypingStarted:
    channel: Channel
    user_id: int
    at: float


@dataclass(frozen=True, slots=True)
class ReactionAdded:
    message: Message
    reaction: Reaction
    user_id: int


@dataclass(frozen=True, slots=True)
class ReactionRemoved:
    message: Message
    reaction: Reaction
    user_id: int


@dataclass(frozen=True, slots=True)
class ReactionsCleared:
    """All reactions of a message, or of one emoji when `reaction` is given."""

    message: Message
    reaction: Reaction | None


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelUpdated:
    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    channel: Channel


@dataclass(frozen=True, slots=True)
class ThreadMembersChanged:
    thread: Channel
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GuildUpdated:
    guild: Guild


@dataclass(frozen=True, slots=True)
class GuildCreated:
    """A guild came to be, or `user_id` came to a guild that was there before."""

    guild: Guild
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class GuildDeleted:
    """A guild is gone for `user_ids`: deleted, left, or they were removed."""

    guild: Guild
    user_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MemberAdded:
    guild: Guild
    member: Member


@dataclass(frozen=True, slots=True)
class MemberUpdated:
    guild: Guild
    member: Member


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    guild: Guild
    user_id: int


@dataclass(frozen=True, slots=True)
class RoleCreated:
    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleUpdated:
    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleDeleted:
    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class BanAdded:
    guild: Guild
    user_id: int


@dataclass(frozen=True, slots=True)
class BanRemoved:
    guild: Guild
    user_id: int


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    user_id: int


@dataclass(frozen=True, slots=True)
class UserChanged:
    user: User


@dataclass(frozen=True, slots=True)
class InteractionCreated:
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class InteractionSucceeded:
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class InteractionFailed:
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class AutocompleteAnswered:
    interaction: Interaction
    choices: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class ModalOpened:
    interaction: Interaction
    modal: JsonObject


Change: TypeAlias = (
    MessageCreated
    | MessageEdited
    | MessagesDeleted
    | PinsChanged
    | TypingStarted
    | ReactionAdded
    | ReactionRemoved
    | ReactionsCleared
    | ChannelCreated
    | ChannelUpdated
    | ChannelDeleted
    | ThreadMembersChanged
    | GuildUpdated
    | GuildCreated
    | GuildDeleted
    | MemberAdded
    | MemberUpdated
    | MemberRemoved
    | RoleCreated
    | RoleUpdated
    | RoleDeleted
    | BanAdded
    | BanRemoved
    | PresenceChanged
    | UserChanged
    | InteractionCreated
    | InteractionSucceeded
    | InteractionFailed
    | AutocompleteAnswered
    | ModalOpened
)
