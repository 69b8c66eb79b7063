"""What happens when a button under an answer is pressed: who may, and what is done."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import discord

from bot.agent.agent import Agent
from bot.agent.events import FeedbackGiven, ForgetExchange
from bot.agent.recording import may_record
from bot.agent.reviews import find_reviews
from bot.agent.runtime import AgentRuntime
from bot.front.answering import Answering
from bot.front.answers import Answers, Fate
from bot.front.controls import AnswerRef, Control, change_buttons, under_answer, while_growing
from bot.front.conversation import Conversation, Earlier, Task
from bot.front.people import home_of, world_of
from bot.front.presenting import presentable
from bot.front.settings_book import SettingsBook
from bot.front.splitting import LIMIT, split_message
from bot.front.telling import tell, tell_broken, tell_quietly
from bot.front.votes import Votes

log = logging.getLogger(__name__)

ONLY_ASKER = "Only the person who asked, and moderators, can do that."
ON_IT = "🔁 On it."
GONE = "The question is gone, so I cannot answer it again."
BUSY = "I am answering that already."
OVER = "That answer is not being made any more."
NO_REASONING = "How I came to this answer was not kept."
CUT = "\n(cut here)"
FORGOTTEN = "This exchange is kept out of the records."
NOT_AGREED = "You are not recorded here, so your vote is not kept. `/privacy opt-in` changes that."
THANKS = {1: "👍 Thank you.", -1: "👎 Thank you, noted.", 0: "Your vote is taken back."}
GUARDED = frozenset({Control.STOP, Control.REDO, Control.CONTINUE, Control.FORGET})
TARGET = "message"
"""Under this name the extras of an interaction have the message whose menu was used."""
OLD_SECONDS = 3_000
"""Discord takes next to no edits of messages older than an hour (error 30046)."""

VOTE_SECONDS = 1.0
"""How long a press waits for the records: it has to be answered within three seconds."""

Own = Callable[[Coroutine[Any, Any, None]], None]


class Presses:
    """Does what the buttons say. `own` runs what takes long as a task that ends with the client."""

    def __init__(
        self,
        agent: Agent,
        answers: Answers,
        answering: Answering,
        conversation: Conversation,
        book: SettingsBook,
        votes: Votes,
        own: Own,
    ) -> None:
        self._agent = agent
        self._answers = answers
        self._answering = answering
        self._conversation = conversation
        self._book = book
        self._votes = votes
        self._own = own

    async def handle(
        self, interaction: discord.Interaction, control: Control, ref: AnswerRef
    ) -> None:
        """Do what a button says; whatever happens, the person is told and nothing is raised."""
        if not self._answers.take(interaction.id):
            return
        try:
            if control in GUARDED and not may_control(interaction, ref):
                await tell(interaction, ONLY_ASKER)
                return
            await self._do(interaction, control, ref)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            await tell_broken(interaction, error, f"The press of {control} on {ref}")

    async def _do(self, interaction: discord.Interaction, control: Control, ref: AnswerRef) -> None:
        match control:
            case Control.STOP:
                await self._stop(interaction, ref)
            case Control.REDO:
                await self._redo(interaction, ref)
            case Control.CONTINUE:
                await self._continue(interaction, ref)
            case Control.UP:
                await self._vote(interaction, 1)
            case Control.DOWN:
                await self._vote(interaction, -1)
            case Control.REASONING:
                await self._show_reasoning(interaction)
            case Control.FORGET:
                await self._forget(interaction, ref)

    async def _stop(self, interaction: discord.Interaction, ref: AnswerRef) -> None:
        asking = self._answers.asking(ref.question_id)
        if asking is not None:
            asking.end(Fate.STOPPED)
            await interaction.response.defer()
            return
        # A button that was left behind when the bot went down in the middle of an answer.
        await interaction.response.edit_message(view=under_answer(ref))
        await tell(interaction, OVER)

    async def _redo(self, interaction: discord.Interaction, ref: AnswerRef) -> None:
        if self._answers.asking(ref.question_id) is not None:
            await tell(interaction, BUSY)
            return
        await acknowledge(interaction)
        message = message_of(interaction)
        question = await find_question(message, ref)
        if question is None:
            await tell(interaction, GONE)
            return
        over = self._earlier(interaction.client, message, ref)
        self._own(self._make(interaction, question, ref, over=over))

    async def _continue(self, interaction: discord.Interaction, ref: AnswerRef) -> None:
        await interaction.response.defer()
        message = message_of(interaction)
        question = await find_question(message, ref) or message
        self._own(self._make(interaction, question, ref, continues=message))

    async def _make(
        self,
        interaction: discord.Interaction,
        question: discord.Message,
        ref: AnswerRef,
        *,
        over: Earlier | None = None,
        continues: discord.Message | None = None,
    ) -> None:
        """Make an answer from a button; what comes in its way, the person is told."""
        me = interaction.client.user
        assert me is not None  # noqa: S101 - there are no interactions before READY
        asking = self._answers.begin(ref.question_id, question.content)
        if asking is None:
            await tell_quietly(interaction, BUSY)
            return
        try:
            async with self._runtime(interaction) as runtime:
                settings = await self._book.of(runtime)
                again = self._answering.decide_again(
                    settings, interaction.user, interaction.guild, question.channel.id
                )
                if not again.answers:
                    await tell(interaction, again.notice or f"Not just now: {again.reason}.")
                    return
                if continues is None:
                    view = None if over is None else while_growing(ref)
                    await change_buttons(message_of(interaction), view)
                task = Task(question, ref.asker_id, settings, over, continues, again=True)
                await self._conversation.answer(runtime, task, asking, me)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            await tell_broken(interaction, error, f"Answering question {question.id} again")
        finally:
            self._answers.end(asking)

    def _earlier(
        self, client: discord.Client, message: discord.Message, ref: AnswerRef
    ) -> Earlier | None:
        """The answer whose last message this is; None if a new one has to go beside it.

        Which messages belong together is known for the latest answers. Of others only those of a
        single message, the reply itself, can be written over.
        """
        age = (discord.utils.utcnow() - message.created_at).total_seconds()
        if age > OLD_SECONDS:
            return None
        given = self._answers.given_in(message.id)
        if given is not None:
            channel = client.get_partial_messageable(message.channel.id)
            before = [channel.get_partial_message(part) for part in given.message_ids[:-1]]
            return Earlier(given.ref, (*before, message), given.reasoning is not None)
        reference = message.reference
        if reference is not None and reference.message_id == ref.question_id:
            return Earlier(ref, (message,))
        return None

    async def _vote(self, interaction: discord.Interaction, value: int) -> None:
        message = message_of(interaction)
        async with self._runtime(interaction) as runtime:
            if not self._votes.known(message.id, interaction.user.id):
                before = await kept_vote(runtime, message.id, interaction.user.id)
                self._votes.cast(message.id, interaction.user.id, before)
            vote = self._votes.press(message.id, interaction.user.id, value)
            may = may_record(runtime, interaction.user.id)
            await runtime.emit(FeedbackGiven(message.id, interaction.user.id, vote))
        await tell(interaction, THANKS[vote] if may else NOT_AGREED)

    async def _show_reasoning(self, interaction: discord.Interaction) -> None:
        message = message_of(interaction)
        given = self._answers.given_in(message.id)
        reasoning = None if given is None else given.reasoning
        if reasoning is None:
            async with self._runtime(interaction) as runtime:
                reasoning = await kept_reasoning(runtime, message.id)
        await tell(interaction, NO_REASONING if reasoning is None else quoted(reasoning))

    async def _forget(self, interaction: discord.Interaction, ref: AnswerRef) -> None:
        message = message_of(interaction)
        async with self._runtime(interaction) as runtime:
            await runtime.emit(ForgetExchange(ref.request_id, message.id, interaction.user.id))
        await tell(interaction, FORGOTTEN)

    def _runtime(
        self, interaction: discord.Interaction
    ) -> contextlib.AbstractAsyncContextManager[AgentRuntime]:
        return self._agent.runtime(world_of(home_of(interaction), interaction.user))


def may_control(interaction: discord.Interaction, ref: AnswerRef) -> bool:
    """Whether this person asked the question, or moderates the channel."""
    if interaction.user.id == ref.asker_id:
        return True
    return interaction.guild is not None and interaction.permissions.manage_messages


def message_of(interaction: discord.Interaction) -> discord.Message:
    """The message whose button was pressed, or whose menu was used."""
    message: discord.Message = interaction.message or interaction.extras[TARGET]
    return message


async def acknowledge(interaction: discord.Interaction) -> None:
    """Say that it is heard: to a menu in words, as it would be waited for otherwise."""
    if interaction.message is None:
        await tell(interaction, ON_IT)
    else:
        await interaction.response.defer()


async def find_question(message: discord.Message, ref: AnswerRef) -> discord.Message | None:
    """The question as it reads now; None if it is gone. Raises one of UNREACHED."""
    try:
        return await message.channel.fetch_message(ref.question_id)
    except discord.NotFound:
        return None


async def kept_reasoning(runtime: AgentRuntime, reply_id: int) -> str | None:
    """The reasoning behind an answer from the records, if they have it."""
    reviews = find_reviews(runtime)
    try:
        return None if reviews is None else await reviews.reasoning_of(reply_id)
    except Exception:
        log.exception("The reasoning behind message %d cannot be looked up", reply_id)
        return None


async def kept_vote(runtime: AgentRuntime, reply_id: int, user_id: int) -> int:
    """A person's vote on an answer from the records, if they tell it in time."""
    reviews = find_reviews(runtime)
    try:
        async with asyncio.timeout(VOTE_SECONDS):
            return 0 if reviews is None else await reviews.vote_of(reply_id, user_id)
    except Exception as error:  # noqa: BLE001 - then the vote counts as the first
        log.info("The earlier vote on message %d is not known: %r", reply_id, error)
        return 0


def quoted(reasoning: str) -> str:
    """A model's reasoning as one message; what is too long is cut, and says so."""
    first, *rest = split_message(presentable(reasoning), LIMIT - len(CUT))
    return first + CUT if rest else first
