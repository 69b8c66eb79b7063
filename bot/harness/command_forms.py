"""What an application command must look like.

Source: https://discord.com/developers/docs/interactions/application-commands
"""

import re
from collections.abc import Iterator

from bot.harness.forms import (
    Anything,
    Choice,
    Flag,
    Form,
    Kind,
    ListOf,
    Number,
    Path,
    Problem,
    Text,
    refuse,
)
from bot.harness.model import JsonObject

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER_OPTION, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)

_OPTIONS_LIMIT = 25
_CHARACTERS_LIMIT = 8000
_NAME = re.compile(r"^[-_'\w]{1,32}$")
_CHOICE = Form({"name": Text(1, 100), "value": Anything()}, frozenset({"name", "value"}))
_OPTION_FIELDS: dict[str, Kind] = {
    "type": Choice(tuple(range(1, 12))),
    "name": Text(1, 32),
    "description": Text(1, 100),
    "required": Flag(),
    "autocomplete": Flag(),
    "choices": ListOf(_CHOICE, 0, _OPTIONS_LIMIT),
    "channel_types": ListOf(Number(0)),
    "min_length": Number(0, 6000),
    "max_length": Number(1, 6000),
    "min_value": Number(fraction=True),
    "max_value": Number(fraction=True),
}
_NEEDED = frozenset({"type", "name", "description"})
_LEAF = Form(_OPTION_FIELDS, _NEEDED)
_SUB = Form({**_OPTION_FIELDS, "options": ListOf(_LEAF, 0, _OPTIONS_LIMIT)}, _NEEDED)
_OPTION = Form({**_OPTION_FIELDS, "options": ListOf(_SUB, 0, _OPTIONS_LIMIT)}, _NEEDED)
_COMMAND = Form(
    {
        "type": Choice((CHAT_INPUT, USER, MESSAGE)),
        "name": Text(1, 32),
        "description": Text(0, 100),
        "options": ListOf(_OPTION, 0, _OPTIONS_LIMIT),
        "default_member_permissions": Number(0),
        "dm_permission": Flag(),
        "nsfw": Flag(),
        "contexts": ListOf(Choice((0, 1, 2))),
        "integration_types": ListOf(Choice((0, 1))),
    },
    frozenset({"name"}),
)


def check_command(spec: object, path: Path = ()) -> None:
    """Raises 50035 for what is no command."""
    refuse(_COMMAND.problems(spec, path))
    if isinstance(spec, dict):
        refuse(_of_command(spec, path))


def _of_command(spec: JsonObject, path: Path) -> Iterator[Problem]:
    options = spec.get("options") or []
    if int(spec.get("type") or CHAT_INPUT) != CHAT_INPUT:
        if options:
            message = "Context menu commands cannot have options"
            yield Problem((*path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        if spec.get("description"):
            message = "Context menu commands cannot have description"
            name = "APPLICATION_COMMAND_DESCRIPTION_INVALID"
            yield Problem((*path, "description"), name, message)
        return
    yield from _of_name(spec["name"], path)
    if not spec.get("description"):
        yield Problem((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
    yield from _of_options(options, (*path, "options"), depth=0)
    if _length(spec) > _CHARACTERS_LIMIT:
        message = f"Command exceeds maximum size ({_CHARACTERS_LIMIT})"
        yield Problem(path or ("name",), "APPLICATION_COMMAND_TOO_LARGE", message)


def _of_name(name: str, path: Path) -> Iterator[Problem]:
    if not _NAME.match(name) or name != name.lower():
        message = "Command name is invalid"
        yield Problem((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", message)


def _of_options(options: list[JsonObject], path: Path, *, depth: int) -> Iterator[Problem]:
    seen: set[str] = set()
    optional_seen = False
    for index, option in enumerate(options):
        here = (*path, str(index))
        yield from _of_name(option["name"], here)
        if option["name"] in seen:
            message = "Application command options names must be unique"
            yield Problem(here, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message)
        seen.add(option["name"])
        is_sub = option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)
        if is_sub and depth + (option["type"] == SUBCOMMAND_GROUP) > 1:
            message = "Sub-command groups cannot be nested"
            yield Problem((*here, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            yield Problem(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen |= not option.get("required") and not is_sub
        if option.get("autocomplete") and option.get("choices"):
            message = "Autocomplete options cannot have choices"
            yield Problem(here, "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES_INVALID", message)
        yield from _of_choices(option, here)
        yield from _of_options(option.get("options") or [], (*here, "options"), depth=depth + 1)


def _of_choices(option: JsonObject, path: Path) -> Iterator[Problem]:
    kinds: dict[int, Kind] = {
        STRING: Text(1, 100),
        INTEGER: Number(),
        NUMBER: Number(fraction=True),
    }
    seen: set[str] = set()
    for index, choice in enumerate(option.get("choices") or ()):
        here = (*path, "choices", str(index))
        if option["type"] in kinds:
            yield from kinds[option["type"]].problems(choice["value"], (*here, "value"))
        if choice["name"] in seen:
            message = "Application command option choice names must be unique"
            yield Problem(here, "APPLICATION_COMMAND_OPTIONS_CHOICES_NAME_INVALID", message)
        seen.add(choice["name"])


def _length(spec: JsonObject) -> int:
    total = len(spec["name"]) + len(spec.get("description") or "")
    for choice in spec.get("choices") or ():
        total += len(choice["name"]) + len(str(choice["value"]))
    return total + sum(map(_length, spec.get("options") or ()))
