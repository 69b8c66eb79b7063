"""What people do with messages in a world: say, edit, delete, pin, react, type.

The rules of who may do so are the routes'; here is what happens when they do.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.harness.changes import (
    ChannelUpdated,
    MessageCreated,
    MessageEdited,
    MessagesDeleted,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    ReactionsCleared,
    ThreadMembersChanged,
    TypingStarted,
)
from bot.harness.errors import Code, DiscordError
from bot.harness.model import (
    NO_FLAGS,
    NO_MENTIONS,
    Attachment,
    Channel,
    Interaction,
    JsonObject,
    Mentions,
    Message,
    MessageFlag,
    MessageType,
    Reaction,
    Reference,
    ThreadInfo,
    User,
)

if TYPE_CHECKING:
    from bot.harness.world import World


@dataclass(slots=True)
class Draft:
    """A message that was checked but not yet said."""

    content: str = ""
    type: MessageType = MessageType.DEFAULT
    flags: MessageFlag = NO_FLAGS
    mentions: Mentions = NO_MENTIONS
    embeds: list[JsonObject] = field(default_factory=list)
    components: list[JsonObject] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reference: Reference | None = None
    snapshots: list[Message] = field(default_factory=list)
    nonce: str | int | None = None
    tts: bool = False


class Conversation:
    """The messages of a world. Methods raise 10008 where a message is not there."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def say(
        self,
        channel: Channel,
        author: User,
        draft: Draft,
        *,
        interaction: Interaction | None = None,
        ephemeral_to: int | None = None,
        message_id: int | None = None,
    ) -> Message:
        """Put a message into a channel; with `ephemeral_to` only that person sees it."""
        message = Message(
            id=message_id or self._world.new_id(),
            channel_id=channel.id,
            guild_id=channel.guild_id,
            author_id=author.id,
            content=draft.content,
            type=draft.type,
            flags=draft.flags,
            mentions=draft.mentions,
            embeds=draft.embeds,
            components=draft.components,
            attachments=draft.attachments,
            reference=draft.reference,
            snapshots=draft.snapshots,
            nonce=draft.nonce,
            tts=draft.tts,
            interaction=interaction,
            ephemeral_to=ephemeral_to,
        )
        channel.messages[message.id] = message
        if ephemeral_to is None:
            channel.last_message_id = message.id
            if channel.thread is not None:
                channel.thread.messages_sent += 1
                self._join(channel, channel.thread, author)
        self._world.tell(MessageCreated(message))
        return message

    def _join(self, channel: Channel, info: ThreadInfo, author: User) -> None:
        """Who speaks in a thread is in it, and takes it out of the archive."""
        if info.archived:
            info.archived = False
            self._world.tell(ChannelUpdated(channel))
        if author.id not in info.member_ids:
            info.member_ids[author.id] = self._world.now()
            self._world.tell(ThreadMembersChanged(channel, added=(author.id,)))

    def edited(self, message: Message, *, by_author: bool = True) -> None:
        """Tell that a message's fields were changed; an edit by its author is marked as one."""
        if by_author:
            message.edited_at = self._world.now()
        self._world.tell(MessageEdited(message))

    def delete(self, channel: Channel, messages: Iterable[Message], *, bulk: bool = False) -> None:
        """Remove messages; ones that are gone already are left out."""
        gone = tuple(m for m in messages if channel.messages.pop(m.id, None) is not None)
        if gone:
            self._world.tell(MessagesDeleted(channel, gone, bulk))

    def message(self, channel: Channel, message_id: int) -> Message:
        """A message that everyone in the channel sees; ephemeral ones are not found here."""
        message = channel.messages.get(message_id)
        if message is None or message.ephemeral_to is not None:
            raise DiscordError(Code.UNKNOWN_MESSAGE)
        return message

    def find(self, channel_id: int, message_id: int) -> Message | None:
        channel = self._world.channels.get(channel_id)
        return channel.messages.get(message_id) if channel else None

    def attachment(self, channel_id: str, attachment_id: str) -> Attachment | None:
        """A file that someone sent, by the ids in its address."""
        channel = self._world.channels.get(int(channel_id)) if channel_id.isdigit() else None
        for message in channel.messages.values() if channel else ():
            for file in message.attachments:
                if str(file.id) == attachment_id:
                    return file
        return self._world.uploads.get(int(attachment_id)) if attachment_id.isdigit() else None

    def history(self, channel: Channel) -> list[Message]:
        """All messages that everyone sees, oldest first."""
        return [m for m in channel.messages.values() if m.ephemeral_to is None]

    def pin(self, channel: Channel, message: Message, by: User) -> None:
        """Pin a message, which the channel is told of; nothing happens if it is pinned."""
        if message.pinned:
            return
        message.pinned_at = channel.last_pin_at = self._world.now()
        self._world.tell(MessageEdited(message))
        self._world.tell(PinsChanged(channel))
        notice = Draft(type=MessageType.CHANNEL_PINNED_MESSAGE)
        notice.reference = Reference(channel.id, message.id, channel.guild_id)
        self.say(channel, by, notice)

    def unpin(self, channel: Channel, message: Message) -> None:
        if message.pinned:
            message.pinned_at = None
            self._world.tell(MessageEdited(message))
            self._world.tell(PinsChanged(channel))

    def attach_thread(self, message: Message, thread: Channel) -> None:
        message.thread_id = thread.id
        message.flags |= MessageFlag.HAS_THREAD
        self._world.tell(MessageEdited(message))

    def start_typing(self, channel: Channel, user: User) -> None:
        self._world.tell(TypingStarted(channel, user.id, self._world.clock()))

    def react(self, message: Message, user: User, emoji: str) -> None:
        """Add a reaction; `emoji` is a character or `name:id`. Once per person and emoji."""
        reaction = message.reactions.setdefault(emoji, _reaction(emoji))
        if user.id not in reaction.user_ids:
            reaction.user_ids[user.id] = None
            self._world.tell(ReactionAdded(message, reaction, user.id))

    def unreact(self, message: Message, user_id: int, emoji: str) -> None:
        """Take a reaction back. Raises 10014 if there is no such reaction."""
        reaction = message.reactions.get(emoji)
        if reaction is None or user_id not in reaction.user_ids:
            raise DiscordError(Code.UNKNOWN_EMOJI)
        del reaction.user_ids[user_id]
        if not reaction.user_ids:
            del message.reactions[emoji]
        self._world.tell(ReactionRemoved(message, reaction, user_id))

    def clear_reactions(self, message: Message, emoji: str | None = None) -> None:
        """Remove all reactions, or all of one emoji."""
        if emoji is None:
            message.reactions.clear()
            self._world.tell(ReactionsCleared(message, None))
        elif (reaction := message.reactions.pop(emoji, None)) is not None:
            self._world.tell(ReactionsCleared(message, reaction))


def _reaction(emoji: str) -> Reaction:
    name, _, emoji_id = emoji.removeprefix("a:").partition(":")
    return Reaction(name, int(emoji_id) if emoji_id.isdigit() else None)
