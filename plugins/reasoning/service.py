"""The custom reasoning service of one world: on or off, remembered, and put back exactly."""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self, runtime_checkable

from bot.agent.chain import Registration
from bot.agent.middleware import CallNext, ModelCall, tell, wrap
from bot.agent.models import Model, ModelRequest, ModelResponse, ModelType, UseModel
from bot.agent.runtime import AgentRuntime
from bot.store.problems import StoreError
from bot.store.records import Exchange, RecordStats
from plugins.reasoning.custom_model import CustomModel
from plugins.reasoning.recorder import Recorder
from plugins.reasoning.tally import Tally

log = logging.getLogger(__name__)

PLUGIN = "reasoning"
PRIVACY = "privacy"
CUSTOM_PROVIDER = "custom"
UNREAD_SECONDS = 5.0


@runtime_checkable
class Guardian(Protocol):
    """The service that knows who agreed to be recorded."""

    def admit(self, exchange: Exchange) -> Exchange | None:
        """The exchange as it may be kept; None where it may not."""


@dataclass(frozen=True, slots=True)
class ReasoningState:
    """Whether the service is on, since when (ms since the epoch) and by whom (a user id)."""

    enabled: bool = False
    since: int | None = None
    by: int | None = None

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - what the store gives back
        """The state as it was kept; off when nothing was. Raises StoreError if it is no state."""
        try:
            return cls() if value is None else cls(value["enabled"], value["since"], value["by"])
        except (TypeError, LookupError):
            raise StoreError(f"The setting {PLUGIN!r} is kept, and makes no sense.") from None

    def to_json(self) -> dict[str, object]:
        """The state as it is kept."""
        return {"enabled": self.enabled, "since": self.since, "by": self.by}


@dataclass(frozen=True, slots=True)
class ReasoningStatus:
    """All that `check reasoning status` tells.

    `answering` is the model that is asked first, `fallback` the one that steps in for it.
    `stats` is None when the records cannot be read; `problem` says why nothing is being kept,
    `held_up` why what is kept is not in its file yet, `lingering` why what was forgotten is still
    in its log. `dropped` exchanges and `unchanged` changes to them were not kept, `loss` says why
    the last of these was not. `unread` says why `state` is not known. `waiting` are not known to
    be on disk, `withheld` were not to be kept by the rules of privacy, since the start.
    `lost_anywhere` tells of records that might be another server's.
    """

    state: ReasoningState
    answering: Model | None
    fallback: Model | None
    stats: RecordStats | None
    dropped: int
    unchanged: int
    loss: str | None
    problem: str | None
    held_up: str | None
    unread: str | None
    waiting: int = 0
    withheld: int = 0
    lingering: str | None = None
    lost_anywhere: str | None = None


class ReasoningService:
    """Puts the custom model and the recorder around the runtime's `use_model`, and takes them away.

    Off, nothing of it is on the way of a call: `runtime.use_model` is the original. While its
    state could not be read (`unread` says why, for people), a call every few seconds tries again.
    """

    def __init__(self, runtime: AgentRuntime, custom_seconds: float, tally: Tally) -> None:
        self.state = ReasoningState()
        self.unread: str | None = None
        self._unread_since = 0.0
        self.recorder = Recorder(runtime.world, runtime.store, tally, self._admit)
        self._runtime = runtime
        self._tally = tally
        self._custom_seconds = custom_seconds
        self._around: list[Registration] = []
        self._turn = asyncio.Lock()
        self._unsaved: str | None = None

    @property
    def recording(self) -> bool:
        """Whether exchanges are recorded at present."""
        return self.state.enabled

    @classmethod
    async def start(cls, runtime: AgentRuntime, custom_seconds: float, tally: Tally) -> Self:
        """The service of this runtime, as it was left; off until that can be read."""
        service = cls(runtime, custom_seconds, tally)
        await service._read()
        if service.unread is not None:
            service._around.append(runtime.add_model_middleware(PLUGIN, service._read_first))
        return service

    async def stop(self) -> None:
        """Take everything away from `use_model` and write what waits."""
        self._take_away()
        self.recorder.stop()

    async def enable(self, user_id: int) -> str | None:
        """Turn it on. Returns why that will not survive a restart, or None when it will."""
        async with self._turn:
            await self._read_again()
            if not self.state.enabled:
                self._take_away()
                self._put_around()
                await self._set(ReasoningState(True, time.time_ns() // 1_000_000, user_id))
            return self._unsaved

    async def disable(self, user_id: int) -> str | None:
        """Turn it off: the original is back at once. Returns as `enable` does."""
        async with self._turn:
            await self._read_again()
            if self.state.enabled or self.unread is not None:
                self._take_away()
                await self._set(ReasoningState(False, time.time_ns() // 1_000_000, user_id))
            return self._unsaved

    async def status(self) -> ReasoningStatus:
        """How it stands, with everything counted that was recorded before this call."""
        async with self._turn:
            await self._read_again()
        if self._runtime.store.problem is None:
            await self.recorder.flush()
        try:
            stats = await self._runtime.store.stats()
        except StoreError as error:
            log.error("The records cannot be counted: %s", error)
            stats = None
        loss = self._tally.losses.of(self._runtime.world)
        original = self._runtime.agent.models.find(ModelType.TEXT_LARGE)
        custom = self._custom_model() if self.state.enabled else None
        return ReasoningStatus(
            state=self.state,
            answering=custom or original,
            fallback=original if custom else None,
            stats=stats,
            dropped=loss.exchanges + self._runtime.store.lost,
            unchanged=loss.changes,
            loss=loss.reason,
            problem=self._runtime.store.problem,
            held_up=self._runtime.store.held_up,
            lingering=self._runtime.store.lingering,
            lost_anywhere=self._runtime.store.lost_anywhere,
            unread=self.unread,
            waiting=self.recorder.waiting,
            withheld=self._tally.withheld[self._runtime.world],
        )

    def _admit(self, exchange: Exchange) -> Exchange | None:
        """What may be kept, by whom the runtime has to say so; nothing while it cannot be asked."""
        if PRIVACY not in self._runtime.agent.plugins:
            return exchange
        guardian: object = self._runtime.services.get(PRIVACY)
        return guardian.admit(exchange) if isinstance(guardian, Guardian) else None

    async def _read(self) -> None:
        """Read the state and do as it says; or note why it cannot be read."""
        try:
            self.state = ReasoningState.from_json(await self._runtime.store.get_setting(PLUGIN))
        except StoreError as error:
            if self.unread != error.public:
                log.error("The state of custom reasoning is unknown: %s", error)
            self.unread, self._unread_since = error.public, time.monotonic()
            return
        self.unread = None
        self._note_whether_off()
        self._take_away()
        if self.state.enabled:
            self._put_around()

    async def _read_again(self) -> None:
        if self.unread is not None:
            await self._read()

    async def _read_first(self, request: ModelRequest, call_next: CallNext) -> ModelResponse:
        """Middleware while the state is unknown; this call is treated as the state says, too."""
        async with self._turn:
            # A file that is locked takes seconds to say so, and here a person waits.
            if time.monotonic() - self._unread_since >= UNREAD_SECONDS:
                await self._read_again()

        async def use_model(_: ModelType, request: ModelRequest) -> ModelResponse:
            return await call_next(request)

        answer: UseModel = use_model
        if self.state.enabled:
            if (custom := self._custom()) is not None:
                answer = wrap(custom, answer)
            answer = tell(self.recorder.record, answer)
        elif self.unread is not None and self._runtime.world not in self._tally.off:
            answer = tell(partial(self._not_recorded, self.unread), answer)
        return await answer(request.model_type, request)

    def _note_whether_off(self) -> None:
        """For the runtimes of this world to come, whose state may not be read."""
        if self.state.enabled:
            self._tally.off.discard(self._runtime.world)
        else:
            self._tally.off.add(self._runtime.world)

    def _not_recorded(self, unread: str, _: ModelCall) -> None:
        """A call was made while it was not known whether to record it: that, too, is a loss."""
        reason = f"It cannot be read whether they are to be. {unread}"
        self._tally.losses.exchange(self._runtime.world, reason, StoreError(reason))

    def _put_around(self) -> None:
        if (custom := self._custom()) is not None:
            self._around.append(self._runtime.add_model_middleware(PLUGIN, custom))
        self._around.append(self._runtime.add_model_hook(PLUGIN, self.recorder.record))

    def _take_away(self) -> None:
        for registration in self._around:
            registration.remove()
        self._around.clear()

    def _custom(self) -> CustomModel | None:
        model = self._custom_model()
        return None if model is None else CustomModel(model, self._custom_seconds)

    def _custom_model(self) -> Model | None:
        return self._runtime.agent.models.find(ModelType.TEXT_LARGE, CUSTOM_PROVIDER)

    async def _set(self, state: ReasoningState) -> None:
        """The new state, in memory and on disk; one that could not be saved stays in memory."""
        was_unsaved = self._unsaved is not None
        self.state, self.unread = state, None
        self._note_whether_off()
        try:
            await self._runtime.store.set_setting(PLUGIN, state.to_json())
        except StoreError as error:
            log.error("The state of custom reasoning is not saved: %s", error)
            self._unsaved = error.public
        else:
            self._unsaved = None
        if was_unsaved != (self._unsaved is not None):
            # An idle runtime is made again from what is on disk, which would undo this.
            self._runtime.release() if was_unsaved else self._runtime.hold()
