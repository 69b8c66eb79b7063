"""The list of changes, as people read it: who, when, from what, to what."""

from collections.abc import Mapping, Sequence
from typing import Any

import discord

LONGEST = 3_000
SHOWN_VALUE = 80

NAMES = {
    "name": "name",
    "system_prompt": "system prompt",
    "temperature": "temperature",
    "max_tokens": "longest answer",
    "modes": "mode of",
    "allowed_roles": "allowed roles",
    "person_cooldown": "person's cooldown",
    "channel_cooldown": "channel's cooldown",
    "models": "model for",
    "unfurl_links": "previews of links",
    "custom_reasoning": "custom reasoning",
    "retention_days": "days kept",
}


def changes_page(audit: Sequence[Mapping[str, Any]]) -> str:
    """The changes, the newest first, as many as fit."""
    shown: list[str] = []
    size = 0
    for change in reversed(audit):
        line = described(change)
        size += len(line) + 1
        if size > LONGEST:
            shown.append("…")
            break
        shown.append(line)
    return "\n".join(shown) or "Nothing was changed here yet."


def described(change: Mapping[str, Any]) -> str:
    """One change."""
    when = int(change.get("when", 0)) // 1000
    who = str(change.get("who"))
    # The records have 0 in the place of whoever was forgotten.
    head = f"<t:{when}:f> {'somebody who was forgotten' if who == '0' else f'<@{who}>'}"
    field, before, after = str(change.get("field")), change.get("from"), change.get("to")
    name = NAMES.get(field, discord.utils.escape_markdown(field))
    if field in ("modes", "models") and isinstance(before, dict) and isinstance(after, dict):
        parts = [
            f"{f'<#{key}>' if field == 'modes' else key}: "
            f"{value(before.get(key))} → {value(after.get(key))}"
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        ]
        return f"{head} {name} {', '.join(parts[:10])}"
    if field == "allowed_roles":
        return f"{head} {name}: {roles(before)} → {roles(after)}"
    return f"{head} {name}: {value(before)} → {value(after)}"


def value(given: object) -> str:
    """A value as code, cut where it is long."""
    if given in (None, "", 0.0) and not isinstance(given, bool):
        return "the usual" if given in (None, "") else "0"
    if isinstance(given, bool):
        return "on" if given else "off"
    text = " ".join(str(given).split()).replace("`", "'")
    return f"`{text[:SHOWN_VALUE]}…`" if len(text) > SHOWN_VALUE else f"`{text}`"


def roles(given: object) -> str:
    """Some roles; none are everybody."""
    ids = given if isinstance(given, list) else []
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return (", ".join(f"<@&{role}>" for role in ids[:10]) or "everybody") + more
