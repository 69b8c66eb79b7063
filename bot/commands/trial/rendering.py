"""Discord's marks in text, as a terminal can show them: mentions and times."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

MENTION = re.compile(r"<@!?(\d+)>")
NAMED = re.compile(r"@(\w+)")
MOMENT = re.compile(r"<t:(\d+)(?::\w)?>")
TEXT_DISPLAY = 10
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class Names:
    """Who is called what: ids to names, and lower-case names to ids."""

    by_id: dict[str, str]
    ids: dict[str, str]

    @classmethod
    def of(cls, place: dict[str, Any]) -> Self:
        """The names at a fake Discord, from its description."""
        by_id = {user["id"]: user["name"] for user in place["users"]}
        by_id[place["bot_user_id"]] = "Understudy"
        return cls(by_id, {name.lower(): user_id for user_id, name in by_id.items()})

    def readable(self, text: str) -> str:
        """Mentions by name, times in words."""
        named = MENTION.sub(lambda found: "@" + self.by_id.get(found[1], found[1]), text)
        return MOMENT.sub(lambda found: ago(time.time() - int(found[1])), named)

    def to_mentions(self, text: str) -> str:
        """`@name` as the mention that Discord knows; unknown names stay."""

        def mention(found: re.Match[str]) -> str:
            user_id = self.ids.get(found[1].lower())
            return found[0] if user_id is None else f"<@{user_id}>"

        return NAMED.sub(mention, text)


def text_of(message: Mapping[str, Any]) -> str:
    """All that can be read of a message: its text, embeds and components, and its files' names."""
    texts = [message.get("content") or ""]
    texts += [embed.get("description") or "" for embed in message.get("embeds") or ()]
    texts += components_in_words(message.get("components") or ())
    texts += [
        f"({file['filename']}: {file.get('description') or 'a file'})"
        for file in message.get("attachments") or ()
    ]
    return "\n".join(filter(None, texts))


def components_in_words(components: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The texts among components, however deep they are."""
    for component in components:
        if component["type"] == TEXT_DISPLAY:
            yield component["content"]
        yield from components_in_words(component.get("components") or ())


def in_words(refusal: dict[str, Any]) -> str:
    """The JSON of Discord's refusal as people read it: what it says, and of which fields."""
    found = "; ".join(dict.fromkeys(reasons(refusal.get("errors") or {})))
    return f"Discord refused it: {refusal.get('message')}{f' ({found})' if found else ''}"


def reasons(errors: dict[str, Any], field: str = "") -> Iterator[str]:
    """What is wrong with which field; numbers only count fields, and name none."""
    for key, value in errors.items():
        if key == "_errors":
            yield from (f"{field}: {item['message']}".removeprefix(": ") for item in value)
        elif isinstance(value, dict):
            yield from reasons(value, field if key.isdecimal() else key)


def ago(seconds: float) -> str:
    """How long ago, in words."""
    for size, unit in UNITS:
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"
