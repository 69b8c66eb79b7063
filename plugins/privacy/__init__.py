"""Privacy: nobody is recorded untold or against their will, and everybody can be forgotten."""

from bot.agent.agent import Agent
from bot.agent.events import (
    AnswerComing,
    ForgetExchange,
    MessageEdited,
    MessagesDeleted,
    ReplySent,
)
from bot.agent.plugin import Plugin
from bot.agent.runtime import AgentRuntime
from plugins.privacy.actions import privacy_actions
from plugins.privacy.office import PrivacyOffice
from plugins.privacy.service import PLUGIN, PrivacyService


def privacy_plugin(office: PrivacyOffice) -> Plugin:
    """The plugin. Where it is registered, nothing is recorded that its service does not admit."""

    async def start(runtime: AgentRuntime) -> PrivacyService:
        return await PrivacyService.start(runtime, office)

    async def init(agent: Agent) -> None:
        await office.open()
        agent.upkeep = office

    async def on_changed(
        runtime: AgentRuntime, _: MessageEdited | MessagesDeleted | ForgetExchange
    ) -> None:
        office.wipe_soon(runtime.world)

    return Plugin(
        name=PLUGIN,
        description="Tells people that they are recorded, and does as they say.",
        actions=privacy_actions(),
        services={PLUGIN: start},
        events={
            AnswerComing: on_answer_coming,
            ReplySent: on_reply_sent,
            MessageEdited: on_changed,
            MessagesDeleted: on_changed,
            ForgetExchange: on_changed,
        },
        init=init,
        dispose=office.close,
    )


async def on_answer_coming(runtime: AgentRuntime, event: AnswerComing) -> None:
    """People in a room are told before they are recorded."""
    if (service := find_service(runtime)) is not None:
        await service.announce(event.room)


async def on_reply_sent(runtime: AgentRuntime, event: ReplySent) -> None:
    """An answer was posted: from here on it is known whom it was for."""
    if (service := find_service(runtime)) is not None:
        await service.note_reply(event.request_id, event.message_ids)


def find_service(runtime: AgentRuntime) -> PrivacyService | None:
    """This plugin's service in a runtime, if it runs there."""
    service = runtime.services.get(PLUGIN)
    return service if isinstance(service, PrivacyService) else None
