"""The life of an interaction: opened by a person, answered within 3 seconds, done after 15 minutes.

Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

import asyncio
import secrets
from collections.abc import Mapping

from bot.harness.changes import (
    AutocompleteAnswered,
    InteractionCreated,
    InteractionFailed,
    InteractionSucceeded,
    ModalOpened,
)
from bot.harness.conversation import Draft
from bot.harness.errors import Code, DiscordError
from bot.harness.installs import is_guest, must_whisper, owners_in
from bot.harness.model import (
    Channel,
    Interaction,
    InteractionType,
    JsonObject,
    Message,
    MessageFlag,
    MessageType,
    Reference,
    User,
)
from bot.harness.world import World

TOKEN_SECONDS = 15 * 60
GUEST_FOLLOW_UPS = 5


class Interactions:
    """The interactions of a world, with the deadline of each that was not answered yet.

    `respond_within` is the time for a first answer, in seconds; Discord gives three.
    """

    def __init__(self, world: World, *, respond_within: float = 3.0) -> None:
        self.respond_within = respond_within
        self._world = world
        self._deadlines: dict[str, asyncio.TimerHandle] = {}

    def open(
        self,
        person: User,
        channel: Channel,
        type: InteractionType,  # noqa: A002 - Discord's name of the field
        data: JsonObject,
        *,
        nonce: str | None = None,
        source: Message | None = None,
        command_name: str | None = None,
        parent: Interaction | None = None,
        owners: Mapping[int, int] | None = None,
    ) -> Interaction:
        """Start an interaction: the application and the person are told, and the clock runs.

        `owners` are those of a command; a component or modal has those of what it came of.
        """
        if owners is None:
            owners = parent.owners if parent else owners_in(self._world, person.id, channel)
        use = Interaction(
            id=self._world.new_id(),
            token=secrets.token_urlsafe(48),
            type=type,
            user_id=person.id,
            channel_id=channel.id,
            guild_id=channel.guild_id,
            data=data,
            created_at=self._world.clock(),
            owners=dict(owners),
            nonce=nonce,
            source_message_id=source.id if source else None,
            command_name=command_name,
            parent=parent,
        )
        self._forget_old()
        self._world.interactions[use.token] = use
        loop = asyncio.get_running_loop()
        self._deadlines[use.token] = loop.call_later(self.respond_within, self._expire, use)
        self._world.tell(InteractionCreated(use))
        return use

    def unanswered(self, interaction_id: int, token: str) -> Interaction:
        """An interaction that waits for its first answer, or 10062, or 40060 if it had one."""
        use = self._world.interactions.get(token)
        if use is None or use.id != interaction_id or use.failed or self._is_old(use):
            raise DiscordError(Code.UNKNOWN_INTERACTION)
        if use.answered:
            raise DiscordError(Code.ALREADY_ACKNOWLEDGED)
        return use

    def answered(self, token: str) -> Interaction:
        """One that may have follow-ups: 10015 before its answer, 50027 after 15 minutes."""
        use = self._world.interactions.get(token)
        if use is None or not use.answered:
            raise DiscordError(Code.UNKNOWN_WEBHOOK)
        if self._is_old(use):
            raise DiscordError(Code.INVALID_WEBHOOK_TOKEN)
        return use

    def reply(self, use: Interaction, draft: Draft) -> Message:
        """Answer with a message, which is `@original` from now on."""
        self._answer(use)
        message = self.follow_up(use, draft)
        use.original_id = message.id
        return message

    def follow_up(self, use: Interaction, draft: Draft) -> Message:
        """Another message. Ephemeral ones (flag 64) are seen by the person alone."""
        original, channel = self.original(use), self._world.channel(use.channel_id)
        if original is not None and MessageFlag.LOADING in original.flags:
            # The first follow-up after a deferral is what the deferral was waiting for; whether it
            # is ephemeral was decided then.
            return self.fill(original, draft)
        world = self._world
        answers = original or world.conversation.find(use.channel_id, use.source_message_id or 0)
        if answers is not None:
            draft.type = MessageType.REPLY
            draft.reference = Reference(use.channel_id, answers.id, use.guild_id)
        elif use.command_name is not None:
            menu = use.data.get("type") in (2, 3)
            draft.type = MessageType.CHAT_INPUT_COMMAND
            if menu:
                draft.type = MessageType.CONTEXT_MENU_COMMAND
        if must_whisper(world, use.owners, use.user_id, channel):
            draft.flags |= MessageFlag.EPHEMERAL
        ephemeral = MessageFlag.EPHEMERAL in draft.flags
        return world.conversation.say(
            channel,
            world.bot,
            draft,
            interaction=use,
            ephemeral_to=use.user_id if ephemeral else None,
        )

    def count_follow_up(self, use: Interaction) -> None:
        """Note one more, or raise 40094: where the bot is not, there may be five."""
        if is_guest(use.owners) and use.follow_ups >= GUEST_FOLLOW_UPS:
            raise DiscordError(Code.TOO_MANY_FOLLOW_UPS)
        use.follow_ups += 1

    def fill(self, message: Message, draft: Draft) -> Message:
        """Put the answer into a deferred message."""
        message.content, message.embeds = draft.content, draft.embeds
        message.components, message.attachments = draft.components, draft.attachments
        message.mentions = draft.mentions
        message.flags = (draft.flags & ~MessageFlag.EPHEMERAL) | (
            message.flags & MessageFlag.EPHEMERAL
        )
        self._world.conversation.edited(message, by_author=False)
        return message

    def acknowledge(self, use: Interaction) -> None:
        """Answer without a message; `@original` is the message whose component was used."""
        self._answer(use)
        use.original_id = use.source_message_id

    def choices(self, use: Interaction, choices: list[JsonObject]) -> None:
        self._answer(use)
        self._world.tell(AutocompleteAnswered(use, tuple(choices)))

    def modal(self, use: Interaction, modal: JsonObject) -> None:
        self._answer(use)
        use.modal = modal
        self._world.tell(ModalOpened(use, modal))

    def original(self, use: Interaction) -> Message | None:
        return self._world.conversation.find(use.channel_id, use.original_id or 0)

    def by_id(self, interaction_id: int) -> Interaction | None:
        for use in self._world.interactions.values():
            if use.id == interaction_id:
                return use
        return None

    def expire(self, use: Interaction) -> None:
        """Void a token before its time; without an answer so far the interaction has failed."""
        use.created_at -= TOKEN_SECONDS + 1
        deadline = self._deadlines.pop(use.token, None)
        if deadline is not None:
            deadline.cancel()
            self._expire(use)

    def close(self) -> None:
        """Stop all clocks."""
        for deadline in self._deadlines.values():
            deadline.cancel()
        self._deadlines.clear()

    def _answer(self, use: Interaction) -> None:
        use.answered = True
        deadline = self._deadlines.pop(use.token, None)
        if deadline is not None:
            deadline.cancel()
        self._world.tell(InteractionSucceeded(use))

    def _expire(self, use: Interaction) -> None:
        self._deadlines.pop(use.token, None)
        use.failed = True
        self._world.tell(InteractionFailed(use))

    def _forget_old(self) -> None:
        """Let go of the oldest ones, well after their tokens are void."""
        interactions, now = self._world.interactions, self._world.clock()
        while interactions:
            oldest = next(iter(interactions.values()))
            if now - oldest.created_at < 2 * TOKEN_SECONDS:
                return
            del interactions[oldest.token]

    def _is_old(self, use: Interaction) -> bool:
        return self._world.clock() - use.created_at > TOKEN_SECONDS
