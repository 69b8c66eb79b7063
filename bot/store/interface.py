"""The seam between the rooms above and whatever keeps the records."""

from collections.abc import Sequence
from typing import Any, Protocol

from bot.store.records import Exchange, RecordStats, World


class StoreError(Exception):
    """Something could not be kept or read. The message says what, why, and what to do about it.

    The message names files and is for the log; `public` is the same for people, without paths.
    """

    def __init__(self, message: str, public: str | None = None) -> None:
        super().__init__(message)
        self.public = message if public is None else public


class UnstorableError(StoreError):
    """It was on account of a value: others can be kept, this one never."""


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

    async def keep(self, exchanges: Sequence[Exchange]) -> None:
        """Keep these, all or none; on return they are on disk. An id that is there is left.

        Of a text that was said in Discord the newest version that was quoted is kept. Raises
        UnstorableError when it is on account of a value in them.
        """

    async def attach_reply(self, exchange_id: str, message_ids: Sequence[int]) -> None:
        """Note which Discord messages, in order, carry the output of an exchange."""

    async def edit_message(self, message_id: int, content: str) -> None:
        """A member edited a message: its text, where it was stored, is the new one."""

    async def delete_messages(self, message_ids: Sequence[int]) -> None:
        """Messages are gone in Discord: their stored texts too, and the outputs they carried."""

    async def stats(self) -> RecordStats:
        """Counts over all that is kept."""

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
