"""Talking: from a question in Discord to the model's answer in Discord."""

import logging
from dataclasses import dataclass
from functools import partial

import discord

from bot.agent.events import ReplySent
from bot.agent.intents import Outcome
from bot.agent.models import (
    ModelError,
    ModelRequest,
    ModelType,
    NoModelHandlerError,
    Origin,
)
from bot.agent.runtime import AgentRuntime
from bot.front.context import gather_context
from bot.front.discord_errors import UNREACHED
from bot.front.people import without_mention
from bot.front.streamed_reply import StreamedReply
from bot.front.typing_indicator import TypingIndicator
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

# Every apology begins with it, so that a script can tell one from an answer.
APOLOGY_MARK = "😕"
SORRY = (
    f"{APOLOGY_MARK} I could not answer this just now. "
    "Please try again in a moment. (`{reference}`)"
)


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """How the agent talks; `context_*` bound what it is shown of what was said before."""

    system_prompt: str
    temperature: float | None = None
    max_tokens: int | None = None
    context_messages: int = 12
    context_characters: int = 6_000


class Conversation:
    """Answers the messages that are no commands."""

    def __init__(self, options: ConversationOptions) -> None:
        self._options = options
        self._unfinished: set[StreamedReply] = set()

    async def answer(
        self, runtime: AgentRuntime, question: discord.Message, me: discord.abc.User
    ) -> None:
        """Post the model's answer to `question`, or one calm sentence when there is none."""
        async with TypingIndicator(question.channel) as typing:
            reply = StreamedReply(question, on_post=typing.stop)
            request = await self._request(runtime, question, me, reply)
            self._unfinished.add(reply)
            try:
                await reply.finish(await self._ask(runtime, request, reply))
            except UNREACHED as error:
                log.error("The answer to request %s is not in Discord: %s", request.id, error)
            finally:
                self._unfinished.discard(reply)
                # However it ended: what stands in Discord belongs to this request, and with it
                # to whoever deletes it.
                if reply.messages:
                    ids = [message.id for message in reply.messages]
                    await runtime.emit(ReplySent(request.id, ids))

    async def _ask(self, runtime: AgentRuntime, request: ModelRequest, reply: StreamedReply) -> str:
        """The model's answer, shown by `reply` as it grows, or the apology for there being none."""
        try:
            async with reply:
                response = await runtime.use_model(request.model_type, request)
        except ModelError as error:
            log.warning("No answer to request %s: %s", request.id, error)
            return apology(error, request)
        except Exception:
            log.exception("No answer to request %s", request.id)
            return apology(None, request)
        if not response.text.strip():
            log.warning("An empty answer to request %s by %s", request.id, response.model)
            return apology(None, request)
        return response.text

    async def _request(
        self,
        runtime: AgentRuntime,
        question: discord.Message,
        me: discord.abc.User,
        reply: StreamedReply,
    ) -> ModelRequest:
        options = self._options
        context = await gather_context(
            question,
            me,
            partial(self._is_left_out, runtime, me),
            messages=options.context_messages,
            characters=options.context_characters,
        )
        return ModelRequest(
            messages=(ChatMessage("system", options.system_prompt), *context),
            model_type=ModelType.TEXT_LARGE,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
            stream=reply,
            origin=Origin(question.channel.id, question.author.id, question.id),
        )

    def _is_left_out(
        self, runtime: AgentRuntime, me: discord.abc.User, message: discord.Message
    ) -> bool:
        """Whether a message is no part of the conversation: half an answer, or a command."""
        if message.author.id == me.id:
            return any(message in reply.messages for reply in self._unfinished)
        matcher = runtime.agent.matcher
        text = without_mention(message, me)
        return (
            matcher.might_match(text)
            and matcher.match(text, addressed=True).outcome is not Outcome.NONE
        )


def apology(error: ModelError | None, request: ModelRequest) -> str:
    """What a person is told when no model answered; the id is in the log too."""
    if isinstance(error, NoModelHandlerError):
        return (
            f"{APOLOGY_MARK} I have no model to answer with. Whoever runs me can see in the log "
            "how to add one."
        )
    return SORRY.format(reference=request.id)
