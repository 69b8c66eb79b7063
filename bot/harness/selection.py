"""A person's use of a component or a modal, checked and completed as Discord does it.

Source: https://discord.com/developers/docs/components/reference
"""

from bot.harness import components, errors
from bot.harness.call import Call
from bot.harness.components import Type
from bot.harness.drafts import new_attachment
from bot.harness.errors import DiscordError
from bot.harness.model import Channel, JsonObject
from bot.harness.resolved import Resolved

_TEXT_LIMIT = 4000


def component_data(
    call: Call, channel: Channel, shown: list[JsonObject], given: JsonObject
) -> JsonObject:
    """The data that an application receives for a pressed button or a made selection.

    `shown` are the components of the message. Raises 50035 for what cannot be pressed or chosen.
    """
    component = components.find(shown, given.get("custom_id"))
    if component is None or component.get("disabled"):
        raise _invalid("data.custom_id")
    data: JsonObject = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if component["type"] == Type.BUTTON:
        return data
    resolved = Resolved(call.world, channel, call.user)
    data["values"] = _values(component, given, resolved, "data.values")
    if resolved.data:
        data["resolved"] = resolved.data
    return data


def modal_data(
    call: Call, channel: Channel, modal: JsonObject | None, given: JsonObject
) -> JsonObject:
    """The data that an application receives for a modal that was filled.

    `modal` is what was opened; without it, what was filled is taken as it is.
    """
    filled = given.get("components") or []
    data: JsonObject = {"custom_id": given.get("custom_id"), "components": filled}
    if modal is None:
        return data
    resolved = Resolved(call.world, channel, call.user)
    data["custom_id"] = modal["custom_id"]
    data["components"] = [_filled(call, part, filled, resolved) for part in modal["components"]]
    if resolved.data:
        data["resolved"] = resolved.data
    return data


def _filled(
    call: Call, shown: JsonObject, filled: list[JsonObject], resolved: Resolved
) -> JsonObject:
    data: JsonObject = {"type": shown["type"], "id": shown["id"]}
    if "component" in shown:
        data["component"] = _filled(call, shown["component"], filled, resolved)
    elif "components" in shown:
        data["components"] = [_filled(call, p, filled, resolved) for p in shown["components"]]
    elif "custom_id" in shown:
        data["custom_id"] = shown["custom_id"]
        given = components.find(filled, shown["custom_id"]) or {}
        data |= _answer(call, shown, given, resolved)
    return data


def _answer(call: Call, shown: JsonObject, given: JsonObject, resolved: Resolved) -> JsonObject:
    path = f"data.components.{shown['custom_id']}"
    match shown["type"]:
        case Type.TEXT_INPUT:
            return {"value": _text(shown, str(given.get("value") or ""), f"{path}.value")}
        case Type.CHECKBOX:
            return {"value": bool(given.get("value"))}
        case Type.RADIO_GROUP:
            value = given.get("value")
            if value not in (None, *(o["value"] for o in shown["options"])):
                raise _invalid(f"{path}.value")
            return {"value": value}
        case Type.FILE_UPLOAD:
            return {"values": _files(call, given, resolved)}
        case _:
            return {"values": _values(shown, given, resolved, f"{path}.values")}


def _text(shown: JsonObject, text: str, path: str) -> str:
    needed = shown.get("required") is not False
    low, high = shown.get("min_length") or int(needed), shown.get("max_length") or _TEXT_LIMIT
    if needed and not text:
        raise errors.required(path)
    if text and not low <= len(text) <= high:
        raise errors.wrong_length(path, low, high)
    return text


def _values(shown: JsonObject, given: JsonObject, resolved: Resolved, path: str) -> list[str]:
    values = [str(value) for value in given.get("values") or ()]
    low, high = shown.get("min_values", 1), shown.get("max_values", 1)
    optional = shown.get("required") is False and not values
    if shown["type"] == Type.CHECKBOX_GROUP:
        high = shown.get("max_values", len(shown["options"]))
    if not (low <= len(values) <= high or optional):
        raise errors.wrong_length(path, low, high)
    ways = {
        Type.USER_SELECT: resolved.add_user,
        Type.ROLE_SELECT: resolved.add_role,
        Type.MENTIONABLE_SELECT: resolved.add_mentionable,
        Type.CHANNEL_SELECT: resolved.add_channel,
    }
    for value in values:
        if "options" in shown:
            fits = value in [option["value"] for option in shown["options"]]
        else:
            fits = ways[shown["type"]](value)
        types = shown.get("channel_types")
        if not fits or (types and resolved.channel_type(value) not in types):
            raise _invalid(path)
    return values


def _files(call: Call, given: JsonObject, resolved: Resolved) -> list[str]:
    wanted = {str(value) for value in given.get("values") or ()}
    ids = []
    for upload in call.uploads:
        if upload.number in wanted:
            file = new_attachment(call.world, upload, {})
            call.world.uploads[file.id] = file
            resolved.add_attachment(file)
            ids.append(str(file.id))
    return ids


def _invalid(path: str) -> DiscordError:
    return errors.invalid_form(path, "COMPONENT_VALIDATION_FAILED", "Component validation failed")
