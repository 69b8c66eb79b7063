"""The faults there are, as values that can be written as JSON and read back.

A `route` is a pattern with `*` for "METHOD /path", with ids or with their names in it:
"POST /channels/*/messages", "POST /channels/{channel_id}/messages". An `event` is a gateway event's
name or `*`. `times` is how many requests or events it hits. Only bots are hit, never people.
"""

from dataclasses import asdict, dataclass, fields
from typing import ClassVar, TypeAlias, get_type_hints

from bot.harness.model import JsonObject


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connections: with a close frame of that `code`, without one by cutting them."""

    name: ClassVar[str] = "drop"
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Fall silent, or with `acks_only` only stop to acknowledge heartbeats.

    It ends after some seconds, or without them by `Thaw`.
    """

    name: ClassVar[str] = "freeze"
    acks_only: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Thaw:
    """End a freeze: what was held back goes out, but for the acknowledgements."""

    name: ClassVar[str] = "thaw"


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Op 7: ask clients to reconnect and resume."""

    name: ClassVar[str] = "reconnect"


@dataclass(frozen=True, slots=True)
class InvalidSession:
    """Op 9. Unless it is `resumable` the session is gone."""

    name: ClassVar[str] = "invalid_session"
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """A frame that is no JSON (text), or no compressed data either (`binary`)."""

    name: ClassVar[str] = "garbage"
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Oversized:
    """A well-formed frame of an unknown event, of `size` bytes and a few."""

    name: ClassVar[str] = "oversized"
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold an event, and all that follows on its connection, for some seconds."""

    name: ClassVar[str] = "delay"
    event: str = "*"
    seconds: float = 0.1
    times: int = 1


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Send an event twice, with the same number."""

    name: ClassVar[str] = "duplicate"
    event: str = "*"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Reorder:
    """Send an event after the one that follows it."""

    name: ClassVar[str] = "reorder"
    event: str = "*"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer requests with an error, unperformed.

    A 429 says `retry_after` (seconds) and, with `everything`, that the limit is the global one;
    without `via` it looks like the ban of the network in front of Discord.
    """

    name: ClassVar[str] = "answer"
    route: str = "*"
    status: int = 500
    times: int = 1
    via: bool = True
    retry_after: float = 0.1
    everything: bool = False


@dataclass(frozen=True, slots=True)
class CutBody:
    """Perform requests, but cut the connection in the midst of the answer."""

    name: ClassVar[str] = "cut_body"
    route: str = "*"
    times: int = 1


@dataclass(frozen=True, slots=True)
class SlowBody:
    """Perform requests, but send the answer in small pieces over some seconds."""

    name: ClassVar[str] = "slow_body"
    route: str = "*"
    times: int = 1
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Take requests, unperformed, and never answer: until faults are cleared or the server ends."""

    name: ClassVar[str] = "no_answer"
    route: str = "*"
    times: int = 1


@dataclass(frozen=True, slots=True)
class ExpireInteraction:
    """Void an interaction's token at once; without an id the newest one's."""

    name: ClassVar[str] = "expire_interaction"
    interaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Void the bot's token and close its connections with 4004."""

    name: ClassVar[str] = "revoke_token"


@dataclass(frozen=True, slots=True)
class Down:
    """Nothing works for some seconds: connections are cut, and new ones too.

    With `status` requests are answered by it instead.
    """

    name: ClassVar[str] = "down"
    seconds: float = 1.0
    status: int | None = None


DispatchFault: TypeAlias = Delay | Duplicate | Reorder
RestFault: TypeAlias = Answer | CutBody | SlowBody | NoAnswer
ConnectionFault: TypeAlias = Drop | Reconnect | InvalidSession | Garbage | Oversized
Fault: TypeAlias = (
    DispatchFault
    | RestFault
    | ConnectionFault
    | Freeze
    | Thaw
    | ExpireInteraction
    | RevokeToken
    | Down
)

_KINDS: tuple[type[Fault], ...] = (
    *(Drop, Freeze, Thaw, Reconnect, InvalidSession, Garbage, Oversized),
    *(Delay, Duplicate, Reorder, Answer, CutBody, SlowBody, NoAnswer),
    *(ExpireInteraction, RevokeToken, Down),
)


def to_json(fault: Fault) -> JsonObject:
    """A fault as {"fault": its name} and its fields."""
    return {"fault": fault.name, **asdict(fault)}


def from_json(data: object) -> Fault:
    """The fault of such an object; fields may be left out. Raises ValueError that says why not."""
    if not isinstance(data, dict):
        raise ValueError("a fault is an object")
    kinds = {kind.name: kind for kind in _KINDS}
    name = data.get("fault")
    if name not in kinds:
        raise ValueError(f"unknown fault {name!r}; there are {', '.join(kinds)}")
    kind = kinds[name]
    given = {key: value for key, value in data.items() if key != "fault"}
    unknown = given.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"{name}: unknown field {', '.join(sorted(unknown))}")
    hints = get_type_hints(kind)
    for key, value in given.items():
        _check(f"{name}.{key}", hints[key], value)
    return kind(**given)


def _check(field: str, hint: object, value: object) -> None:
    expected = int | float if hint is float else hint
    is_flag = isinstance(value, bool)
    if is_flag != (hint is bool) or not isinstance(value, expected):  # type: ignore[arg-type]
        raise ValueError(f"{field} is {value!r}, which is no {getattr(hint, '__name__', hint)}")
    if isinstance(value, int | float) and value < 0:
        raise ValueError(f"{field} is negative")
