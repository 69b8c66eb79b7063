"""What a request body must look like, as values; and what Discord says of one that does not.

All that is wrong with a body is told at once, as code 50035 with nested `errors`.

Source: https://discord.com/developers/docs/reference#error-messages
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from bot.harness.errors import Code, DiscordError
from bot.harness.model import JsonObject

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, Discord's name for it, and a sentence."""

    path: Path
    code: str
    message: str


class Kind(Protocol):
    """What a value may be. `problems` gets a value that is there and not null."""

    def problems(self, value: object, path: Path) -> Iterator[Problem]: ...


def check(kind: Kind, value: object, path: Path = ()) -> None:
    """Raises 50035 with everything that is wrong with a value."""
    refuse(kind.problems(value, path))


def refuse(problems: Iterator[Problem]) -> None:
    """Raises 50035 if there are problems."""
    found = list(problems)
    if not found:
        return
    error = DiscordError(Code.INVALID_FORM)
    nested: JsonObject = {}
    for problem in found:
        place = nested
        for key in problem.path:
            place = place.setdefault(key, {})
        told = {"code": problem.code, "message": problem.message}
        place.setdefault("_errors", []).append(told)
    # Discord's `errors` are either of fields or of the whole, never both in one object.
    error.body["errors"] = _without_mixtures(nested)
    raise error


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `low` to `high` characters."""

    low: int = 0
    high: int = 1_000_000

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if not isinstance(value, str):
            message = f'Could not interpret "{value}" as string.'
            yield Problem(path, "STRING_TYPE_CONVERT", message)
        else:
            yield from _of_length(len(value), self.low, self.high, path)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or digits in a string; whole unless `fraction`."""

    low: float | None = None
    high: float | None = None
    fraction: bool = False

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        name = "float" if self.fraction else "int"
        number = _number(value, fraction=self.fraction)
        if number is None:
            yield Problem(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not {name}.')
        elif self.low is not None and number < self.low:
            message = f"{name} value should be greater than or equal to {self.low}."
            yield Problem(path, "NUMBER_TYPE_MIN", message)
        elif self.high is not None and number > self.high:
            message = f"{name} value should be less than or equal to {self.high}."
            yield Problem(path, "NUMBER_TYPE_MAX", message)


@dataclass(frozen=True, slots=True)
class Flag:
    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield Problem(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


@dataclass(frozen=True, slots=True)
class Id:
    """A snowflake, as a string or a number."""

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            yield Problem(path, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')


@dataclass(frozen=True, slots=True)
class Time:
    """A moment in ISO 8601."""

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            message = f"Could not parse {value}. Should be ISO8601."
            yield Problem(path, "DATE_TIME_TYPE_PARSE", message)


@dataclass(frozen=True, slots=True)
class Choice:
    allowed: tuple[object, ...]

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if isinstance(value, bool) or value not in self.allowed:
            among = ", ".join(map(str, self.allowed))
            yield Problem(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{among}}}.")


@dataclass(frozen=True, slots=True)
class Anything:
    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        yield from ()


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Kind
    low: int = 0
    high: int = 1_000_000

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if not isinstance(value, list):
            message = "Only iterables may be used in a ListType"
            yield Problem(path, "LIST_TYPE_CONVERT", message)
            return
        yield from _of_length(len(value), self.low, self.high, path)
        for index, item in enumerate(value):
            here = (*path, str(index))
            if item is None:
                yield _missing(here)
            else:
                yield from self.item.problems(item, here)


@dataclass(frozen=True, slots=True)
class Form:
    """An object. Fields that are not `required` may be null; ones that are unknown are ignored."""

    fields: Mapping[str, Kind]
    required: frozenset[str] = frozenset()

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if not isinstance(value, dict):
            message = "Only dictionaries may be used in a DictType"
            yield Problem(path, "DICT_TYPE_CONVERT", message)
            return
        for name, kind in self.fields.items():
            given = value.get(name)
            if given is not None:
                yield from kind.problems(given, (*path, name))
            elif name in self.required:
                yield _missing((*path, name))


@dataclass(frozen=True, slots=True)
class ByType:
    """An object whose field `type` says which form it has to have."""

    forms: Mapping[int, Kind] = field(default_factory=lambda: MappingProxyType({}))

    def problems(self, value: object, path: Path) -> Iterator[Problem]:
        if not isinstance(value, dict):
            message = "Only dictionaries may be used in a DictType"
            yield Problem(path, "DICT_TYPE_CONVERT", message)
            return
        kind = value.get("type")
        if kind is None:
            yield _missing((*path, "type"))
        elif isinstance(kind, int) and kind in self.forms:
            yield from self.forms[kind].problems(value, path)
        else:
            message = f'Value of field "type" must be one of {tuple(self.forms)}.'
            yield Problem((*path, "type"), "UNION_TYPE_CHOICES", message)


def _number(value: object, *, fraction: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value) if fraction else int(value)
    except ValueError:
        return None


def _of_length(length: int, low: int, high: int, path: Path) -> Iterator[Problem]:
    if low <= length <= high:
        return
    if low == 0:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
    else:
        message = f"Must be between {low} and {high} in length."
        yield Problem(path, "BASE_TYPE_BAD_LENGTH", message)


def _missing(path: Path) -> Problem:
    return Problem(path, "BASE_TYPE_REQUIRED", "This field is required")


def _without_mixtures(node: JsonObject) -> JsonObject:
    if "_errors" in node:
        return {"_errors": node["_errors"]}
    return {key: _without_mixtures(inner) for key, inner in node.items()}
