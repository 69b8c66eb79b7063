"""Embeds: what may be in one, and how one that was sent is shown.

Source: https://discord.com/developers/docs/resources/message#embed-object-embed-limits
"""

from collections.abc import Iterator

from bot.harness.forms import Flag, Form, ListOf, Number, Path, Problem, Text, Time, refuse
from bot.harness.model import JsonObject

EMBEDS_LIMIT = 10
TEXT_LIMIT = 6000

_URL = Text(0, 2048)
_MEDIA = Form({"url": _URL})
_EMBED = Form(
    {
        "title": Text(0, 256),
        "description": Text(0, 4096),
        "url": _URL,
        "color": Number(0, 0xFFFFFF),
        "timestamp": Time(),
        "author": Form({"name": Text(0, 256), "url": _URL, "icon_url": _URL}),
        "footer": Form({"text": Text(0, 2048), "icon_url": _URL}),
        "image": _MEDIA,
        "thumbnail": _MEDIA,
        "fields": ListOf(
            Form(
                {"name": Text(1, 256), "value": Text(1, 1024), "inline": Flag()},
                frozenset({"name", "value"}),
            ),
            0,
            25,
        ),
    }
)
_EMBEDS = ListOf(_EMBED, 0, EMBEDS_LIMIT)
_ADDRESSES = ("url", "icon_url")
_SCHEMES = ("http://", "https://", "attachment://")


def checked(embeds: object) -> list[JsonObject]:
    """The embeds of a body as they are shown. Raises 50035 where a limit is passed."""
    if embeds is None:
        return []
    path: Path = ("embeds",)
    refuse(_EMBEDS.problems(embeds, path))
    given = embeds if isinstance(embeds, list) else []
    refuse(_of_addresses(given, path))
    refuse(_of_size(given, path))
    return [_shown(embed) for embed in given]


def _of_size(embeds: list[JsonObject], path: Path) -> Iterator[Problem]:
    if sum(map(_length, embeds)) > TEXT_LIMIT:
        # Discord names the first embed at which the sum is too much.
        total = 0
        for index, embed in enumerate(embeds):
            total += _length(embed)
            if total > TEXT_LIMIT:
                message = f"Embed size exceeds maximum size of {TEXT_LIMIT}"
                yield Problem((*path, str(index)), "MAX_EMBED_SIZE_EXCEEDED", message)
                return


def _of_addresses(embeds: list[JsonObject], path: Path) -> Iterator[Problem]:
    for index, embed in enumerate(embeds):
        here = (*path, str(index))
        for key, part in (("", embed), *embed.items()):
            if not isinstance(part, dict):
                continue
            for name in _ADDRESSES:
                address = part.get(name)
                if address and not str(address).startswith(_SCHEMES):
                    place = (*here, key, name) if key else (*here, name)
                    message = (
                        f'Scheme "{str(address).partition(":")[0]}" is not supported. '
                        "Scheme must be one of ('http', 'https')."
                    )
                    yield Problem(place, "URL_TYPE_INVALID_SCHEME", message)


def _length(embed: JsonObject) -> int:
    total = len(embed.get("title") or "") + len(embed.get("description") or "")
    total += len((embed.get("footer") or {}).get("text") or "")
    total += len((embed.get("author") or {}).get("name") or "")
    for part in embed.get("fields") or ():
        total += len(part["name"]) + len(part["value"])
    return total


def _shown(embed: JsonObject) -> JsonObject:
    shown: JsonObject = {"type": "rich"}
    for name in ("url", "title", "description", "color", "timestamp"):
        if embed.get(name) is not None:
            shown[name] = embed[name]
    for name, needed in (("author", "name"), ("footer", "text")):
        part = _present(embed.get(name))
        if needed in part:
            if "icon_url" in part:
                part["proxy_icon_url"] = part["icon_url"]
            shown[name] = part
    for name in ("image", "thumbnail"):
        part = _present(embed.get(name))
        if "url" in part:
            shown[name] = part | {"proxy_url": part["url"], "width": 0, "height": 0}
    if embed.get("fields"):
        shown["fields"] = [
            {"name": f["name"], "value": f["value"], "inline": bool(f.get("inline"))}
            for f in embed["fields"]
        ]
    return shown


def _present(part: JsonObject | None) -> JsonObject:
    return {key: value for key, value in (part or {}).items() if value is not None}
