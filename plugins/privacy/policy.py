"""What a server has set: who is recorded, and for how long."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from bot.store.problems import StoreError

LONGEST_DAYS = 3650


class Mode(StrEnum):
    """Who is recorded: all who were told and did not object, or those who agreed."""

    NOTICE = "notice"
    OPT_IN = "opt-in"


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """`retention_days` is how long an exchange is kept that nobody rated; 0: for ever."""

    mode: Mode = Mode.NOTICE
    retention_days: int = 30

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - what the store gives back
        """As they were kept. Raises StoreError when they make no sense."""
        if value is None:
            return cls()
        try:
            days = int(value["retention_days"])
            if not 0 <= days <= LONGEST_DAYS:
                raise ValueError
            return cls(Mode(value["mode"]), days)
        except (TypeError, LookupError, ValueError):
            raise StoreError("The setting 'privacy' is kept, and makes no sense.") from None

    def to_json(self) -> dict[str, object]:
        """As they are kept."""
        return {"mode": self.mode.value, "retention_days": self.retention_days}
