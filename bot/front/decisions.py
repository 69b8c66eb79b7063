"""Why the agent answered a message, or did not: the last decisions of each channel, in memory."""

import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

KEPT = 20
MOST_CHANNELS = 1_000


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to answer a message and why, in words for people.

    `notice` is what its author is told, if anything; it can go after `notice_seconds`.
    """

    answers: bool
    reason: str
    notice: str | None = None
    notice_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about a message of a person; the ids are Discord's."""

    message_id: int
    author_id: int
    decision: Decision


class DecisionLog:
    """The last decisions of the channels that were active last."""

    def __init__(self) -> None:
        self._channels: OrderedDict[int, deque[Decided]] = OrderedDict()

    def note(self, channel_id: int, message_id: int, author_id: int, decision: Decision) -> None:
        """Remember a decision, and write it to the debug log."""
        log.debug(
            "Message %d in channel %d is %s: %s",
            message_id,
            channel_id,
            "answered" if decision.answers else "not answered",
            decision.reason,
        )
        channel = self._channels.setdefault(channel_id, deque(maxlen=KEPT))
        self._channels.move_to_end(channel_id)
        channel.append(Decided(message_id, author_id, decision))
        if len(self._channels) > MOST_CHANNELS:
            self._channels.popitem(last=False)

    def of(self, channel_id: int) -> Sequence[Decided]:
        """The last decisions of a channel, the newest first."""
        return list(reversed(self._channels.get(channel_id, ())))
