"""Talking: from a question in Discord to the model's answer in Discord."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.agent.events import ReplySent
from bot.agent.intents import Outcome
from bot.agent.models import (
    ModelError,
    ModelRequest,
    ModelResponse,
    ModelType,
    NoModelHandlerError,
    Origin,
)
from bot.agent.runtime import AgentRuntime
from bot.front.context import gather_context
from bot.front.people import without_mention
from bot.front.streamed_reply import StreamedReply
from bot.front.typing_indicator import TypingIndicator
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)


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

    async def answer(
        self, runtime: AgentRuntime, question: discord.Message, me: discord.abc.User
    ) -> None:
        """Post the model's answer to `question`, or one calm sentence when there is none."""
        async with TypingIndicator(question.channel) as typing:
            reply = StreamedReply(question, on_post=typing.stop)
            request = await self._request(runtime, question, me, reply)
            try:
                async with reply:
                    response = await runtime.use_model(request.model_type, request)
                    if not response.text.strip():
                        raise ModelError(f"{response.model} gave an empty answer")
                await reply.finish(response.text)
            except ModelError as error:
                log.warning("No answer to request %s: %s", request.id, error)
                await reply.finish(apology(error, request))
                return
            except discord.NotFound:
                log.info("The answer to request %s was deleted while it was made", request.id)
                return
            except discord.HTTPException:
                raise
            except Exception:
                log.exception("No answer to request %s", request.id)
                await reply.finish(apology(None, request))
                return
        await note_reply(runtime, request, response, reply)

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
            command_test(runtime, me),
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


async def note_reply(
    runtime: AgentRuntime, request: ModelRequest, response: ModelResponse, reply: StreamedReply
) -> None:
    """Tell the plugins where the answer stands."""
    log.debug("Request %s was answered by %s/%s", request.id, response.provider, response.model)
    await runtime.emit(ReplySent(request.id, [message.id for message in reply.messages]))


def command_test(runtime: AgentRuntime, me: discord.abc.User) -> Callable[[discord.Message], bool]:
    """Tells commands from conversation, in what was said before."""
    matcher = runtime.agent.matcher

    def is_command(message: discord.Message) -> bool:
        text = without_mention(message.content, me)
        return (
            matcher.might_match(text)
            and matcher.match(text, addressed=True).outcome is not Outcome.NONE
        )

    return is_command


def apology(error: ModelError | None, request: ModelRequest) -> str:
    """What a person is told when no model answered; the id is in the log too."""
    if isinstance(error, NoModelHandlerError):
        return (
            "😕 I have no model to answer with. Whoever runs me can see in the log how to add one."
        )
    return (
        f"😕 I could not answer this just now. Please try again in a moment. (`{request.id[-8:]}`)"
    )
