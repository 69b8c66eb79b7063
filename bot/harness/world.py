"""The state of a Discord: who exists, where they may speak, and what was said.

One `World` is all that the server knows. It does no I/O and knows no JSON shapes. Every method that
changes something tells the listeners, so that nothing can change without its gateway event.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from bot.harness import errors
from bot.harness.changes import (
    Change,
    ChannelCreated,
    ChannelDeleted,
    ChannelUpdated,
    GuildCreated,
    GuildDeleted,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    PresenceChanged,
    RoleCreated,
    RoleDeleted,
)
from bot.harness.channel_settings import usual_settings
from bot.harness.conversation import Conversation
from bot.harness.errors import Code, DiscordError
from bot.harness.installs import Install
from bot.harness.model import (
    Application,
    Attachment,
    Channel,
    ChannelType,
    Command,
    Guild,
    Interaction,
    JsonObject,
    Member,
    Overwrite,
    Role,
    User,
)
from bot.harness.permissions import (
    DIRECT_MESSAGE,
    EVERYONE,
    NONE,
    Permission,
    channel_permissions,
    guild_permissions,
)
from bot.harness.snowflake import SnowflakeMaker
from bot.harness.tokens import new_token

Listener = Callable[[Change], None]

# GATEWAY_PRESENCE_LIMITED, GATEWAY_GUILD_MEMBERS_LIMITED, GATEWAY_MESSAGE_CONTENT_LIMITED: what an
# application in few guilds has without review.
_PRIVILEGED_FLAGS = 1 << 13 | 1 << 15 | 1 << 19


class World:
    """One application with its bot user, and the guilds, people and messages around it.

    `name` names the application and its bot; `clock` answers seconds since the Unix epoch.
    """

    def __init__(self, name: str = "Understudy", *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.new_id = SnowflakeMaker(clock)
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.commands: dict[int, Command] = {}
        self.uploads: dict[int, Attachment] = {}  # given to interactions, in no message
        self.interactions: dict[str, Interaction] = {}
        self.installed_by: set[int] = set()  # the people who have the application for themselves
        self.conversation = Conversation(self)
        self.privileged_intents = True
        self.cdn = ""  # where attachments are served, with a slash at the end; a server sets it
        self.presences: dict[int, JsonObject] = {}  # by user; who is not in it is offline
        self._direct: dict[frozenset[int], Channel] = {}
        self._tokens: dict[str, User] = {}
        self._listeners: list[Listener] = []
        owner = self.add_user("developer", token=None)
        self.bot = self.add_user(name, bot=True)
        # Bots made since 2016 share their id with their application.
        self.application = Application(
            id=self.bot.id,
            name=name,
            bot_id=self.bot.id,
            owner_id=owner.id,
            verify_key=secrets.token_hex(32),
        )

    @property
    def application_flags(self) -> int:
        """The application's flags: the privileged intents that are switched on."""
        return _PRIVILEGED_FLAGS if self.privileged_intents else 0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    # Listeners

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change from now on; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    # Users

    def add_user(
        self,
        name: str,
        *,
        global_name: str | None = None,
        bot: bool = False,
        token: str | None = "",
    ) -> User:
        """A new account; `token` is made unless given, None means that nobody can log in to it."""
        user = User(id=self.new_id(), name=name, global_name=global_name, bot=bot)
        self.users[user.id] = user
        if token is not None:
            self.set_token(user, token or new_token(user.id))
        return user

    def add_person(self, name: str, *guilds: Guild, roles: Iterable[Role] = ()) -> User:
        """A person with a token who is a member of `guilds`, with those `roles` that are theirs."""
        user = self.add_user(name.lower(), global_name=name.capitalize())
        roles = tuple(roles)
        for guild in guilds:
            self.add_member(guild, user, roles=[r for r in roles if r.id in guild.roles])
        return user

    def install_for(self, user: User) -> None:
        """A person adds the application to their account, for use wherever they are.

        Raises 50035 if the application does not let them.
        """
        if Install.USER not in self.application.integration_types:
            raise errors.invalid_form("integration_type", "BASE_TYPE_CHOICES", "Not supported.")
        self.installed_by.add(user.id)

    def uninstall_for(self, user: User) -> None:
        """A person takes the application off their account."""
        self.installed_by.discard(user.id)

    def set_token(self, user: User, token: str | None) -> None:
        """Give a user a token, or with None take it away; the one before is void at once."""
        if user.token is not None:
            del self._tokens[user.token]
        user.token = token
        if token is not None:
            self._tokens[token] = user

    def set_presence(self, user: User, presence: JsonObject | None) -> None:
        """What others see of a user's status and activities; None is offline."""
        if presence is None:
            self.presences.pop(user.id, None)
        else:
            self.presences[user.id] = presence
        self.tell(PresenceChanged(user.id))

    def user_of(self, token: str) -> User | None:
        return self._tokens.get(token)

    def user(self, user_id: int) -> User:
        """Raises 10013 for nobody."""
        try:
            return self.users[user_id]
        except KeyError:
            raise DiscordError(Code.UNKNOWN_USER) from None

    # Guilds, members and roles

    def add_guild(
        self,
        name: str,
        *,
        owner: User | None = None,
        channels: Sequence[str] = ("general",),
        bot: bool = True,
        bot_permissions: Permission = NONE,
    ) -> Guild:
        """A guild with text channels, its owner and (unless `bot` is False) the bot in it.

        Without `owner` it belongs to an account that nobody can log in to.
        """
        owner = owner or self.add_user("owner", token=None)
        guild = Guild(id=self.new_id(), name=name, owner_id=owner.id)
        guild.roles[guild.id] = Role(id=guild.id, name="@everyone", permissions=int(EVERYONE))
        guild.members[owner.id] = Member(owner.id, self.now())
        self.guilds[guild.id] = guild
        for channel_name in channels:
            self.add_channel(guild, channel_name, tell=False)
        if bot:
            self._seat_bot(guild, bot_permissions)
        self.tell(GuildCreated(guild))
        return guild

    def add_bot(self, guild: Guild, permissions: Permission = NONE) -> None:
        """Invite the application's bot to a guild that is already there."""
        self._seat_bot(guild, permissions)
        self.tell(MemberAdded(guild, guild.members[self.bot.id]))
        self.tell(GuildCreated(guild, self.bot.id))

    def _seat_bot(self, guild: Guild, permissions: Permission) -> None:
        role = Role(self.new_id(), self.bot.name, int(permissions), 1, bot_id=self.bot.id)
        guild.roles[role.id] = role
        guild.members[self.bot.id] = Member(self.bot.id, self.now(), [role.id])

    def remove_guild(self, guild: Guild) -> None:
        """Delete a guild with all that is in it."""
        del self.guilds[guild.id]
        for channel_id in (*guild.channel_ids, *guild.thread_ids):
            del self.channels[channel_id]
        for command in [c for c in self.commands.values() if c.guild_id == guild.id]:
            del self.commands[command.id]
        self.tell(GuildDeleted(guild, tuple(guild.members)))

    def add_role(
        self,
        guild: Guild,
        name: str,
        permissions: Permission = NONE,
        *,
        mentionable: bool = False,
    ) -> Role:
        """A new role above all others."""
        role = Role(self.new_id(), name, int(permissions), len(guild.roles), mentionable)
        self.place_role(guild, role)
        return role

    def place_role(self, guild: Guild, role: Role) -> None:
        """Put a role into a guild at its position; the ones from there on move up."""
        for other in guild.roles.values():
            if other.position >= role.position:
                other.position += 1
        guild.roles[role.id] = role
        self.tell(RoleCreated(guild, role))

    def remove_role(self, guild: Guild, role: Role) -> None:
        """Delete a role and take it from everyone and every channel that has it."""
        del guild.roles[role.id]
        for member in guild.members.values():
            if role.id in member.role_ids:
                member.role_ids.remove(role.id)
        for channel_id in guild.channel_ids:
            self.channels[channel_id].overwrites.pop(role.id, None)
        self.tell(RoleDeleted(guild, role))

    def add_member(self, guild: Guild, user: User, *, roles: Iterable[Role] = ()) -> Member:
        member = Member(user.id, self.now(), [role.id for role in roles])
        guild.members[user.id] = member
        self.tell(MemberAdded(guild, member))
        self.tell(GuildCreated(guild, user.id))
        return member

    def set_roles(self, guild: Guild, user: User, roles: Iterable[Role]) -> None:
        """Replace a member's roles."""
        member = guild.members[user.id]
        member.role_ids = [role.id for role in roles]
        self.tell(MemberUpdated(guild, member))

    def remove_member(self, guild: Guild, user_id: int) -> None:
        """A kick or a leave. Raises 10007 if they were not in."""
        if guild.members.pop(user_id, None) is None:
            raise DiscordError(Code.UNKNOWN_MEMBER)
        for thread in self.threads_of(guild):
            if thread.thread is not None:
                thread.thread.member_ids.pop(user_id, None)
        self.tell(MemberRemoved(guild, user_id))
        self.tell(GuildDeleted(guild, (user_id,)))

    def guild(self, guild_id: int) -> Guild:
        """Raises 10004 for none."""
        try:
            return self.guilds[guild_id]
        except KeyError:
            raise DiscordError(Code.UNKNOWN_GUILD) from None

    def guilds_of(self, user_id: int) -> list[Guild]:
        return [guild for guild in self.guilds.values() if user_id in guild.members]

    # Channels

    def add_channel(
        self,
        guild: Guild,
        name: str,
        *,
        type: ChannelType = ChannelType.TEXT,  # noqa: A002 - Discord's name of the field
        parent_id: int | None = None,
        topic: str | None = None,
        overwrites: Iterable[Overwrite] = (),
        tell: bool = True,
    ) -> Channel:
        channel = Channel(
            id=self.new_id(),
            type=type,
            guild_id=guild.id,
            name=name,
            topic=topic,
            position=len(guild.channel_ids),
            parent_id=parent_id,
            overwrites={overwrite.id: overwrite for overwrite in overwrites},
            settings=usual_settings(type),
        )
        self.place_channel(guild, channel, tell=tell)
        return channel

    def place_channel(self, guild: Guild, channel: Channel, *, tell: bool = True) -> None:
        """Put a channel into a guild."""
        self.channels[channel.id] = channel
        guild.channel_ids.append(channel.id)
        if tell:
            self.tell(ChannelCreated(channel))

    def set_overwrite(self, channel: Channel, overwrite: Overwrite) -> None:
        channel.overwrites[overwrite.id] = overwrite
        self.tell(ChannelUpdated(channel))

    def remove_overwrite(self, channel: Channel, overwrite_id: int) -> None:
        if channel.overwrites.pop(overwrite_id, None) is not None:
            self.tell(ChannelUpdated(channel))

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel or thread; a channel takes its threads with it."""
        guild = self.guilds.get(channel.guild_id or 0)
        if guild is not None and channel.thread is None:
            guild.channel_ids.remove(channel.id)
            for thread in self.threads_of(guild):
                if thread.parent_id == channel.id:
                    del self.channels[thread.id], guild.thread_ids[thread.id]
        elif guild is not None:
            del guild.thread_ids[channel.id]
        del self.channels[channel.id]
        self.tell(ChannelDeleted(channel))

    def open_dm(self, one: User, other: User) -> Channel:
        """The direct message channel of two users; there is at most one."""
        pair = frozenset((one.id, other.id))
        if pair in self._direct:
            return self._direct[pair]
        channel = Channel(self.new_id(), ChannelType.DM, recipient_ids=(one.id, other.id))
        self.channels[channel.id] = self._direct[pair] = channel
        self.tell(ChannelCreated(channel))
        return channel

    def add_group_dm(self, owner: User, *others: User, name: str = "") -> Channel:
        """A direct message channel of several people; bots cannot be in one."""
        members = (owner.id, *(other.id for other in others))
        channel = Channel(self.new_id(), ChannelType.GROUP_DM, name=name, recipient_ids=members)
        self.channels[channel.id] = channel
        self.tell(ChannelCreated(channel))
        return channel

    def channel(self, channel_id: int) -> Channel:
        """Raises 10003 for none."""
        try:
            return self.channels[channel_id]
        except KeyError:
            raise DiscordError(Code.UNKNOWN_CHANNEL) from None

    def threads_of(self, guild: Guild) -> list[Channel]:
        return [self.channels[i] for i in guild.thread_ids]

    # Permissions

    def permissions(self, channel: Channel, user_id: int) -> Permission:
        """What a user may do in a channel; nothing for who is not there."""
        if channel.guild_id is None:
            return DIRECT_MESSAGE if user_id in channel.recipient_ids else NONE
        guild = self.guilds.get(channel.guild_id)
        member = guild.members.get(user_id) if guild else None
        if guild is None or member is None:
            return NONE
        place = self.channels.get(channel.parent_id or 0) if channel.thread else channel
        total = channel_permissions(guild, place, member, self.now()) if place else NONE
        private = channel.thread is not None and channel.type is ChannelType.PRIVATE_THREAD
        if private and channel.thread and user_id not in channel.thread.member_ids:
            return total if Permission.MANAGE_THREADS in total else NONE
        return total

    def guild_permissions(self, guild: Guild, user_id: int) -> Permission:
        """What a user may do in a guild; nothing for who is not in it."""
        member = guild.members.get(user_id)
        return guild_permissions(guild, member, self.now()) if member else NONE

    def can_view(self, channel: Channel, user_id: int) -> bool:
        return Permission.VIEW_CHANNEL in self.permissions(channel, user_id)
