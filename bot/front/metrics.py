"""What the front tells whoever watches the bot."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.agent.metrics import Metric

if TYPE_CHECKING:
    from bot.front.client import UnderstudyClient
    from bot.front.conversation import Conversation


def front_metrics(client: "UnderstudyClient", conversation: "Conversation") -> Iterator[Metric]:
    """The connection to Discord, the messages that came, and the answers."""
    # discord.py's `ws` is None before the first connection, whatever its type says.
    socket = getattr(client, "ws", None)
    yield Metric(
        "understudy_connected",
        "1 while the bot is connected to Discord and ready.",
        client.is_ready() and socket is not None and socket.open,
    )
    if math.isfinite(client.latency):
        yield Metric(
            "understudy_gateway_latency_seconds",
            "How long Discord's gateway took to acknowledge the last heartbeat.",
            client.latency,
        )
    yield Metric("understudy_guilds", "Servers that the bot is in.", len(client.guilds))
    gate = client.raw_gate
    for meant_for, count in (("agent", gate.passed + gate.unread), ("nobody", gate.dropped)):
        yield Metric(
            "understudy_messages_total",
            "Messages that came from Discord, the bot's own too, and whether they had to be "
            "looked into.",
            count,
            counter=True,
            labels={"for": meant_for},
        )
    for ending, count in conversation.endings.items():
        yield Metric(
            "understudy_answers_total",
            "Answers of a model in Discord, and how the making of each ended.",
            count,
            counter=True,
            labels={"ending": str(ending)},
        )
