"""Recording: every model call of a world becomes an exchange in its file, off the reply's path.

`record` is the hook around `use_model`: it only puts the call into a queue. A task that lives
while there is something in the queue writes it in batches, one commit a batch.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence

from bot.agent.middleware import ModelCall
from bot.agent.models import new_request_id
from bot.store.interface import StoreError, UnstorableError, WorldStore
from bot.store.records import Exchange
from plugins.reasoning.amendments import Amendments
from plugins.reasoning.changes import Changes
from plugins.reasoning.exchanges import to_exchange

log = logging.getLogger(__name__)

MAX_WAITING = 2_000
BATCH = 256
REMEMBERED_REQUESTS = 4_096
RETRY_SECONDS = 5.0
STOPPED = "the service was stopped before they were written"


class Recorder:
    """Writes the calls of one world to its store.

    `dropped` counts the exchanges that were not kept since the start, `loss` says why the last
    of them was not. `problem` says why nothing can be kept at present, for people; it is None
    again as soon as something was.
    """

    def __init__(self, store: WorldStore) -> None:
        self.dropped = 0
        self.loss: str | None = None
        self.problem: str | None = None
        self._store = store
        self._calls: deque[ModelCall] = deque()
        self._amendments = Amendments()
        self._recent: dict[str, None] = {}
        self._changes = Changes(self._recent.__contains__)
        self._task: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many exchanges and changes are still to be written."""
        return len(self._calls) + len(self._changes)

    def record(self, call: ModelCall) -> None:
        """Take a finished call. Returns at once; when too many wait, the oldest is dropped."""
        if len(self._calls) >= MAX_WAITING:
            self._calls.popleft()
            self._lose(1, f"more than {MAX_WAITING} exchanges were waiting for the disk")
        self._calls.append(call)
        if self._task is None:
            self._start()

    def attach_reply(self, request_id: str, message_ids: Sequence[int]) -> None:
        """Note in which Discord messages a recorded answer was posted."""
        self._changes.attach_reply(request_id, message_ids)
        self._changes.delete(self._amendments.deleted(message_ids))
        self._wake()

    def edit(self, message_id: int, content: str) -> None:
        """A member edited a message: true for what is kept, and for what is still to be."""
        self._amendments.edit(message_id, content)
        self._changes.edit(message_id, content)
        self._wake()

    def delete(self, message_ids: Sequence[int]) -> None:
        """Messages were deleted: true for what is kept, and for what is still to be."""
        self._amendments.delete(message_ids)
        self._changes.delete(message_ids)
        self._wake()

    async def flush(self, seconds: float = 5.0) -> None:
        """Wait until all that was taken so far was tried to be written, this long at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    async def stop(self) -> None:
        """Write what waits; what the disk does not take by then is counted as dropped."""
        self._wake()
        await self.flush()
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._retry is not None:
            self._retry.cancel()
        self._give_up()
        if lost := self._changes.deletions + self._changes.lost_deletions:
            log.error("%d deletions were not applied to %s", lost, self._store.location)

    def _give_up(self) -> None:
        if self._calls:
            self._lose(len(self._calls), STOPPED)
            self._calls.clear()

    def _wake(self) -> None:
        if self._task is None and self.waiting:
            self._start()

    def _start(self) -> None:
        if self._stopping:
            self._give_up()
            return
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._task = asyncio.get_running_loop().create_task(self._write(), name="recorder")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The recorder failed", exc_info=error)
        if self.waiting and not self._stopping:
            self._retry = task.get_loop().call_later(RETRY_SECONDS, self._wake)

    async def _write(self) -> None:
        """One commit after the other while there is something to write; exchanges go first."""
        while self.waiting and not self._stopping:
            if self._calls:
                count = min(BATCH, len(self._calls))
                await self._keep(self._exchanges([self._calls.popleft() for _ in range(count)]))
                continue
            try:
                await self._changes.apply_next(self._store)
            except StoreError as error:
                self._report(error.public, error)
                return
            if self._store.exists:
                self.problem = None

    def _exchanges(self, calls: Sequence[ModelCall]) -> list[Exchange]:
        """The records of these calls; a call that cannot be made one is dropped."""
        epoch = time.time() - time.perf_counter()
        exchanges = []
        for call in calls:
            try:
                exchanges.append(to_exchange(call, self._name(call), epoch, self._amendments))
            except Exception as error:  # noqa: BLE001 - a call of any shape must not stop the others
                self._lose(1, f"it cannot be made a record ({type(error).__name__})", error)
        return exchanges

    async def _keep(self, exchanges: Sequence[Exchange]) -> None:
        """Keep them; where some cannot be kept on their own account, the others still are."""
        parts = [exchanges] if exchanges else []
        try:
            while parts:
                smaller = await self._keep_or_halve(parts[-1])
                parts[-1:] = smaller
        finally:
            if parts:
                self._lose(sum(map(len, parts)), STOPPED)

    async def _keep_or_halve(self, exchanges: Sequence[Exchange]) -> Sequence[Sequence[Exchange]]:
        """Keep them, or drop them; or return the halves in which to look for the one at fault."""
        try:
            await self._store.keep(exchanges)
        except Exception as error:  # noqa: BLE001 - nothing may be lost uncounted
            broken_file = isinstance(error, StoreError) and not isinstance(error, UnstorableError)
            if len(exchanges) > 1 and not broken_file:
                middle = len(exchanges) // 2
                return exchanges[middle:], exchanges[:middle]
            reason = getattr(error, "public", f"it cannot be stored ({type(error).__name__})")
            self._lose(len(exchanges), reason, error)
            if broken_file:
                self._report(reason, error)
        else:
            self._kept(exchanges)
        return ()

    def _kept(self, exchanges: Sequence[Exchange]) -> None:
        self.problem = None
        log.debug("Kept in %s: %s", self._store.location, " ".join(e.id for e in exchanges))
        for exchange in exchanges:
            quoted = [m.message_id for m in exchange.input if m.message_id is not None]
            self._changes.delete(self._amendments.deleted(quoted))

    def _name(self, call: ModelCall) -> str:
        """The exchange's id: the request's, or a new one for a request that was used again."""
        request_id = call[0].id
        if request_id in self._recent:
            return new_request_id()
        self._recent[request_id] = None
        if len(self._recent) > REMEMBERED_REQUESTS:
            del self._recent[next(iter(self._recent))]
        return request_id

    def _lose(self, count: int, reason: str, error: Exception | None = None) -> None:
        self.dropped += count
        if reason != self.loss:
            # Only the first of a row of losses, so that a full disk does not fill the log, too.
            log.error("Exchanges are not kept: %s", error or reason, exc_info=unforeseen(error))
        self.loss = reason

    def _report(self, problem: str, error: Exception) -> None:
        if problem != self.problem:
            log.error("Records are not being kept: %s", error)
        self.problem = problem


def unforeseen(error: Exception | None) -> Exception | None:
    """The error, if it is none that the store announces: then the log needs its traceback."""
    return None if isinstance(error, StoreError) else error
