"""Threads: how they begin, who is in them, and their sleep in the archive.

Source: https://discord.com/developers/docs/topics/threads
"""

from bot.harness.changes import ChannelCreated, ThreadMembersChanged
from bot.harness.conversation import Draft
from bot.harness.errors import Code, DiscordError
from bot.harness.model import (
    Channel,
    ChannelType,
    Message,
    MessageType,
    Reference,
    ThreadInfo,
    User,
)
from bot.harness.world import World

DEFAULT_ARCHIVE_MINUTES = 4320


def start(
    world: World,
    parent: Channel,
    owner: User,
    name: str,
    *,
    from_message: Message | None = None,
    type: ChannelType = ChannelType.PUBLIC_THREAD,  # noqa: A002 - Discord's name of the field
    auto_archive_minutes: int = DEFAULT_ARCHIVE_MINUTES,
    slowmode_seconds: int = 0,
    invitable: bool = True,
    tag_ids: tuple[int, ...] = (),
) -> Channel:
    """A thread under `parent`; one that starts from a message has that message's id."""
    now = world.now()
    thread = Channel(
        id=from_message.id if from_message else world.new_id(),
        type=type,
        guild_id=parent.guild_id,
        name=name,
        parent_id=parent.id,
        slowmode_seconds=slowmode_seconds,
        thread=ThreadInfo(
            owner_id=owner.id,
            created_at=now,
            archived_at=now,
            member_ids={owner.id: now},
            auto_archive_minutes=auto_archive_minutes,
            invitable=invitable,
            applied_tag_ids=tag_ids,
        ),
    )
    world.channels[thread.id] = thread
    world.guilds[parent.guild_id or 0].thread_ids[thread.id] = None
    world.tell(ChannelCreated(thread))
    if from_message is not None:
        _open_with(world, thread, parent, from_message)
    elif type is not ChannelType.PRIVATE_THREAD and parent.type is not ChannelType.FORUM:
        draft = Draft(name, MessageType.THREAD_CREATED)
        draft.reference = Reference(thread.id, None, parent.guild_id)
        world.conversation.say(parent, owner, draft)
    return thread


def members_of(thread: Channel) -> ThreadInfo:
    """What makes a channel a thread. Raises 50024 for one that is none."""
    if thread.thread is None:
        raise DiscordError(Code.WRONG_CHANNEL_TYPE)
    return thread.thread


def join(world: World, thread: Channel, user_id: int) -> None:
    """Raises 50083 if the thread is archived."""
    info = members_of(thread)
    if info.archived:
        raise DiscordError(Code.ARCHIVED_THREAD)
    if user_id not in info.member_ids:
        info.member_ids[user_id] = world.now()
        world.tell(ThreadMembersChanged(thread, added=(user_id,)))


def leave(world: World, thread: Channel, user_id: int) -> None:
    info = members_of(thread)
    if info.archived:
        raise DiscordError(Code.ARCHIVED_THREAD)
    if info.member_ids.pop(user_id, None) is not None:
        world.tell(ThreadMembersChanged(thread, removed=(user_id,)))


def _open_with(world: World, thread: Channel, parent: Channel, message: Message) -> None:
    """The first message of a thread shows the message that it started from."""
    opening = Message(
        id=world.new_id(),
        channel_id=thread.id,
        guild_id=thread.guild_id,
        author_id=message.author_id,
        type=MessageType.THREAD_STARTER_MESSAGE,
        reference=Reference(parent.id, message.id, parent.guild_id),
    )
    thread.messages[opening.id] = opening
    world.conversation.attach_thread(message, thread)
