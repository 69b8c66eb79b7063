"""The seam between the rooms above and whatever keeps the records."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bot.store.activity import Activity
from bot.store.choosing import Feedback
from bot.store.counts import StoreCounts
from bot.store.operations import Operation
from bot.store.pages import ExchangeSummary
from bot.store.problems import StoreError
from bot.store.records import RecordStats, World

Told = Callable[[StoreError | None], None]
"""Called once, on the event loop: None when it is on disk, or why it will not be."""


class WorldStore(Protocol):
    """What is kept of one world. Every call raises StoreError when it could not be done.

    Opened on first use; a world of which nothing was ever kept has no file.
    """

    @property
    def location(self) -> str:
        """Where it is kept, for people: a file's path."""

    @property
    def exists(self) -> bool:
        """Whether anything is, or may be, kept of this world. Costs no I/O beyond one look."""

    @property
    def problem(self) -> str | None:
        """Why nothing is being kept at present, for people; None when all is well."""

    @property
    def held_up(self) -> str | None:
        """Why what is kept waits to be put into the file, for people; None when it does not."""

    @property
    def lingering(self) -> str | None:
        """Why what was forgotten is still in the file's log, for people; None when it is not."""

    @property
    def lost(self) -> int:
        """How many operations were given up since the start though they had been kept."""

    @property
    def lost_anywhere(self) -> str | None:
        """What was lost since the start and might be anybody's, for people; None for nothing."""

    def submit(self, operation: Operation, told: Told) -> None:
        """Hand over what is to be kept, and return at once.

        Operations take effect in an order in which none is lost on another's account; an
        exchange whose id is there is left as it is. Raises UnstorableError for one that no file
        would ever take.
        """

    async def write(self, operations: Sequence[Operation]) -> None:
        """Keep these; on return they are on disk."""

    async def drained(self) -> None:
        """On return, what was handed over before is what a reader finds."""

    async def stats(self) -> RecordStats:
        """Counts over all that is kept, with all that was handed over before."""

    async def activity(self, since: int, until: int, buckets: int) -> Activity:
        """Counts over the exchanges of a stretch of time (ms), in so many equal parts."""

    async def page(
        self,
        before: int | None,
        limit: int,
        *,
        room_id: int | None = None,
        user_id: int | None = None,
        feedback: Feedback | None = None,
    ) -> list[ExchangeSummary]:
        """Up to `limit` exchanges with ids below `before` (None: the newest), newest first."""

    async def exchange(self, exchange_id: int) -> ExchangeSummary | None:
        """One exchange, if it is kept."""

    async def is_answer(self, message_id: int) -> bool:
        """Whether a Discord message carries an output that is kept."""

    async def reasoning_of(self, message_id: int) -> str | None:
        """How the model came to the output that a Discord message carries, if that is kept.

        Without the system prompt, which is nobody's business.
        """

    async def vote_of(self, message_id: int, user_id: int) -> int:
        """A person's vote on the answer that a Discord message carries; 0 for none."""

    async def json_lines(self, most_bytes: int) -> tuple[bytes, int] | None:
        """All exchanges as JSON lines, and how many are left out, as their prompts are damaged;
        None where the lines come to more than `most_bytes`.
        """

    async def get_setting(self, key: str) -> Any:  # noqa: ANN401 - whatever JSON was set
        """The JSON value under `key`, or None."""

    async def set_setting(self, key: str, value: Any) -> None:  # noqa: ANN401
        """Keep a JSON value under `key`, durably."""

    async def close(self) -> None:
        """Let go of the file. The next call opens it again."""


class Store(Protocol):
    """All worlds' stores."""

    def world(self, world: World) -> WorldStore:
        """The store of one world; cheap, and opens nothing."""

    def counts(self) -> StoreCounts:
        """How the keeping goes in all worlds together. Costs no I/O."""
