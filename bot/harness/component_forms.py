"""The form of each kind of component, by its type, in messages and in modals.

Source: https://discord.com/developers/docs/components/reference
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.harness.forms import ByType, Choice, Flag, Form, Id, Kind, ListOf, Number, Text

_ID = Number(0)
_CUSTOM_ID = Text(1, 100)
_EMOJI = Form({"id": Id(), "name": Text(0, 32)})
_MEDIA = Form({"url": Text(1, 2048)}, frozenset({"url"}))

_BUTTON = Form(
    {
        "id": _ID,
        "style": Choice((1, 2, 3, 4, 5, 6)),
        "custom_id": _CUSTOM_ID,
        "label": Text(0, 80),
        "url": Text(0, 512),
        "sku_id": Id(),
        "emoji": _EMOJI,
        "disabled": Flag(),
    },
    frozenset({"style"}),
)
_SELECT: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "id": _ID,
        "custom_id": _CUSTOM_ID,
        "placeholder": Text(0, 150),
        "min_values": Number(0, 25),
        "max_values": Number(1, 25),
        "disabled": Flag(),
        "required": Flag(),
    }
)
_OPTION = Form(
    {
        "label": Text(1, 100),
        "value": Text(1, 100),
        "description": Text(0, 100),
        "default": Flag(),
        "emoji": _EMOJI,
    },
    frozenset({"label", "value"}),
)


def _defaults(*kinds: str) -> ListOf:
    form = Form({"id": Id(), "type": Choice(kinds)}, frozenset({"id", "type"}))
    return ListOf(form, 0, 25)


def _select(**more: Kind) -> Form:
    return Form({**_SELECT, **more}, frozenset({"custom_id"}))


_SELECTS: Mapping[int, Kind] = {
    3: Form({**_SELECT, "options": ListOf(_OPTION, 1, 25)}, frozenset({"custom_id", "options"})),
    5: _select(default_values=_defaults("user")),
    6: _select(default_values=_defaults("role")),
    7: _select(default_values=_defaults("user", "role")),
    8: _select(default_values=_defaults("channel"), channel_types=ListOf(Number(0))),
}
_ROW = Form(
    {"id": _ID, "components": ListOf(ByType({2: _BUTTON, **_SELECTS}), 1, 5)},
    frozenset({"components"}),
)
_TEXT = Form({"id": _ID, "content": Text(1, 4000)}, frozenset({"content"}))
_THUMBNAIL = Form(
    {"id": _ID, "media": _MEDIA, "description": Text(1, 1024), "spoiler": Flag()},
    frozenset({"media"}),
)
_SECTION = Form(
    {
        "id": _ID,
        "components": ListOf(ByType({10: _TEXT}), 1, 3),
        "accessory": ByType({2: _BUTTON, 11: _THUMBNAIL}),
    },
    frozenset({"components", "accessory"}),
)
_GALLERY_ITEM = Form(
    {"media": _MEDIA, "description": Text(1, 1024), "spoiler": Flag()}, frozenset({"media"})
)
_GALLERY = Form({"id": _ID, "items": ListOf(_GALLERY_ITEM, 1, 10)}, frozenset({"items"}))
_FILE = Form({"id": _ID, "file": _MEDIA, "spoiler": Flag()}, frozenset({"file"}))
_SEPARATOR = Form({"id": _ID, "spacing": Choice((1, 2)), "divider": Flag()})
_LAYOUT: Mapping[int, Kind] = {
    1: _ROW,
    9: _SECTION,
    10: _TEXT,
    12: _GALLERY,
    13: _FILE,
    14: _SEPARATOR,
}
_CONTAINER = Form(
    {
        "id": _ID,
        "components": ListOf(ByType(_LAYOUT), 1, 40),
        "accent_color": Number(0, 0xFFFFFF),
        "spoiler": Flag(),
    },
    frozenset({"components"}),
)

MESSAGE_FORMS: Mapping[int, Kind] = MappingProxyType({1: _ROW})
MESSAGE_FORMS_V2: Mapping[int, Kind] = MappingProxyType({**_LAYOUT, 17: _CONTAINER})

_INPUT = Form(
    {
        "id": _ID,
        "custom_id": _CUSTOM_ID,
        "style": Choice((1, 2)),
        "label": Text(1, 45),
        "value": Text(0, 4000),
        "placeholder": Text(0, 100),
        "min_length": Number(0, 4000),
        "max_length": Number(1, 4000),
        "required": Flag(),
    },
    frozenset({"custom_id", "style"}),
)
_BOXES: Mapping[str, Kind] = {
    "id": _ID,
    "custom_id": _CUSTOM_ID,
    "required": Flag(),
    "min_values": Number(0, 10),
    "max_values": Number(1, 10),
}
_UPLOAD = Form(_BOXES, frozenset({"custom_id"}))
_RADIO = Form({**_BOXES, "options": ListOf(_OPTION, 2, 10)}, frozenset({"custom_id", "options"}))
_CHECKBOXES = Form(
    {**_BOXES, "options": ListOf(_OPTION, 1, 10)}, frozenset({"custom_id", "options"})
)
_CHECKBOX = Form({"id": _ID, "custom_id": _CUSTOM_ID, "default": Flag()}, frozenset({"custom_id"}))
_LABEL = Form(
    {
        "id": _ID,
        "label": Text(1, 45),
        "description": Text(1, 100),
        "component": ByType(
            {4: _INPUT, **_SELECTS, 19: _UPLOAD, 21: _RADIO, 22: _CHECKBOXES, 23: _CHECKBOX}
        ),
    },
    frozenset({"label", "component"}),
)

MODAL_FORMS: Mapping[int, Kind] = MappingProxyType(
    {
        1: Form(
            {"id": _ID, "components": ListOf(ByType({4: _INPUT}), 1, 5)}, frozenset({"components"})
        ),
        10: _TEXT,
        18: _LABEL,
    }
)
