"""What somebody else changed while an admin looked at it, and then set it, too."""

from collections.abc import Mapping
from typing import Any

from bot.front.agent_settings import AgentSettings
from bot.front.panel.history import NAMES


def changed_meanwhile(
    seen: AgentSettings, now: AgentSettings, changes: Mapping[str, Any]
) -> list[str]:
    """Which of the changed settings are not as they were `seen` when these changes come.

    Of settings with a value for each channel or purpose only those values count that change.
    Roles are added and taken away one by one, and so overtake nothing.
    """
    after = now.changed(**changes)
    return [
        NAMES[name].removesuffix(" of").removesuffix(" for")
        for name in changes
        if name != "allowed_roles" and is_overtaken(*(getattr(s, name) for s in (seen, now, after)))
    ]


def is_overtaken(seen: Any, now: Any, after: Any) -> bool:  # noqa: ANN401 - settings of any type
    """Whether one value was changed by somebody else and is changed again."""
    if isinstance(now, Mapping):
        keys = {*seen, *now, *after}
        return any(is_overtaken(seen.get(k), now.get(k), after.get(k)) for k in keys)
    return bool(seen != now != after)
