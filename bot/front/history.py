"""The seam in discord.py: a channel's latest messages, of which objects are made only once.

Nearly all that is read for an answer was read for the answer before, and to make objects of it
(messages, what they reply to, every button under them) is a third of what an answer costs. A
message that Discord tells in exactly the words of the last time is the same object again.
"""

import contextlib
import inspect
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord.http import HTTPClient
from discord.state import ConnectionState

if TYPE_CHECKING:
    from discord.abc import MessageableChannel

log = logging.getLogger(__name__)

REMEMBERED = 500
CLEAN_CONTENT = "_cs_clean_content"
"""Where discord.py keeps `clean_content` with a message, until that is edited."""


class History:
    """Reads what was said before a message, and remembers the latest messages that it read."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[Any, discord.Message]] = OrderedDict()
        unknown = what_is_unknown()
        self._remembers = unknown is None
        if unknown is not None:
            log.warning(
                "Earlier messages are made anew for each answer, which takes more computing: this "
                "discord.py is not the one that the shortcut was written for (%s).",
                unknown,
            )

    async def before(self, message: discord.Message, limit: int) -> Sequence[discord.Message]:
        """At most `limit` (up to 100) messages from before `message`, the newest first.

        Raises one of UNREACHED.
        """
        channel = message.channel
        if not self._remembers:
            return [earlier async for earlier in channel.history(limit=limit, before=message)]
        http = channel._state.http  # noqa: SLF001
        told = await http.logs_from(channel.id, limit, before=message.id)
        return [self._message(channel, payload) for payload in told]

    def forget(self, message_ids: Iterable[int]) -> None:
        """Messages are gone, and with them what the replies to them quote."""
        gone = {*message_ids}
        for message_id, (payload, _) in [*self._known.items()]:
            if message_id in gone or quoted_by(payload) in gone:
                del self._known[message_id]

    def forget_all(self) -> None:
        """Channels are gone, or what happened in them was not told."""
        self._known.clear()

    def _message(self, channel: "MessageableChannel", payload: Any) -> discord.Message:  # noqa: ANN401
        message_id = int(payload["id"])
        known = self._known.get(message_id)
        # After a reconnection a channel may be another object, with other roles and members.
        if known is not None and known[0] == payload and known[1].channel is channel:
            self._known.move_to_end(message_id)
            without_old_names(known[1])
            return known[1]
        message = channel._state.create_message(channel=channel, data=payload)  # noqa: SLF001
        self._known[message_id] = payload, message
        self._known.move_to_end(message_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return message


def quoted_by(payload: Any) -> int | None:  # noqa: ANN401 - a message as Discord tells it
    """The id of the message that a reply brings along."""
    quoted = payload.get("referenced_message")
    return None if quoted is None else int(quoted["id"])


def without_old_names(message: discord.Message) -> None:
    """Have a message read again what it mentions: channels, roles and the bot are renamed."""
    with contextlib.suppress(AttributeError):
        delattr(message, CLEAN_CONTENT)


def what_is_unknown() -> str | None:
    """What of discord.py is not as it was when this was written; None for nothing."""
    try:
        asks = [*inspect.signature(HTTPClient.logs_from).parameters]
        makes = [*inspect.signature(ConnectionState.create_message).parameters]
    except (AttributeError, TypeError, ValueError) as error:
        return str(error)
    if asks[:4] != ["self", "channel_id", "limit", "before"]:
        return "logs_from takes other arguments"
    if makes != ["self", "channel", "data"]:
        return "create_message takes other arguments"
    if "create_message" not in discord.abc.Messageable.history.__code__.co_names:
        return "history makes messages otherwise"
    if CLEAN_CONTENT not in discord.Message.__slots__:
        return "clean_content is kept elsewhere"
    return None
