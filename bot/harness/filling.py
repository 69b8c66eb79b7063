"""What a person does with the components they are shown: finds one, and fills a form of them."""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from bot.harness.model import JsonObject

Filling: TypeAlias = str | bool | list[str]


def component_of(message: Mapping[str, Any], which: str) -> JsonObject:
    """The component of a label or custom_id, however deep. Raises LookupError if there is none."""
    pending = list(message.get("components") or ())
    labels = []
    while pending:
        component = pending.pop(0)
        if component.get("custom_id") is not None:
            if which in (component["custom_id"], component.get("label")):
                return cast("JsonObject", component)
            labels.append(component.get("label") or component["custom_id"])
        pending += component.get("components") or ()
        pending += [component["accessory"]] if component.get("accessory") else []
    raise LookupError(f"no component {which!r} here; there are {labels}")


def filled(component: JsonObject, values: Mapping[str, Filling]) -> JsonObject:
    """A component of a modal as a client sends it back, with the values for its custom ids."""
    told: JsonObject = {"type": component["type"], "id": component.get("id")}
    if component.get("custom_id") is not None:
        told["custom_id"] = component["custom_id"]
        value = values.get(component["custom_id"], component.get("value") or "")
        told["values" if isinstance(value, list) else "value"] = value
    if "components" in component:
        told["components"] = [filled(part, values) for part in component["components"]]
    if "component" in component:
        told["component"] = filled(component["component"], values)
    return told
