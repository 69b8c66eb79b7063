"""What people changed in Discord while an exchange that quotes it was not yet written."""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from bot.store.records import ChatMessage

REMEMBERED_SECONDS = 3600.0


class Amendments:
    """Edits and deletions of the last hour, which is longer than any model call takes.

    The store changes what it has; this is for the prompts that are still on their way to it.
    """

    def __init__(self) -> None:
        self._edits: dict[int, tuple[float, str]] = {}
        self._deletions: dict[int, float] = {}

    def edit(self, message_id: int, content: str) -> None:
        """A message has a new text."""
        self._forget()
        self._edits.pop(message_id, None)
        self._edits[message_id] = (time.perf_counter(), content)

    def delete(self, message_ids: Sequence[int]) -> None:
        """Messages are gone."""
        self._forget()
        now = time.perf_counter()
        self._deletions.update((message_id, now) for message_id in message_ids)

    def apply(self, message: ChatMessage, read_at: float) -> ChatMessage:
        """The message as it is to be kept by now: edited, or without its words and its name.

        `read_at` is when this text of it was read (`time.perf_counter()`).
        """
        if message.message_id is None:
            return message
        if message.message_id in self._deletions:
            return replace(message, content="", name=None)
        edited_at, content = self._edits.get(message.message_id, (read_at, ""))
        if edited_at > read_at:
            return replace(message, content=content)
        return message

    def deleted(self, message_ids: Sequence[int]) -> list[int]:
        """Which of these are gone."""
        return [message_id for message_id in message_ids if message_id in self._deletions]

    def _forget(self) -> None:
        oldest = time.perf_counter() - REMEMBERED_SECONDS
        # Both are in order of time, so the old ones come first.
        while self._deletions and next(iter(self._deletions.values())) < oldest:
            del self._deletions[next(iter(self._deletions))]
        while self._edits and next(iter(self._edits.values()))[0] < oldest:
            del self._edits[next(iter(self._edits))]
