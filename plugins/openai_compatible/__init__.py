"""Any model behind an OpenAI-compatible chat endpoint: the operator's own, or a custom one."""

from typing import TYPE_CHECKING

from bot.agent.models import Model
from bot.agent.plugin import Plugin
from plugins.openai_compatible.chat import ChatModel
from plugins.openai_compatible.endpoint import Endpoint

if TYPE_CHECKING:
    from bot.agent.agent import Agent

__all__ = ["Endpoint", "openai_plugin"]


def openai_plugin(endpoint: Endpoint) -> Plugin:
    """The plugin that answers by asking `endpoint`.

    Adding it imports the SDK (0.8 s, in a thread) and asks nothing yet; removing it closes its
    connections. Its handler raises ModelError, with a message for people, on any failure.
    """
    chat = ChatModel(endpoint)

    async def start(_: "Agent") -> None:
        await chat.open()

    return Plugin(
        name=f"openai_compatible:{endpoint.provider}",
        description=f"The model {endpoint.name}, over an OpenAI-compatible API.",
        models=(
            Model(
                endpoint.provider,
                endpoint.name,
                chat.answer,
                priority=endpoint.priority,
                vision=endpoint.vision,
            ),
        ),
        init=start,
        dispose=chat.close,
    )
