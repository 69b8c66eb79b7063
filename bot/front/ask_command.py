"""`/ask`: a question as a command, so that the agent answers where it cannot be spoken to.

Whoever adds it to their account can ask in every server and direct message. It sees the question
there and nothing else. Where the bot is not, it cannot say that it records, so it does not.
"""

import asyncio
import io
import logging
from collections import Counter
from typing import Any

import discord
from discord import app_commands

from bot.agent.agent import Agent
from bot.agent.events import AnswerComing, ReplySent
from bot.agent.models import ModelError, ModelRequest, ModelType, Origin, Purpose, UseModel
from bot.agent.runtime import AgentRuntime
from bot.front.agent_settings import AgentSettings, Mode
from bot.front.answering import Answering
from bot.front.conversation import ConversationOptions, apology, system_prompt
from bot.front.discord_room import DiscordRoom
from bot.front.endings import Ending
from bot.front.people import home_of, is_elsewhere, said, speaker, world_of
from bot.front.presenting import presentable
from bot.front.settings_book import SettingsBook
from bot.front.splitting import split_message
from bot.front.telling import tell
from bot.store.records import ChatMessage

log = logging.getLogger(__name__)

LONGEST = 4_000
MOST_PARTS = 5
"""Where the bot is no member it may follow up five times."""
ANSWER_SECONDS = 840.0
"""An interaction can be answered for 15 minutes."""

NEVER = "I do not answer in this channel."
REFUSED = "🔒 You have none of the roles that may use me here."
AS_FILE = "The answer is too long for messages; it is in the file."


def ask_command(
    agent: Agent,
    options: ConversationOptions,
    book: SettingsBook,
    answering: Answering,
    endings: Counter[Ending],
) -> app_commands.Command[Any, ..., None]:
    """The command; `endings` counts how its answers ended."""

    @app_commands.command(name="ask", description="Ask the agent something, anywhere.")
    @app_commands.describe(question="what you want to know")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def ask(
        interaction: discord.Interaction[Any], question: app_commands.Range[str, 1, LONGEST]
    ) -> None:
        home = home_of(interaction)
        async with agent.runtime(world_of(home, interaction.user)) as runtime:
            settings = await book.of(runtime)
            refusal = refused(answering, settings, interaction, home)
            if refusal is not None:
                await tell(interaction, refusal)
                return
            await interaction.response.defer(thinking=True)
            request = request_of(interaction, question, settings, options, home)
            ending = Ending.FAILED
            try:
                ending = await respond(interaction, runtime, request, settings)
            except asyncio.CancelledError:
                ending = Ending.STOPPED
                raise
            finally:
                endings[ending] += 1

    return ask


async def respond(
    interaction: discord.Interaction[Any],
    runtime: AgentRuntime,
    request: ModelRequest,
    settings: AgentSettings,
) -> Ending:
    """Post the answer; recorded only where the bot can say so beforehand."""
    room = room_of(interaction)
    if room is None:
        text, ending = await answer(runtime.original_use_model, request)
        await post(interaction, text, show_links=settings.unfurl_links)
        return ending
    await runtime.emit(AnswerComing(room))
    text, ending = await answer(runtime.use_model, request)
    message_ids = await post(interaction, text, show_links=settings.unfurl_links)
    await runtime.emit(ReplySent(request.id, message_ids))
    return ending


def room_of(interaction: discord.Interaction[Any]) -> DiscordRoom | None:
    """Where the bot can say beforehand that it records; None where it is not.

    There nothing is recorded, because nobody can be told.
    """
    channel = interaction.channel
    if is_elsewhere(interaction):
        return None
    if channel is None or isinstance(channel, discord.ForumChannel | discord.CategoryChannel):
        return None
    return DiscordRoom(channel)


def refused(
    answering: Answering,
    settings: AgentSettings,
    interaction: discord.Interaction[Any],
    home: discord.Guild | None,
) -> str | None:
    """Why there is no answer, for the person; None where there is one. It starts cooldowns."""
    channel = interaction.channel
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    channel_id = interaction.channel_id or 0
    if home is not None and settings.mode_of(channel_id, parent_id) is Mode.NEVER:
        return NEVER
    decision = answering.decide_again(settings, interaction.user, home, channel_id)
    return None if decision.answers else decision.notice or REFUSED


def request_of(
    interaction: discord.Interaction[Any],
    question: str,
    settings: AgentSettings,
    options: ConversationOptions,
    home: discord.Guild | None,
) -> ModelRequest:
    """What the model is asked. The question goes by the interaction's id, as if it were said."""
    asker = interaction.user
    name = None if home is None else speaker(asker.display_name)
    asked = said("user", question, name, interaction.id, asker.id)
    return ModelRequest(
        messages=(ChatMessage("system", system_prompt(settings, options)), asked),
        temperature=options.temperature if settings.temperature is None else settings.temperature,
        max_tokens=settings.max_tokens or options.max_tokens,
        origin=Origin(interaction.channel_id or 0, asker.id, interaction.id),
        provider=settings.models.get(Purpose.PLANNING),
    )


async def answer(use_model: UseModel, request: ModelRequest) -> tuple[str, Ending]:
    """The model's answer, or one calm sentence where it failed."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await use_model(ModelType.TEXT_LARGE, request)
    except ModelError as error:
        log.warning("No answer to request %s: %s", request.id, error)
        return apology(error, request), Ending.FAILED
    except Exception:
        log.exception("No answer to request %s", request.id)
        return apology(None, request), Ending.FAILED
    if not response.text.strip():
        return apology(None, request), Ending.FAILED
    return response.text, Ending.ANSWERED


async def post(interaction: discord.Interaction[Any], text: str, *, show_links: bool) -> list[int]:
    """Post an answer in place of the "thinking". Returns the ids of its messages."""
    parts = split_message(presentable(text))
    if len(parts) > MOST_PARTS:
        file = discord.File(io.BytesIO(text.encode()), "answer.md")
        sent = await interaction.edit_original_response(content=AS_FILE, attachments=[file])
        return [sent.id]
    # The first takes the place of the "thinking".
    return [
        (await interaction.followup.send(part, suppress_embeds=not show_links, wait=True)).id
        for part in parts
    ]
