"""Components of messages and modals: what Discord takes, and how it shows what it took.

Source: https://discord.com/developers/docs/components/reference
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import count
from types import MappingProxyType

from bot.harness.component_forms import MESSAGE_FORMS, MESSAGE_FORMS_V2, MODAL_FORMS
from bot.harness.forms import ByType, ListOf, Path, Problem, refuse
from bot.harness.model import JsonObject

ROWS_LIMIT = 5
COMPONENTS_LIMIT = 40
TEXT_LIMIT = 4000


class Type(IntEnum):
    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


LINK, PREMIUM = 5, 6
SELECTS = (
    Type.STRING_SELECT,
    Type.USER_SELECT,
    Type.ROLE_SELECT,
    Type.MENTIONABLE_SELECT,
    Type.CHANNEL_SELECT,
)

Placed = tuple[JsonObject, Path]


def checked(given: object, *, v2: bool, new_id: Callable[[], int]) -> list[JsonObject]:
    """The components of a message body as they are shown, each with an `id`.

    `v2` is whether the message has the flag IS_COMPONENTS_V2; `new_id` names media. Raises 50035.
    """
    if given is None:
        return []
    path: Path = ("components",)
    forms = MESSAGE_FORMS_V2 if v2 else MESSAGE_FORMS
    refuse(ListOf(ByType(forms), 0, COMPONENTS_LIMIT if v2 else ROWS_LIMIT).problems(given, path))
    tree = given if isinstance(given, list) else []
    refuse(_of_message(tree, path, v2=v2))
    return _numbered(tree, new_id)


def checked_modal(given: object, path: Path, new_id: Callable[[], int]) -> list[JsonObject]:
    """The components of a modal as they are shown. Raises 50035."""
    refuse(ListOf(ByType(MODAL_FORMS), 1, COMPONENTS_LIMIT).problems(given, path))
    tree = given if isinstance(given, list) else []
    refuse(_of_custom_ids(list(_all(tree, path))))
    return _numbered(tree, new_id)


def has_v2(components: list[JsonObject]) -> bool:
    """Whether some of these are only shown in a message with IS_COMPONENTS_V2."""
    return any(component["type"] != Type.ACTION_ROW for component in components)


def find(components: list[JsonObject], custom_id: object) -> JsonObject | None:
    """The component with a custom id, however deep it is."""
    for component, _ in _all(components, ()):
        if custom_id is not None and component.get("custom_id") == custom_id:
            return component
    return None


def _all(components: list[JsonObject], path: Path) -> Iterator[Placed]:
    """Every component with its place, outer ones first."""
    for index, component in enumerate(components):
        yield from _with_inner(component, (*path, str(index)))


def _with_inner(component: JsonObject, path: Path) -> Iterator[Placed]:
    yield component, path
    yield from _all(component.get("components") or [], (*path, "components"))
    for name in ("accessory", "component"):
        if component.get(name) is not None:
            yield from _with_inner(component[name], (*path, name))


def _of_message(tree: list[JsonObject], path: Path, *, v2: bool) -> Iterator[Problem]:
    every = list(_all(tree, path))
    if v2 and len(every) > COMPONENTS_LIMIT:
        message = f"A message can have at most {COMPONENTS_LIMIT} components."
        yield Problem(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    text = sum(len(c["content"]) for c, _ in every if c["type"] == Type.TEXT_DISPLAY)
    if text > TEXT_LIMIT:
        message = f"Text of all components must be {TEXT_LIMIT} or fewer in length."
        yield Problem(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)
    for component, here in every:
        if component["type"] == Type.ACTION_ROW:
            yield from _of_row(component, here)
        elif component["type"] == Type.BUTTON:
            yield from _of_button(component, here)
        elif component["type"] in SELECTS:
            yield from _of_select(component, here)
    yield from _of_custom_ids(every)


def _of_row(row: JsonObject, path: Path) -> Iterator[Problem]:
    kinds = [part["type"] for part in row["components"]]
    if len(kinds) > 1 and any(kind != Type.BUTTON for kind in kinds):
        message = "The specified component exceeds the maximum width"
        yield Problem((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


def _of_button(button: JsonObject, path: Path) -> Iterator[Problem]:
    style = button["style"]
    if style == PREMIUM:
        return
    if style == LINK:
        if button.get("custom_id") is not None:
            message = "A custom id and url cannot both be specified"
            yield Problem((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_URL", message)
        if not button.get("url"):
            yield Problem((*path, "url"), "BASE_TYPE_REQUIRED", "A url is required")
    elif not button.get("custom_id"):
        message = "A custom id is required"
        yield Problem((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", message)
    if not button.get("label") and not button.get("emoji"):
        message = "A label or emoji is required"
        yield Problem((*path, "label"), "BUTTON_COMPONENT_INVALID_LABEL", message)


def _of_select(select: JsonObject, path: Path) -> Iterator[Problem]:
    low = 1 if select.get("min_values") is None else select["min_values"]
    high = 1 if select.get("max_values") is None else select["max_values"]
    if low > high:
        message = "min_values must be no more than max_values"
        yield Problem((*path, "min_values"), "SELECT_COMPONENT_INVALID_RANGE", message)
    if select["type"] != Type.STRING_SELECT:
        return
    if high > len(select["options"]):
        message = "max_values must be no more than the number of options"
        yield Problem((*path, "max_values"), "SELECT_COMPONENT_INVALID_RANGE", message)
    seen: set[str] = set()
    for index, option in enumerate(select["options"]):
        if option["value"] in seen:
            place = (*path, "options", str(index), "value")
            message = "The specified option value is already used"
            yield Problem(place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        seen.add(option["value"])


def _of_custom_ids(every: list[Placed]) -> Iterator[Problem]:
    seen: set[str] = set()
    numbers: set[int] = set()
    for component, path in every:
        custom_id, number = component.get("custom_id"), component.get("id")
        if custom_id is not None and custom_id in seen:
            message = "Component custom id cannot be duplicated"
            yield Problem((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        if number and number in numbers:
            message = "Component id cannot be duplicated"
            yield Problem((*path, "id"), "COMPONENT_ID_DUPLICATED", message)
        seen |= {custom_id} if custom_id is not None else set()
        numbers |= {number} if number else set()


def _numbered(tree: list[JsonObject], new_id: Callable[[], int]) -> list[JsonObject]:
    taken = {component["id"] for component, _ in _all(tree, ()) if component.get("id")}
    numbers = (number for number in count(1) if number not in taken)
    return [_shown(component, numbers, new_id) for component in tree]


_DEFAULTS: "MappingProxyType[int, JsonObject]" = MappingProxyType(
    {
        Type.SEPARATOR: {"spacing": 1, "divider": True},
        Type.CONTAINER: {"accent_color": None, "spoiler": False},
        Type.THUMBNAIL: {"description": None, "spoiler": False},
        Type.FILE: {"spoiler": False, "name": None, "size": None},
        **{kind: {"min_values": 1, "max_values": 1} for kind in SELECTS},
    }
)


def _shown(component: JsonObject, numbers: Iterator[int], new_id: Callable[[], int]) -> JsonObject:
    present = {key: value for key, value in component.items() if value is not None}
    number = present.get("id") or next(numbers)
    shown = _DEFAULTS.get(component["type"], {}) | present | {"id": number}
    if "components" in shown:
        shown["components"] = [_shown(part, numbers, new_id) for part in shown["components"]]
    for name in ("accessory", "component"):
        if name in shown:
            shown[name] = _shown(shown[name], numbers, new_id)
    for name in ("media", "file"):
        if name in shown:
            shown[name] = _media(shown[name], new_id)
    if "items" in shown:
        shown["items"] = [
            {"description": item.get("description"), "spoiler": bool(item.get("spoiler"))}
            | {"media": _media(item["media"], new_id)}
            for item in shown["items"]
        ]
    if component["type"] == Type.STRING_SELECT:
        shown["options"] = [
            {key: value for key, value in option.items() if value is not None}
            for option in shown["options"]
        ]
    return shown


def _media(given: JsonObject, new_id: Callable[[], int]) -> JsonObject:
    return {"id": str(new_id()), "url": given["url"], "proxy_url": given["url"]}
