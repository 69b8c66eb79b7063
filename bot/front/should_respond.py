"""Whether to join in where nobody asked: a model's decision, or a rule of thumb.

The rule, for when no small model answers in time: join in if the message says the agent's name, or
follows directly on the agent's own words within two minutes and is not a reply to, or a mention
of, somebody else.
"""

import asyncio
import logging
import re
from collections.abc import Sequence

import discord

from bot.agent.models import ModelError, ModelRequest, ModelType, Origin, Purpose
from bot.agent.runtime import AgentRuntime
from bot.front.decisions import Decision
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

DECIDE_SECONDS = 4.0
MAX_TOKENS = 16
FOLLOW_SECONDS = 120
PROMPT = (
    "You decide whether {name} should say something next in a group chat. Answer RESPOND if the "
    "last message is for {name}, asks what {name} can answer, or continues a conversation with "
    "{name}. Answer IGNORE if people talk among themselves or nothing is needed. "
    "Answer with that one word."
)
WORD = re.compile(r"\b(RESPOND|IGNORE|STOP)\b", re.IGNORECASE)


async def should_respond(
    runtime: AgentRuntime,
    question: discord.Message,
    context: Sequence[ChatMessage],
    *,
    name: str,
    provider: str | None,
) -> Decision:
    """Decide on the last message of `context`, which is `question`; recorded as any exchange."""
    models = runtime.agent.models
    if (models.find(ModelType.TEXT_SMALL, provider) or models.find(ModelType.TEXT_SMALL)) is None:
        return rule_of_thumb(question, context, name, "there is no small model")
    request = ModelRequest(
        messages=(ChatMessage("system", PROMPT.format(name=name)), *context),
        model_type=ModelType.TEXT_SMALL,
        purpose=Purpose.SHOULD_RESPOND,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
        origin=Origin(question.channel.id, question.author.id, question.id),
        provider=provider,
    )
    try:
        async with asyncio.timeout(DECIDE_SECONDS):
            response = await runtime.use_model(request.model_type, request)
    except TimeoutError:
        return rule_of_thumb(question, context, name, "the model took too long")
    except ModelError as error:
        log.info("No decision on message %d: %s", question.id, error)
        return rule_of_thumb(question, context, name, "the model failed")
    except Exception:
        log.exception("No decision on message %d", question.id)
        return rule_of_thumb(question, context, name, "the model failed")
    word = WORD.search(response.text)
    if word is None:
        return rule_of_thumb(question, context, name, "the model did not decide")
    answers = word[0].upper() == "RESPOND"
    return Decision(answers, f"ambient: the model {response.model} said {word[0].upper()}")


def rule_of_thumb(
    question: discord.Message, context: Sequence[ChatMessage], name: str, why: str
) -> Decision:
    """What the module's rule says; `why` tells why it was asked."""
    if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question.content, re.IGNORECASE):
        return Decision(True, f"ambient, by the rule of thumb ({why}): my name was said")
    before = context[-2] if len(context) > 1 else None
    to_another = bool(question.raw_mentions) or question.reference is not None
    if before is not None and before.role == "assistant" and not to_another:
        said = discord.utils.snowflake_time(before.message_id or 0)
        if (question.created_at - said).total_seconds() <= FOLLOW_SECONDS:
            return Decision(True, f"ambient, by the rule of thumb ({why}): it follows my words")
    return Decision(False, f"ambient, by the rule of thumb ({why}): not for me")
