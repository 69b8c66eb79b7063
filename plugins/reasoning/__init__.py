"""Custom reasoning: a world's own model answers, every exchange is recorded, failures fall back."""

from bot.agent.events import (
    DemonstrationSuggested,
    FeedbackGiven,
    ForgetExchange,
    MessageEdited,
    MessagesDeleted,
    ReplySent,
)
from bot.agent.plugin import Plugin
from bot.agent.recording import may_record
from bot.agent.reviews import REVIEWS
from bot.agent.runtime import AgentRuntime
from plugins.reasoning.actions import reasoning_actions
from plugins.reasoning.reviews import RecordedReviews
from plugins.reasoning.service import PLUGIN, ReasoningService
from plugins.reasoning.tally import Tally


def reasoning_plugin(custom_seconds: float = 30.0) -> Plugin:
    """The plugin; a custom model (provider "custom") has `custom_seconds` for each answer."""

    tally = Tally()

    async def start(runtime: AgentRuntime) -> ReasoningService:
        return await ReasoningService.start(runtime, custom_seconds, tally)

    async def dispose() -> None:
        tally.losses.close()

    return Plugin(
        name=PLUGIN,
        description="Records every exchange and lets a custom model answer first.",
        actions=reasoning_actions(),
        services={PLUGIN: start, REVIEWS: RecordedReviews.start},
        events={
            MessageEdited: on_edited,
            MessagesDeleted: on_deleted,
            ReplySent: on_reply_sent,
            FeedbackGiven: on_feedback,
            DemonstrationSuggested: on_demonstration,
            ForgetExchange: on_forget,
        },
        metrics=tally.metrics,
        dispose=dispose,
    )


async def on_edited(runtime: AgentRuntime, event: MessageEdited) -> None:
    """What a member edits is edited in the records, also while the service is off.

    Of who is not recorded the old text goes, and the other is not kept in its place.
    """
    if (service := find_service(runtime)) is None:
        return
    if may_record(runtime, event.author_id):
        service.recorder.edit(event.message_id, event.content)
    else:
        service.recorder.delete([event.message_id])


async def on_deleted(runtime: AgentRuntime, event: MessagesDeleted) -> None:
    """What is deleted in Discord is deleted in the records, also while the service is off."""
    if (service := find_service(runtime)) is not None:
        service.recorder.delete(event.message_ids)


async def on_reply_sent(runtime: AgentRuntime, event: ReplySent) -> None:
    """A recorded answer was posted."""
    if (service := find_service(runtime)) is not None:
        service.recorder.attach_reply(event.request_id, event.message_ids)


async def on_feedback(runtime: AgentRuntime, event: FeedbackGiven) -> None:
    """Someone voted on an answer, or took a vote back, also while the service is off."""
    if event.value and not may_record(runtime, event.user_id):
        return
    if (service := find_service(runtime)) is not None:
        service.recorder.vote(event.reply_id, event.user_id, event.value, event.withdrawn)


async def on_demonstration(runtime: AgentRuntime, event: DemonstrationSuggested) -> None:
    """Someone wrote what they would rather have read, also while the service is off."""
    if not may_record(runtime, event.user_id):
        return
    if (service := find_service(runtime)) is not None:
        service.recorder.demonstrate(event.reply_id, event.user_id, event.content)


async def on_forget(runtime: AgentRuntime, event: ForgetExchange) -> None:
    """An exchange is not to be kept, also while the service is off."""
    if (service := find_service(runtime)) is not None:
        service.recorder.forget(event.request_id, event.reply_id)


def find_service(runtime: AgentRuntime) -> ReasoningService | None:
    """This plugin's service in a runtime, if it runs there."""
    service = runtime.services.get(PLUGIN)
    return service if isinstance(service, ReasoningService) else None
