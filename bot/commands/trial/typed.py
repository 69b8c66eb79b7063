"""A slash command as people type it: `/agent mode channel:#general mode:always`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SLASH = 1
SUBCOMMAND, GROUP = 1, 2
INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER = 4, 5, 6, 7, 8, 9, 10
THINGS = {USER: "@name", CHANNEL: "#name", ROLE: "@name", MENTIONABLE: "@name"}
FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
QUOTES = {'"': '"', "“": "”"}


class TypedError(LookupError):
    """What was typed is no use of a command; the message is for who typed it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A command by its full name, with its options as Discord takes them."""

    name: str
    options: Mapping[str, object]


def read(text: str, commands: Sequence[Mapping[str, Any]], ids: Mapping[str, str]) -> Use:
    """The use of one of these commands (as Discord lists them) that a line says.

    Options are `name:value`, also quoted; where there is only one, its name may be left out.
    `ids` are those of people, roles and channels by "@name" and "#name". Raises TypedError.
    """
    typed = text.removeprefix("/").strip()
    known = dict(sorted(ends_of(commands).items(), key=lambda item: -len(item[0])))
    for name, end in known.items():
        if typed == name or typed.startswith(f"{name} "):
            given = values_of(name, end, typed.removeprefix(name).strip())
            return Use(name, {key: taken(end, key, given[key], ids) for key in given})
    raise TypedError(unknown(typed, known))


def ends_of(commands: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The slash commands by their full names: subcommands, or themselves without any."""
    found: dict[str, Mapping[str, Any]] = {}
    for command in commands:
        if command.get("type", SLASH) == SLASH:
            found |= branches_of(command, command["name"])
    return found


def branches_of(command: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """The ends of one command, by their full names."""
    inner = [o for o in command.get("options") or () if o["type"] in (SUBCOMMAND, GROUP)]
    if not inner:
        return {name: command}
    found: dict[str, Mapping[str, Any]] = {}
    for option in inner:
        found |= branches_of(option, f"{name} {option['name']}")
    return found


def values_of(name: str, end: Mapping[str, Any], rest: str) -> dict[str, str]:
    """What is given for which option, as it was typed."""
    specs = list(end.get("options") or ())
    if rest and not specs:
        raise TypedError(f"/{name} takes nothing after it.")
    marker = re.compile(rf"({'|'.join(re.escape(o['name']) for o in specs) or '(?!)'}):\s*")
    if len(specs) == 1 and rest and not marker.match(rest):
        return {specs[0]["name"]: unquoted(rest)}
    given: dict[str, str] = {}
    while rest:
        found = marker.match(rest)
        if found is None:
            raise TypedError(f"What is {rest.split()[0]!r}? It goes {form_of(name, end)}")
        if found[1] in given:
            raise TypedError(f"{found[1]} is there twice: it goes {form_of(name, end)}")
        value, rest = first_value(rest[found.end() :], marker)
        given[found[1]] = value
    missing = [o["name"] for o in specs if o.get("required") and o["name"] not in given]
    if missing:
        raise TypedError(f"{' and '.join(missing)} missing: it goes {form_of(name, end)}")
    return given


def first_value(text: str, marker: re.Pattern[str]) -> tuple[str, str]:
    """A value, quoted or up to the next option, and what follows it."""
    end = QUOTES.get(text[:1])
    if end is not None and (close := text.find(end, 1)) > 0:
        return text[1:close], text[close + 1 :].lstrip()
    following = re.search(rf"\s(?={marker.pattern})", text)
    if following is None:
        return text.strip(), ""
    return text[: following.start()].strip(), text[following.end() :].lstrip()


def unquoted(text: str) -> str:
    """A text without the quotes that are around all of it."""
    return text[1:-1] if len(text) > 1 and QUOTES.get(text[0]) == text[-1] else text


def taken(end: Mapping[str, Any], name: str, text: str, ids: Mapping[str, str]) -> object:
    """The value of an option as Discord takes it."""
    spec = next(option for option in end["options"] if option["name"] == name)
    for choice in spec.get("choices") or ():
        if text.casefold() in (choice["name"].casefold(), str(choice["value"]).casefold()):
            return choice["value"]
    kind = spec["type"]
    if spec.get("choices"):
        one_of = ", ".join(choice["name"] for choice in spec["choices"])
        raise TypedError(f"{name} is one of {one_of}, not {text!r}.")
    if kind in THINGS:
        return thing(name, kind, text, ids)
    if kind == BOOLEAN:
        if text.casefold() not in FLAGS:
            raise TypedError(f"{name} is yes or no, not {text!r}.")
        return FLAGS[text.casefold()]
    if kind in (INTEGER, NUMBER):
        try:
            return int(text) if kind == INTEGER else float(text)
        except ValueError:
            raise TypedError(f"{name} is a number, not {text!r}.") from None
    return text


def thing(name: str, kind: int, text: str, ids: Mapping[str, str]) -> str:
    """The id of a person, role or channel."""
    sign = THINGS[kind][0]
    if text.isdecimal():
        return text
    found = ids.get(sign + text.removeprefix(sign).lower())
    if found is None:
        known = ", ".join(key for key in ids if key.startswith(sign))
        raise TypedError(f"{name} is one of {known}, not {text!r}.")
    return found


def form_of(name: str, end: Mapping[str, Any]) -> str:
    """How a command is typed, with its options; those in brackets may be left out."""
    options = [
        f"{o['name']}:{THINGS.get(o['type'], '…')}"
        if o.get("required")
        else f"[{o['name']}:{THINGS.get(o['type'], '…')}]"
        for o in end.get("options") or ()
    ]
    return " ".join([f"/{name}", *options])


def unknown(typed: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    """That there is no such command, and which there are: of that group, if it is one."""
    first = typed.split(" ")[0]
    fitting = {name: end for name, end in known.items() if name.split(" ")[0] == first} or known
    lines = [f"  {form_of(name, fitting[name])}" for name in sorted(fitting)]
    begin = f"There is no command /{typed}. " if typed else ""
    return "\n".join([f"{begin}There is:", *lines])
