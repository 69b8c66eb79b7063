"""Recording: every model call of a world becomes an exchange in its file, off the reply's path.

`record` is the hook around `use_model`: it only notes the call. At the next turn of the event
loop the calls become exchanges and are handed over to the store, which tells when each is kept.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from bot.agent.middleware import ModelCall
from bot.agent.models import new_request_id
from bot.store.interface import WorldStore
from bot.store.operations import (
    DemonstrationGiven,
    ExchangeForgotten,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
)
from bot.store.problems import StoreError
from bot.store.records import Exchange, World
from plugins.reasoning.amendments import Amendments
from plugins.reasoning.exchanges import to_exchange
from plugins.reasoning.tally import Tally

log = logging.getLogger(__name__)

REMEMBERED_REQUESTS = 4_096

Admit = Callable[[Exchange], Exchange | None]
"""What may be kept of an exchange; None where nothing may."""


class Recorder:
    """Hands the calls of one world over to its store, and counts them in the `tally` of all."""

    def __init__(self, world: World, store: WorldStore, tally: Tally, admit: Admit) -> None:
        self._world = world
        self._store = store
        self._tally = tally
        self._admit = admit
        self._calls: list[ModelCall] = []
        self._amendments = Amendments()
        self._recent: dict[int, None] = {}
        self._under_way = 0
        self._all_told = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many exchanges and changes are not known to be on disk."""
        return len(self._calls) + self._under_way

    def record(self, call: ModelCall) -> None:
        """Take a finished call. Returns at once."""
        if not self._calls:
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._calls.append(call)

    def attach_reply(self, request_id: int, message_ids: Sequence[int]) -> None:
        """Note in which Discord messages a recorded answer was posted."""
        self._hand_over()
        if request_id in self._recent:
            self._submit(ReplyAttached(request_id, tuple(message_ids)))
            self._forget(self._amendments.deleted(message_ids))

    def edit(self, message_id: int, content: str) -> None:
        """A member edited a message: true for what is kept, and for what is still to be."""
        self._amendments.edit(message_id, content)
        if self._store.exists:
            # Rounded up, while an exchange's time is rounded down: of the two the edit is later.
            self._submit(TextEdited(message_id, content, time.time_ns() // 1_000_000 + 1))

    def delete(self, message_ids: Sequence[int]) -> None:
        """Messages were deleted: true for what is kept, and for what is still to be."""
        self._amendments.delete(message_ids)
        self._hand_over()
        if self._store.exists:
            self._forget(message_ids)

    def vote(self, reply_id: int, user_id: int, value: int, withdrawn: int | None) -> None:
        """A person's vote on an answer, by a message that carries it; see `VoteCast`.

        It may come before the exchange is recorded: the store keeps it by the message.
        """
        if self._store.exists:
            now = time.time_ns() // 1_000_000
            self._submit(VoteCast(reply_id, user_id, value, now, withdrawn))

    def demonstrate(self, reply_id: int, user_id: int, content: str) -> None:
        """What a person would rather have read, by a message that carries the answer."""
        if self._store.exists:
            now = time.time_ns() // 1_000_000
            self._submit(DemonstrationGiven(reply_id, user_id, content, now))

    def forget(self, exchange_id: int, reply_id: int | None) -> None:
        """Keep an exchange no longer; `reply_id` is a message that carries its output, if known."""
        self._hand_over()
        if self._store.exists:
            self._submit(ExchangeForgotten(reply_id, exchange_id))

    async def flush(self, seconds: float = 5.0) -> None:
        """Wait until all that was taken so far is on disk or given up, this long at most."""
        self._hand_over()
        try:
            async with asyncio.timeout(seconds):
                while self._under_way:
                    self._all_told.clear()
                    await self._all_told.wait()
        except TimeoutError:
            log.info("%d records of %s still wait", self.waiting, self._store.location)

    def stop(self) -> None:
        """Hand over what there is; the store sees to it from there."""
        self._hand_over()

    def _hand_over(self) -> None:
        calls, self._calls = self._calls, []
        epoch = time.time() - time.perf_counter()
        for call in calls:
            try:
                self._keep(call, epoch)
            except Exception as error:  # noqa: BLE001 - a call of any shape must not stop the others
                reason = f"it cannot be made a record ({type(error).__name__})"
                self._tally.losses.exchange(self._world, reason, error)

    def _keep(self, call: ModelCall, epoch: float) -> None:
        name = self._name(call)
        took_place = to_exchange(call, name, epoch, self._amendments)
        self._tally.count(took_place)
        exchange = self._admit(took_place)
        if exchange is None:
            self._tally.withheld[self._world] += 1
            return
        self._recent[name] = None
        if len(self._recent) > REMEMBERED_REQUESTS:
            del self._recent[next(iter(self._recent))]
        self._submit(exchange)
        quoted = [m.message_id for m in exchange.input if m.message_id is not None]
        self._forget(self._amendments.deleted(quoted))

    def _forget(self, message_ids: Sequence[int]) -> None:
        if message_ids:
            self._submit(MessagesForgotten(tuple(message_ids)))

    def _submit(self, operation: Operation) -> None:
        def told(error: StoreError | None) -> None:
            self._under_way -= 1
            if error is not None:
                self._not_kept(operation, error)
            elif isinstance(operation, Exchange):
                log.debug("Kept in %s: %d", self._store.location, operation.id)
            if not self._under_way:
                self._all_told.set()

        self._under_way += 1
        try:
            self._store.submit(operation, told)
        except StoreError as error:
            told(error)
        except BaseException:
            self._under_way -= 1
            raise

    def _not_kept(self, operation: Operation, error: StoreError) -> None:
        losses = self._tally.losses
        if isinstance(operation, Exchange):
            losses.exchange(self._world, error.public, error)
        else:
            losses.change(self._world, error)

    def _name(self, call: ModelCall) -> int:
        """The exchange's id: the request's, or a new one for a request that was used again."""
        request_id = call[0].id
        return new_request_id() if request_id in self._recent else request_id
