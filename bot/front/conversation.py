"""Talking: from a question in Discord to the model's answer in Discord."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import discord

from bot.agent.events import AnswerComing, ReplySent
from bot.agent.intents import Outcome
from bot.agent.models import (
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    ModelType,
    NoModelHandlerError,
    Origin,
    Purpose,
    new_request_id,
)
from bot.agent.runtime import AgentRuntime
from bot.front.agent_settings import AgentSettings
from bot.front.answering import NOTICE
from bot.front.answers import Answers, Asking, Fate, Given
from bot.front.context import Context, ContextReader
from bot.front.controls import (
    AnswerRef,
    change_buttons,
    under_answer,
    under_apology,
    while_growing,
)
from bot.front.discord_errors import UNREACHED
from bot.front.discord_room import DiscordRoom
from bot.front.endings import Ending, no_endings
from bot.front.people import without_mention
from bot.front.streamed_reply import Place, Posted, StreamedReply
from bot.front.token_budget import BYTES_A_TOKEN, TokenBudget
from bot.front.typing_indicator import TypingIndicator
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

# Every apology begins with it, so that a script can tell one from an answer.
APOLOGY_MARK = "😕"
SORRY = (
    f"{APOLOGY_MARK} I could not answer this just now. "
    "Please try again in a moment. (`{reference}`)"
)
GO_ON = "Go on where you stopped."
LEAVING_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """How the agent talks where a server has not set it otherwise.

    `context_*` bound what it is shown of what was said before.
    """

    system_prompt: str
    temperature: float | None = None
    max_tokens: int | None = None
    context_messages: int = 12
    context_characters: int = 6_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer that is there: its `messages`, the last of which has its buttons."""

    ref: AnswerRef
    messages: tuple[Posted, ...]
    has_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One answer to make, in answer to `question`, asked by the person `asker_id`.

    It takes the place of the answer `over`, or goes on from the message `continues`, which is the
    last of an earlier answer. `again` says that the question was answered before.
    """

    question: discord.Message
    asker_id: int
    settings: AgentSettings
    over: Earlier | None = None
    continues: discord.Message | None = None
    again: bool = False


class Conversation:
    """Answers the messages that are no commands; `endings` counts how that ended."""

    def __init__(self, options: ConversationOptions, answers: Answers) -> None:
        self.endings = no_endings()
        self._options = options
        self._answers = answers
        self._reader = ContextReader()
        self._unfinished: set[StreamedReply] = set()

    async def answer(
        self, runtime: AgentRuntime, task: Task, asking: Asking, me: discord.abc.User
    ) -> None:
        """Post the model's answer, or one calm sentence when there is none."""
        await runtime.emit(AnswerComing(DiscordRoom(task.question.channel)))
        ref = AnswerRef(task.question.id, task.asker_id, new_request_id())
        async with TypingIndicator(task.question.channel) as typing:
            reply = StreamedReply(place_of(task, ref), typing.stop, partial(while_growing, ref))
            self._unfinished.add(reply)
            ending = Ending.FAILED
            try:
                ending = await self._answer(runtime, task, asking, me, ref, reply)
            except UNREACHED as error:
                log.error("The answer to request %s is not in Discord: %s", ref.request_id, error)
            except asyncio.CancelledError:
                ending = Ending.STOPPED
                await leave(task, ref, reply)
                raise
            finally:
                self.endings[ending] += 1
                self._unfinished.discard(reply)
                # However it ended: what stands in Discord belongs to this request, and with it
                # to whoever deletes it.
                if reply.begun:
                    ids = [message.id for message in reply.messages]
                    await runtime.emit(ReplySent(ref.request_id, ids))
                # After that, so that what is recorded of a whole answer goes with its messages.
                if asking.fate is Fate.WITHDRAWN:
                    await reply.withdraw()

    def forget(self, message_ids: Iterable[int]) -> None:
        """Messages are gone in Discord: they are not to stay in memory, either."""
        self._reader.forget(message_ids)

    def forget_all(self) -> None:
        """Channels are gone, or what happened in them was not told."""
        self._reader.forget_all()

    async def context_of(
        self,
        runtime: AgentRuntime,
        question: discord.Message,
        me: discord.abc.User,
        budget: TokenBudget,
        *,
        messages: int | None = None,
        with_images: bool = False,
    ) -> Context:
        """What a model is shown of the conversation up to `question`."""
        return await self._reader.gather(
            question,
            me,
            partial(self._is_left_out, runtime, me),
            messages=self._options.context_messages if messages is None else messages,
            budget=budget,
            with_images=with_images,
        )

    def budget(self, model: Model | None, max_tokens: int | None = None) -> TokenBudget:
        """How much of a conversation a model is shown."""
        wanted = self._options.context_characters // BYTES_A_TOKEN
        return TokenBudget(model, wanted=wanted, answer_tokens=max_tokens)

    async def _answer(
        self,
        runtime: AgentRuntime,
        task: Task,
        asking: Asking,
        me: discord.abc.User,
        ref: AnswerRef,
        reply: StreamedReply,
    ) -> Ending:
        request = await self._request(runtime, task, me, ref, reply)
        outcome = await self._ask(runtime, request, asking, reply)
        if asking.fate is Fate.WITHDRAWN:
            return Ending.STOPPED
        if isinstance(outcome, str):
            await self._apologise(task, outcome, ref, reply)
            return Ending.FAILED
        if outcome is None and not reply.text.strip():
            await put_back(task)
            return Ending.STOPPED
        reasoning = None if outcome is None else private(outcome.reasoning, request)
        given = Given(ref, asking.question, (), reasoning)
        await reply.finish(
            reply.text if outcome is None else outcome.text, partial(buttons_under, task, given)
        )
        given.message_ids = tuple(message.id for message in reply.messages)
        self._answers.remember(given)
        if asking.edited:
            await offer_again(reply.messages[-1], given)
        return Ending.STOPPED if outcome is None else Ending.ANSWERED

    async def _ask(
        self, runtime: AgentRuntime, request: ModelRequest, asking: Asking, reply: StreamedReply
    ) -> ModelResponse | str | None:
        """The model's answer, shown by `reply` as it grows; the apology for there being none.

        None when it was ended before it was whole.
        """
        try:
            async with reply:
                call = asyncio.ensure_future(runtime.use_model(request.model_type, request))
                response = await asking.ask(call, reply)
        except ModelError as error:
            log.warning("No answer to request %s: %s", request.id, error)
            return apology(error, request)
        except Exception:
            log.exception("No answer to request %s", request.id)
            return apology(None, request)
        if response is not None and not response.text.strip():
            log.warning("An empty answer to request %s by %s", request.id, response.model)
            return apology(None, request)
        return response

    async def _apologise(self, task: Task, text: str, ref: AnswerRef, reply: StreamedReply) -> None:
        """Say that there is no answer. An earlier answer that still stands, stays."""
        if task.over is None or reply.begun:
            await reply.finish(text, partial(under_apology, ref))
            return
        await put_back(task)
        await task.over.messages[-1].reply(text, mention_author=False)

    async def _request(
        self,
        runtime: AgentRuntime,
        task: Task,
        me: discord.abc.User,
        ref: AnswerRef,
        reply: StreamedReply,
    ) -> ModelRequest:
        settings, options = task.settings, self._options
        provider = settings.models.get(Purpose.PLANNING)
        models = runtime.agent.models
        model = models.find(ModelType.TEXT_LARGE, provider) or models.find(ModelType.TEXT_LARGE)
        max_tokens = settings.max_tokens or options.max_tokens
        system = system_prompt(settings, options)
        budget = self.budget(model, max_tokens)
        budget.reserve(system)
        context = await self.context_of(
            runtime,
            task.continues or task.question,
            me,
            budget,
            with_images=model is not None and model.vision,
        )
        go_on = () if task.continues is None else (ChatMessage("user", GO_ON),)
        temperature = settings.temperature
        return ModelRequest(
            messages=(ChatMessage("system", system), *context.messages, *go_on),
            model_type=ModelType.TEXT_LARGE,
            temperature=options.temperature if temperature is None else temperature,
            max_tokens=max_tokens,
            stream=reply,
            origin=Origin(task.question.channel.id, task.asker_id, task.question.id),
            provider=provider,
            images=context.images,
            id=ref.request_id,
        )

    def _is_left_out(
        self, runtime: AgentRuntime, me: discord.abc.User, message: discord.Message
    ) -> bool:
        """Whether a message is no part of the conversation: half an answer, or a command."""
        if message.author.id == me.id:
            return message.content.startswith((APOLOGY_MARK, NOTICE)) or any(
                message in reply.messages for reply in self._unfinished
            )
        matcher = runtime.agent.matcher
        text = without_mention(message, me)
        return (
            matcher.might_match(text)
            and matcher.match(text, addressed=True).outcome is not Outcome.NONE
        )


def system_prompt(settings: AgentSettings, options: ConversationOptions) -> str:
    """What the model is told about itself."""
    prompt = settings.system_prompt or options.system_prompt
    return prompt if settings.name is None else f"{prompt}\nYour name is {settings.name}."


def place_of(task: Task, ref: AnswerRef) -> Place:
    """Where the answer goes. The first to a question has its nonce, so that it is posted once."""
    links = task.settings.unfurl_links
    if task.continues is not None:
        return Place(task.continues, str(ref.request_id), show_links=links)
    if task.over is not None:
        return Place(task.question, str(ref.request_id), task.over.messages, links)
    # By the question's nonce Discord would give the earlier answer back and post nothing.
    nonce = ref.request_id if task.again else task.question.id
    return Place(task.question, str(nonce), show_links=links)


def buttons_under(task: Task, given: Given) -> discord.ui.View:
    """The buttons of a whole answer. What goes on from another cannot be made again by itself."""
    return under_answer(
        given.ref, reasoning=given.reasoning is not None, can_redo=task.continues is None
    )


async def put_back(task: Task) -> None:
    """Give the answer that still stands its own buttons back."""
    if (over := task.over) is not None:
        with contextlib.suppress(*UNREACHED):
            view = under_answer(over.ref, reasoning=over.has_reasoning)
            await change_buttons(over.messages[-1], view)


async def offer_again(message: Posted, given: Given) -> None:
    """The question was changed: its answer's button says so."""
    given.edited = True
    view = under_answer(given.ref, reasoning=given.reasoning is not None, edited=True)
    try:
        await change_buttons(message, view)
    except UNREACHED as error:
        log.info("Message %d does not offer to answer again: %s", message.id, error)


async def leave(task: Task, ref: AnswerRef, reply: StreamedReply) -> None:
    """The bot is leaving: no button of ours that does nothing stays behind, if that is quick."""
    with contextlib.suppress(TimeoutError, *UNREACHED):
        async with asyncio.timeout(LEAVING_SECONDS):
            if reply.begun and reply.text.strip():
                await reply.finish(reply.text, partial(under_answer, ref))
            else:
                await put_back(task)


def private(reasoning: str | None, request: ModelRequest) -> str | None:
    """A model's reasoning without the system prompt, which is nobody's business."""
    for message in request.messages:
        if reasoning and message.role == "system":
            reasoning = reasoning.replace(message.content, "[…]")
    return reasoning


def apology(error: ModelError | None, request: ModelRequest) -> str:
    """What a person is told when no model answered; the id is in the log too."""
    if isinstance(error, NoModelHandlerError):
        return (
            f"{APOLOGY_MARK} I have no model to answer with. Whoever runs me can see in the log "
            "how to add one."
        )
    return SORRY.format(reference=request.id)
