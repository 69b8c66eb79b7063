"""Who may do what: the few rights that actions ask for, and the person who asks."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """A right that an action can require, by Discord's name for it."""

    MANAGE_GUILD = "Manage Server"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a message or a command comes from. In a direct message, one is one's own admin."""

    id: int
    name: str
    permissions: frozenset[Permission] = frozenset()

    def may(self, permission: Permission | None) -> bool:
        """Whether this person has the right; nobody needs one where it is None."""
        return permission is None or permission in self.permissions
