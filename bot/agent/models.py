"""Asking a model: the request, the response, and the registry of who can answer.

Model types and the call (`use_model(model_type, request)`) keep ElizaOS's names.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from bot.store.records import DISCORD_EPOCH, ChatMessage


class ModelType(StrEnum):
    """What kind of model is asked for."""

    TEXT_SMALL = "TEXT_SMALL"
    TEXT_LARGE = "TEXT_LARGE"
    REASONING_SMALL = "REASONING_SMALL"
    REASONING_LARGE = "REASONING_LARGE"


class Purpose(StrEnum):
    """What the answer is for. An ordinary reply is `planning`: deciding what to say or do."""

    SHOULD_RESPOND = "should_respond"
    PLANNING = "planning"
    CODING = "coding"


class StreamSink(Protocol):
    """Takes an answer piece by piece, as it is made. Both calls return at once."""

    def write(self, piece: str) -> None:
        """Add a piece of the answer (never of the reasoning)."""

    def restart(self) -> None:
        """Take back all pieces so far: another model starts the answer again."""


@runtime_checkable
class LegibleSink(StreamSink, Protocol):
    """One that tells what it was given: `text` is all pieces that were not taken back."""

    @property
    def text(self) -> str:
        """The answer so far."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, and where: the Discord ids that go into the record."""

    room_id: int
    user_id: int
    message_id: int | None = None


def new_request_id() -> int:
    """A snowflake: 42 bits of ms since 2015, then 10 bits of µs, then 12 random ones.

    So it sorts by time, and by Discord's own ids too.
    https://docs.discord.com/developers/reference#snowflakes
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    microseconds = nanoseconds // 1_000
    return (milliseconds - DISCORD_EPOCH) << 22 | microseconds << 12 | secrets.randbits(12)


@dataclass(frozen=True, slots=True)
class ImageInput:
    """A picture that belongs to the message `message_id` of a prompt; `media_type` is image/…"""

    message_id: int
    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `None` leaves a value to the model that answers.

    `max_tokens` bounds the answer, `temperature` is passed on exactly (0 is 0). With a
    `stream`, pieces go there as they are made; the response is whole either way. `provider` asks
    for that provider's model; where there is none, the usual one answers. `images` go to models
    with `vision`; others leave them out.
    """

    messages: tuple[ChatMessage, ...]
    model_type: ModelType = ModelType.TEXT_LARGE
    purpose: Purpose = Purpose.PLANNING
    temperature: float | None = None
    max_tokens: int | None = None
    stream: StreamSink | None = None
    origin: Origin | None = None
    provider: str | None = None
    images: tuple[ImageInput, ...] = ()
    id: int = field(default_factory=new_request_id)

    def override(self, **changes: Any) -> "ModelRequest":  # noqa: ANN401 - the fields' own types
        """The same request (and id) with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Fallback:
    """The model that should have answered, and why it did not."""

    provider: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """A whole answer. `reasoning` is kept apart from `text`, which is what people see.

    Tokens are counts as the model reports them, `None` where it does not.
    `first_token_ms` is the time from the call to the first piece, where it streamed.
    """

    text: str
    provider: str
    model: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_ms: float | None = None
    fallback: Fallback | None = None


class ModelError(Exception):
    """A model did not answer. The message says what happened, for people and for the record.

    `fallback` names the model that had failed before this one was asked in its place.
    """

    fallback: Fallback | None = None


class NoModelHandlerError(ModelError):
    """Nobody is registered for the model type that was asked for."""


ModelHandler = Callable[[ModelRequest], Awaitable[ModelResponse]]
UseModel = Callable[[ModelType, ModelRequest], Awaitable[ModelResponse]]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a plugin offers: which types it answers, by which handler.

    The highest `priority` answers. One with priority `None` answers only when it is asked for
    by its provider's name: that is how a custom model stands by without taking over.
    `vision` says that it takes images. `context_tokens` is what prompt and answer may come to
    together, `count_tokens` counts a text by the model's own tokenizer; None: not known.
    """

    provider: str
    name: str
    handler: ModelHandler
    types: frozenset[ModelType] = frozenset(ModelType)
    priority: int | None = 0
    vision: bool = False
    context_tokens: int | None = None
    count_tokens: Callable[[str], int] | None = None


class ModelRegistry:
    """Who can answer which model type. Equal priorities: the first registered answers."""

    def __init__(self) -> None:
        self._models: list[tuple[str, Model]] = []
        self._chosen: dict[ModelType, Model] = {}

    def __iter__(self) -> Iterator[Model]:
        return (model for _, model in self._models)

    def add(self, owner: str, model: Model) -> None:
        """Register `model` for the plugin named `owner`."""
        self._models.append((owner, model))
        self._choose()

    def remove_owner(self, owner: str) -> None:
        """Forget every model that this plugin registered."""
        self._models = [entry for entry in self._models if entry[0] != owner]
        self._choose()

    def find(self, model_type: ModelType, provider: str | None = None) -> Model | None:
        """The model that answers this type, or the one of that provider; None if there is none."""
        if provider is None:
            return self._chosen.get(model_type)
        for model in self:
            if model.provider == provider and model_type in model.types:
                return model
        return None

    async def use(self, model_type: ModelType, request: ModelRequest) -> ModelResponse:
        """Answer by the requested provider's model or that of the highest priority.

        This is the original `use_model`.

        Raises NoModelHandlerError when there is none, ModelError when it does not answer.
        """
        model = self._chosen.get(model_type)
        if request.provider is not None:
            model = self.find(model_type, request.provider) or model
        if model is None:
            raise NoModelHandlerError(self._explain_missing(model_type))
        return await model.handler(request)

    def _choose(self) -> None:
        ranked = sorted(
            (model for model in self if model.priority is not None),
            key=lambda model: -(model.priority or 0),
        )
        self._chosen = {
            model_type: next(model for model in ranked if model_type in model.types)
            for model_type in ModelType
            if any(model_type in model.types for model in ranked)
        }

    def _explain_missing(self, model_type: ModelType) -> str:
        registered = "; ".join(
            f"{model.provider} ({model.name}): {', '.join(sorted(model.types))}" for model in self
        )
        return (
            f"No model handler for {model_type}. Registered: {registered or 'none'}. "
            f"To add one, list a Model with {model_type} in its types in a plugin's `models`."
        )
