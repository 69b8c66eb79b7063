"""Recording: every model call of a world becomes an exchange in its file, off the reply's path.

`record` is the hook around `use_model`: it only puts the call into a queue. A task that lives
while there is something in the queue writes it in batches, one commit a batch.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from bot.agent.middleware import ModelCall
from bot.agent.models import new_request_id
from bot.store.interface import StoreError, WorldStore
from plugins.reasoning.amendments import Amendments
from plugins.reasoning.exchanges import to_exchange

log = logging.getLogger(__name__)

MAX_WAITING = 2_000
BATCH = 256
REMEMBERED_REQUESTS = 4_096

Change = Callable[[], Awaitable[None]]


class Recorder:
    """Writes the calls of one world to its store.

    `dropped` counts the exchanges that were not kept since the start, `problem` says why the
    last of them was not; it is None again as soon as one is kept.
    """

    def __init__(self, store: WorldStore) -> None:
        self.dropped = 0
        self.problem: str | None = None
        self._store = store
        self._calls: deque[ModelCall] = deque()
        self._changes: deque[Change] = deque()
        self._amendments = Amendments()
        self._recent: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many exchanges and changes are still to be written."""
        return len(self._calls) + len(self._changes)

    def record(self, call: ModelCall) -> None:
        """Take a finished call. Returns at once; when too many wait, the oldest is dropped."""
        if len(self._calls) >= MAX_WAITING:
            self._calls.popleft()
            self._drop(1, f"more than {MAX_WAITING} exchanges were waiting for the disk")
        self._calls.append(call)
        if self._task is None:
            self._start()

    def attach_reply(self, request_id: str, message_ids: Sequence[int]) -> None:
        """Note in which Discord messages a recorded answer was posted."""

        async def attach() -> None:
            if request_id in self._recent:
                await self._store.attach_reply(request_id, message_ids)
                if gone := self._amendments.deleted(message_ids):
                    await self._store.delete_messages(gone)

        self._change(attach)

    def edit(self, message_id: int, content: str) -> None:
        """A member edited a message: true for what is kept, and for what is still to be."""
        self._amendments.edit(message_id, content)
        self._change(lambda: self._store.edit_message(message_id, content))

    def delete(self, message_ids: Sequence[int]) -> None:
        """Messages were deleted: true for what is kept, and for what is still to be."""
        self._amendments.delete(message_ids)
        self._change(lambda: self._store.delete_messages(message_ids))

    async def flush(self, seconds: float = 5.0) -> None:
        """Wait until all that was taken so far is written or given up, this long at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    async def stop(self) -> None:
        """Write what waits; what the disk does not take by then is counted as dropped."""
        await self.flush()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._calls:
            self._drop(len(self._calls), "the service was stopped before they were written")
            self._calls.clear()

    def _change(self, change: Change) -> None:
        self._changes.append(change)
        if self._task is None:
            self._start()

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._write(), name="recorder")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The recorder failed", exc_info=error)

    async def _write(self) -> None:
        """One commit after the other while there is something to write; exchanges go first."""
        while self._calls or self._changes:
            if self._calls:
                count = min(BATCH, len(self._calls))
                await self._keep([self._calls.popleft() for _ in range(count)])
                continue
            try:
                await self._changes[0]()
            except StoreError as error:
                # It stays in the queue, a deletion must not be lost: the next write tries again.
                self._report(str(error))
                return
            self._changes.popleft()

    async def _keep(self, calls: Sequence[ModelCall]) -> None:
        epoch = time.time() - time.perf_counter()
        exchanges = [to_exchange(call, self._name(call), epoch, self._amendments) for call in calls]
        quoted = [
            message.message_id
            for exchange in exchanges
            for message in exchange.input
            if message.message_id is not None
        ]
        try:
            await self._store.keep(exchanges)
            if gone := self._amendments.deleted(quoted):
                await self._store.delete_messages(gone)
        except StoreError as error:
            self._drop(len(exchanges), str(error))
            return
        self.problem = None
        log.debug("Kept in %s: %s", self._store.location, " ".join(e.id for e in exchanges))

    def _name(self, call: ModelCall) -> str:
        """The exchange's id: the request's, or a new one for a request that was used again."""
        request_id = call[0].id
        if request_id in self._recent:
            return new_request_id()
        self._recent[request_id] = None
        if len(self._recent) > REMEMBERED_REQUESTS:
            del self._recent[next(iter(self._recent))]
        return request_id

    def _drop(self, count: int, problem: str) -> None:
        self.dropped += count
        self._report(problem)

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            log.error("Records are not being kept: %s", problem)
        self.problem = problem
