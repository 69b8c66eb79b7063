"""The seam in discord.py: messages that nobody needs end here, before it makes objects of them.

discord.py has no place for this, so a connection's `received_message` is put behind a function
that does for such a frame what discord.py would have done with it: decompress, note the sequence
number (a resume starts there) and that the connection is alive. Such messages are not in the
message cache, and neither `last_message_id`, `wait_for` nor `on_socket_event_type` sees them.
"""

import inspect
import json
import logging
from typing import Any

from discord.gateway import DiscordWebSocket

from bot.front.raw_gate import RawGate

log = logging.getLogger(__name__)

# What `received_message` of discord.py 2.7 uses of its connection. Where it uses anything else,
# there may be something to do for a dropped message that we do not know of.
USED = frozenset(
    {
        "_decompressor",
        "_discord_parsers",
        "_dispatch",
        "_dispatch_listeners",
        "_keep_alive",
        "close",
        "gateway",
        "log_receive",
        "send_as_json",
        "sequence",
        "session_id",
        "shard_id",
    }
)

POLLED = frozenset({"received_message", "receive", "_max_heartbeat_timeout"})


def put_gate(socket: DiscordWebSocket, gate: RawGate) -> bool:
    """Put the gate before a connection, if discord.py is what we know.

    Otherwise nothing is changed, and the log says what that costs. Returns whether it was put.
    """
    unknown = what_is_unknown(socket)
    if unknown is not None:
        log.warning(
            "Every message is read in full, which takes about four times the computing: this "
            "discord.py is not the one that the shortcut was written for (%s).",
            unknown,
        )
        return False
    vars(socket)["received_message"] = gated(socket, gate)
    # A timer around each frame is a third of what a dropped one costs. It guards against a
    # connection that has fallen silent; so does the keep-alive thread, which took the same limit
    # over when it began and looks at each heartbeat.
    vars(socket)["_max_heartbeat_timeout"] = None
    return True


def what_is_unknown(socket: Any) -> str | None:  # noqa: ANN401 - it may be anything
    """What of discord.py's connection is not as it was when this was written; None for nothing."""
    try:
        handle, poll = type(socket).received_message, type(socket).poll_event
        if not inspect.iscoroutinefunction(handle):
            return "received_message is no coroutine function"
        if [*inspect.signature(handle).parameters] != ["self", "msg"]:
            return "received_message takes other arguments"
        names = {name for name in handle.__code__.co_names if not name.isupper()}
        if changed := USED.symmetric_difference(name for name in names if hasattr(socket, name)):
            return f"received_message differs in {', '.join(sorted(changed))}"
        if missing := POLLED.difference(poll.__code__.co_names):
            return f"poll_event does without {', '.join(sorted(missing))}"
        if "received_message" in vars(socket) or "log_receive" in vars(socket):
            return "something else listens to its frames"
        if not callable(socket._decompressor.decompress):  # noqa: SLF001
            return "there is no decompressor"
        keep_alive = socket._keep_alive  # noqa: SLF001
        if not (callable(keep_alive.tick) and keep_alive.heartbeat_timeout):
            return "nothing looks after the connection"
    except (AttributeError, TypeError, ValueError) as error:
        return str(error)
    return None


def gated(socket: DiscordWebSocket, gate: RawGate) -> Any:  # noqa: ANN401 - as in discord.py
    """`received_message` behind the gate."""
    handle = socket.received_message
    decompress = socket._decompressor.decompress  # noqa: SLF001
    unneeded = gate.unneeded

    async def received_message(frame: Any, /) -> None:  # noqa: ANN401 - as in discord.py
        if type(frame) is bytes:
            frame = decompress(frame)
            if frame is None:
                return
        sequence = unneeded(frame)
        if sequence is None:
            await handled(frame)
            return
        socket.sequence = sequence
        if socket._keep_alive:  # noqa: SLF001
            socket._keep_alive.tick()  # noqa: SLF001

    async def handled(frame: str) -> None:
        try:
            await handle(frame)
        except Exception:
            # discord.py would end the connection for good over one message that it cannot read.
            if not is_message(frame):
                raise
            log.exception("A message that discord.py cannot read is skipped")

    return received_message


def is_message(frame: str) -> bool:
    """Whether a frame dispatches a message, whatever else is in it."""
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and (event.get("op"), event.get("t")) == (0, "MESSAGE_CREATE")
