"""Reading what somebody wrote: values with the path to them, so that an error can say where."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class Wrong(Exception):  # noqa: N818 - it says what somebody wrote
    """A value that makes no sense where it is."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{shown(path)}: {what}")
        self.path = path
        self.what = what


def shown(path: Path) -> str:
    """A path as people write it: guilds[0].channels[1].name."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file and the path to it. Methods raise `Wrong`."""

    value: Any
    path: Path = ()

    def wrong(self, what: str) -> Wrong:
        return Wrong(self.path, what)

    def only(self, *known: str) -> "Node":
        """Itself, if it is an object without other fields than these."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be an object with {', '.join(known)}")
        for key in self.value:
            if key not in known:
                fields = ", ".join(known)
                raise Wrong((*self.path, key), f"unknown field; there are {fields}")
        return self

    def named(self, *known: str) -> "Node":
        """An object that has a name; a text alone is the name."""
        if isinstance(self.value, str):
            return Node({"name": self.value}, self.path)
        self.only(*known)
        self.text("name")
        return self

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def at(self, key: str) -> "Node":
        return Node(self.value.get(key), (*self.path, key))

    def text(self, key: str, default: str | None = None) -> str:
        found = self.at(key)
        if found.value is None and default is not None:
            return default
        if not isinstance(found.value, str) or not found.value.strip():
            raise found.wrong("must be a text")
        return found.value

    def flag(self, key: str, *, default: bool) -> bool:
        found = self.at(key)
        if found.value is None:
            return default
        if not isinstance(found.value, bool):
            raise found.wrong("must be true or false")
        return found.value

    def number(self, key: str, default: int, low: int, high: int) -> int:
        found = self.at(key)
        return default if found.value is None else found.as_number(low, high)

    def as_number(self, low: int, high: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("must be a whole number")
        if not low <= self.value <= high:
            raise self.wrong(f"must be between {low} and {high}")
        return self.value

    def items(self, key: str) -> Iterator["Node"]:
        """The items of a list that may be left out."""
        found = self.at(key)
        if found.value is None:
            return
        if not isinstance(found.value, list):
            raise found.wrong("must be a list")
        for index, value in enumerate(found.value):
            yield Node(value, (*found.path, index))
