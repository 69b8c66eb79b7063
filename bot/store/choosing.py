"""Which exchanges are meant, as a condition on `exchanges e` of a world's file."""

from dataclasses import dataclass
from typing import Literal

from bot.store.records import DISCORD_EPOCH

Feedback = Literal["up", "down", "any", "none"]

ASKED_AT = f"(e.id >> 22) + {DISCORD_EPOCH} + e.asked_after"
"""When the model was asked, of `exchanges e`."""

VOTES = {
    "up": "e.id IN (SELECT exchange_id FROM votes WHERE exchange_id IS NOT NULL AND value > 0)",
    "down": "e.id IN (SELECT exchange_id FROM votes WHERE exchange_id IS NOT NULL AND value < 0)",
    "any": "e.id IN (SELECT exchange_id FROM votes WHERE exchange_id IS NOT NULL)",
    "none": "NOT EXISTS (SELECT 1 FROM votes v WHERE v.exchange_id = e.id)",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What all of the meant exchanges have in common; what is None does not matter.

    `since` (included) and `until` (not included) are times in milliseconds, `before` is an id.
    `feedback`: at least one thumbs-up, at least one thumbs-down, any vote at all, or none.
    """

    since: int | None = None
    until: int | None = None
    before: int | None = None
    room_id: int | None = None
    user_id: int | None = None
    purpose: str | None = None
    feedback: Feedback | None = None

    def where(self) -> tuple[str, list[int | str]]:
        """The condition in SQL, and its values in order."""
        conditions: dict[str, int | str | None] = {
            f"{ASKED_AT} >= ?": self.since,
            f"{ASKED_AT} < ?": self.until,
            "e.id < ?": self.before,
            "e.room_id = ?": self.room_id,
            "e.user_id = ?": self.user_id,
            "e.source IN (SELECT id FROM sources WHERE model_type = ?)": self.purpose,
        }
        used = {text: value for text, value in conditions.items() if value is not None}
        texts = [*used, *([VOTES[self.feedback]] if self.feedback else [])]
        return " AND ".join(texts) or "1", list(used.values())
