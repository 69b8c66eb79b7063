"""The things of Discord as this server keeps them. State only: no rules, no I/O, no JSON shapes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any, TypeAlias

from bot.harness.snowflake import snowflake_time

JsonObject: TypeAlias = dict[str, Any]


class ChannelType(IntEnum):
    TEXT = 0
    DM = 1
    VOICE = 2
    GROUP_DM = 3
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15


class MessageType(IntEnum):
    DEFAULT = 0
    CHANNEL_PINNED_MESSAGE = 6
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23


SAID_BY_SOMEONE = (
    MessageType.DEFAULT,
    MessageType.REPLY,
    MessageType.CHAT_INPUT_COMMAND,
    MessageType.CONTEXT_MENU_COMMAND,
)


class MessageFlag(IntFlag):
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


class ReferenceType(IntEnum):
    REPLY = 0
    FORWARD = 1


class OverwriteType(IntEnum):
    ROLE = 0
    MEMBER = 1


class InteractionType(IntEnum):
    PING = 1
    APPLICATION_COMMAND = 2
    MESSAGE_COMPONENT = 3
    APPLICATION_COMMAND_AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


@dataclass(slots=True)
class User:
    """An account. `token` is None for one that nobody can log in to.

    Who does not accept direct messages cannot be sent any.
    """

    id: int
    name: str
    global_name: str | None = None
    bot: bool = False
    accepts_direct_messages: bool = True
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Application:
    id: int
    name: str
    bot_id: int
    owner_id: int
    description: str = ""
    verify_key: str = ""
    integration_types: tuple[int, ...] = (0, 1)  # a new one can be installed in both ways


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: int
    position: int = 0
    mentionable: bool = False
    hoist: bool = False
    color: int = 0
    unicode_emoji: str | None = None
    bot_id: int | None = None  # set on the managed role that comes with a bot


@dataclass(slots=True)
class Member:
    user_id: int
    joined_at: datetime
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None
    timed_out_until: datetime | None = None
    mute: bool = False
    deaf: bool = False
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Overwrite:
    id: int
    type: OverwriteType
    allow: int
    deny: int


@dataclass(slots=True)
class ThreadInfo:
    """What a thread has beyond a channel."""

    owner_id: int
    created_at: datetime
    archived_at: datetime
    member_ids: dict[int, datetime] = field(default_factory=dict)
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    applied_tag_ids: tuple[int, ...] = ()
    auto_archive_minutes: int = 4320
    messages_sent: int = 0


@dataclass(slots=True)
class Channel:
    """A guild's channel, a thread (`thread` is set) or a direct message (`guild_id` is None).

    `settings` are more fields of Discord's, by its names, that only change how it is shown.
    """

    id: int
    type: ChannelType
    guild_id: int | None = None
    name: str = ""
    topic: str | None = None
    position: int = 0
    nsfw: bool = False
    slowmode_seconds: int = 0
    parent_id: int | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipient_ids: tuple[int, ...] = ()
    thread: ThreadInfo | None = None
    messages: "dict[int, Message]" = field(default_factory=dict, repr=False)
    last_message_id: int | None = None
    last_pin_at: datetime | None = None
    settings: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Guild:
    """A guild. `settings` are fields of Discord's, by its names, that replace the usual ones."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channel_ids: list[int] = field(default_factory=list)
    thread_ids: dict[int, None] = field(default_factory=dict)
    bans: dict[int, str | None] = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)

    @property
    def locale(self) -> str:
        return str(self.settings.get("preferred_locale") or "en-US")


@dataclass(frozen=True, slots=True)
class Attachment:
    id: int
    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str | None = None


@dataclass(slots=True)
class Reaction:
    emoji_name: str
    emoji_id: int | None
    user_ids: dict[int, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reply or a forward points to."""

    channel_id: int
    message_id: int | None
    guild_id: int | None
    type: ReferenceType = ReferenceType.REPLY


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who a message pings, after allowed_mentions and permissions."""

    user_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()
    everyone: bool = False


NO_MENTIONS = Mentions()


@dataclass(slots=True)
class Message:
    """A message. `ephemeral_to` is the one person who sees it, None for everyone."""

    id: int
    channel_id: int
    guild_id: int | None
    author_id: int
    content: str = ""
    type: MessageType = MessageType.DEFAULT
    flags: MessageFlag = NO_FLAGS
    mentions: Mentions = NO_MENTIONS
    embeds: list[JsonObject] = field(default_factory=list)
    components: list[JsonObject] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    reference: Reference | None = None
    snapshots: "list[Message]" = field(default_factory=list)
    nonce: str | int | None = None
    edited_at: datetime | None = None
    pinned_at: datetime | None = None
    tts: bool = False
    thread_id: int | None = None
    interaction: "Interaction | None" = None
    ephemeral_to: int | None = None

    @property
    def created_at(self) -> datetime:
        return snowflake_time(self.id)

    @property
    def pinned(self) -> bool:
        return self.pinned_at is not None

    @property
    def is_system(self) -> bool:
        """Whether Discord itself said this, so that there is nothing in it to pin or forward."""
        return self.type not in SAID_BY_SOMEONE


@dataclass(slots=True)
class Command:
    """An application command; `spec` is what the application sent, `guild_id` None if global."""

    id: int
    version: int
    application_id: int
    guild_id: int | None
    spec: JsonObject

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def type(self) -> int:
        return int(self.spec.get("type", 1))


@dataclass(slots=True)
class Interaction:
    """One use of a command, component or modal by a person, from creation to its last follow-up.

    `owners` says by which installs it came, as in `installs`; `source_message_id` is the message
    whose component was used; `original_id` is what
    `@original` means once the application has answered; `modal` is the one it answered with.
    """

    id: int
    token: str = field(repr=False)
    type: InteractionType
    user_id: int
    channel_id: int
    guild_id: int | None
    data: JsonObject
    created_at: float
    owners: dict[int, int]
    nonce: str | None = None
    source_message_id: int | None = None
    command_name: str | None = None
    answered: bool = False
    failed: bool = False
    original_id: int | None = None
    follow_ups: int = 0
    modal: JsonObject | None = None
    parent: "Interaction | None" = None
