"""What people changed in Discord and the store has yet to follow; no more of it than matters."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from bot.store.interface import StoreError, UnstorableError, WorldStore

log = logging.getLogger(__name__)

MAX_EDITS = 2_000
MAX_REPLIES = 2_000
MAX_DELETIONS = 100_000
AT_ONCE = 1_000

K = TypeVar("K")
V = TypeVar("V")


class Changes:
    """Replies to attach, the last edit of each message, and the messages that are gone.

    Bounded: where too many wait, the oldest give way. `recorded` tells whether the exchange of
    a request was. `lost_deletions` counts those that gave way or could not be applied at all.
    """

    def __init__(self, recorded: Callable[[str], bool]) -> None:
        self.lost_deletions = 0
        self._recorded = recorded
        self._replies: dict[str, Sequence[int]] = {}
        self._edits: dict[int, str] = {}
        self._deletions: dict[int, None] = {}
        self._being_deleted: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._replies) + len(self._edits) + self.deletions

    @property
    def deletions(self) -> int:
        """How many messages are still to be deleted."""
        return len(self._deletions) + len(self._being_deleted)

    def attach_reply(self, request_id: str, message_ids: Sequence[int]) -> None:
        """These messages carry the answer to a request."""
        self._replies[request_id] = message_ids
        _shorten(self._replies, MAX_REPLIES, "replies")

    def edit(self, message_id: int, content: str) -> None:
        """A message has a new text, whatever it had before."""
        if message_id not in self._deletions:
            self._edits.pop(message_id, None)
            self._edits[message_id] = content
            _shorten(self._edits, MAX_EDITS, "edits")

    def delete(self, message_ids: Iterable[int]) -> None:
        """Messages are gone, and with them their edits."""
        for message_id in message_ids:
            self._edits.pop(message_id, None)
            self._deletions[message_id] = None
        self.lost_deletions += _shorten(self._deletions, MAX_DELETIONS, "deletions")

    async def apply_next(self, store: WorldStore) -> None:
        """Do the next one (deletions: the next many). Raises StoreError when the store cannot.

        Deletions come last: which output a message carried is known by the replies. Between two
        steps the caller looks for new exchanges, which the replies belong to.
        """
        if self._replies:
            await self._attach_one(store)
        elif self._edits:
            await self._edit_one(store)
        elif self._deletions:
            await self._delete_some(store)

    async def _attach_one(self, store: WorldStore) -> None:
        request_id, message_ids = next(iter(self._replies.items()))
        if self._recorded(request_id):
            await _possible(store.attach_reply(request_id, message_ids))
        if self._replies.get(request_id) is message_ids:
            del self._replies[request_id]

    async def _edit_one(self, store: WorldStore) -> None:
        message_id, content = next(iter(self._edits.items()))
        await _possible(store.edit_message(message_id, content))
        if self._edits.get(message_id) is content:
            del self._edits[message_id]

    async def _delete_some(self, store: WorldStore) -> None:
        gone = self._being_deleted = dict.fromkeys(islice(self._deletions, AT_ONCE))
        # Taken out first: one that is asked for again meanwhile has to be done again.
        for message_id in gone:
            del self._deletions[message_id]
        try:
            applied = await _possible(store.delete_messages(list(gone)))
        except BaseException:
            self._deletions.update(gone)
            raise
        finally:
            self._being_deleted = {}
        if not applied:
            self.lost_deletions += len(gone)


async def _possible(change: Awaitable[None]) -> bool:
    """Make a change; False for one that can never be made. Raises StoreError for other failures."""
    try:
        await change
    except UnstorableError as error:
        log.error("A change in Discord cannot be recorded: %s", error)
    except StoreError:
        raise
    except Exception:
        log.exception("A change in Discord cannot be recorded")
    else:
        return True
    return False


def _shorten(waiting: dict[K, V], most: int, what: str) -> int:
    """Drop the oldest beyond `most`. Returns how many."""
    over = len(waiting) - most
    for key in list(islice(waiting, max(over, 0))):
        del waiting[key]
    if over > 0:
        log.error("Too many %s wait for the disk; the oldest %d are lost", what, over)
    return max(over, 0)
