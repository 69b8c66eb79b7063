"""How the agent behaves in one server: what its admins can set."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from bot.agent.models import Purpose

log = logging.getLogger(__name__)

LONGEST_NAME = 32
LONGEST_PROMPT = 4_000
LONGEST_COOLDOWN = 3_600.0
FEWEST_TOKENS, MOST_TOKENS = 16, 32_768
HOTTEST = 2.0
MOST_CHANNELS = 500
MOST_ROLES = 250


class Mode(StrEnum):
    """When the agent answers in a channel: when it is spoken to, always, when it fits, never."""

    MENTION = "mention"
    ALWAYS = "always"
    AMBIENT = "ambient"
    NEVER = "never"


class BadSettingError(ValueError):
    """A value that a setting cannot take; the message is a sentence for the person who gave it."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What is set in one server. None, empty and 0 leave a thing as the operator has it.

    `modes` is by channel id (or a thread's), other channels are in MENTION. With `allowed_roles`
    (ids) only their members, and admins, are answered. Cooldowns are seconds between answers.
    `models` names the provider that is asked for a purpose. Raises BadSettingError for a value
    that is out of bounds.
    """

    name: str | None = None
    system_prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    modes: Mapping[int, Mode] = field(default_factory=dict)
    allowed_roles: frozenset[int] = frozenset()
    person_cooldown: float = 0.0
    channel_cooldown: float = 0.0
    models: Mapping[Purpose, str] = field(default_factory=dict)
    unfurl_links: bool = False

    def __post_init__(self) -> None:
        for setting, read in READERS.items():
            value = getattr(self, setting)
            if value is not None or setting not in OPTIONAL:
                object.__setattr__(self, setting, read(value))

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - what the store gives back
        """The settings as they were kept; a value that makes no sense is left out, and logged."""
        settings = cls()
        for setting, kept in value.items() if isinstance(value, dict) else ():
            if setting in READERS:
                try:
                    settings = replace(settings, **{setting: kept})
                except BadSettingError as error:
                    log.error("The setting %s is kept and cannot be used: %s", setting, error)
        return settings

    def to_json(self) -> dict[str, object]:
        """The settings as they are kept: those that differ from the defaults."""
        default = type(self)()
        return {
            item.name: as_json(getattr(self, item.name))
            for item in fields(self)
            if getattr(self, item.name) != getattr(default, item.name)
        }

    def changed(self, **changes: Any) -> Self:  # noqa: ANN401 - the fields' own types
        """These settings with some changed. Raises BadSettingError."""
        unknown = changes.keys() - READERS.keys()
        if unknown:
            raise BadSettingError(f"There is no setting named {', '.join(sorted(unknown))}.")
        return replace(self, **changes)

    def mode_of(self, *channel_ids: int | None) -> Mode:
        """The mode of the first of these (a thread, its channel) for which one is set."""
        for channel_id in channel_ids:
            if channel_id is not None and channel_id in self.modes:
                return self.modes[channel_id]
        return Mode.MENTION

    @property
    def open_channels(self) -> frozenset[int]:
        """The channels in which every message may be for the agent."""
        return frozenset(
            channel_id
            for channel_id, mode in self.modes.items()
            if mode in (Mode.ALWAYS, Mode.AMBIENT)
        )


def as_json(value: Any) -> Any:  # noqa: ANN401 - a setting of any type
    """A setting's value as JSON has it: ids are strings there, as Discord has them."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return value


def text_up_to(longest: int, what: str) -> Callable[[Any], str | None]:
    """Reads a text; an empty one is None."""

    def read(value: Any) -> str | None:  # noqa: ANN401
        if not isinstance(value, str):
            raise BadSettingError(f"{what} should be a text.")
        text = value.strip()
        if len(text) > longest:
            raise BadSettingError(
                f"{what} should have at most {longest:,} characters, not {len(text):,}."
            )
        return text or None

    return read


def number_between(low: float, high: float, what: str) -> Callable[[Any], float]:
    """Reads a number within bounds."""

    def read(value: Any) -> float:  # noqa: ANN401
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise BadSettingError(f"{what} should be a number from {low:g} to {high:g}.")
        return float(value)

    return read


def read_max_tokens(value: Any) -> int:  # noqa: ANN401
    """Reads a count of tokens."""
    number = number_between(FEWEST_TOKENS, MOST_TOKENS, "The most tokens of an answer")(value)
    if number != int(number):
        raise BadSettingError("The most tokens of an answer should be a whole number.")
    return int(number)


def read_modes(value: Any) -> dict[int, Mode]:  # noqa: ANN401
    """Reads the modes of channels. MENTION is worth keeping: a thread's, against its channel's."""
    if not isinstance(value, Mapping):
        raise BadSettingError("The modes should be one for a channel.")
    try:
        modes = {int(channel_id): Mode(mode) for channel_id, mode in value.items()}
    except (TypeError, ValueError):
        raise BadSettingError(f"A channel's mode should be one of: {', '.join(Mode)}.") from None
    if len(modes) > MOST_CHANNELS:
        raise BadSettingError(f"At most {MOST_CHANNELS} channels can have a mode of their own.")
    return modes


def read_roles(value: Any) -> frozenset[int]:  # noqa: ANN401
    """Reads the ids of roles."""
    try:
        roles = frozenset(map(int, value))
    except (TypeError, ValueError):
        raise BadSettingError("The allowed roles should be roles of this server.") from None
    if len(roles) > MOST_ROLES:
        raise BadSettingError(f"At most {MOST_ROLES} roles can be allowed.")
    return roles


def read_models(value: Any) -> dict[Purpose, str]:  # noqa: ANN401
    """Reads which provider is asked for a purpose; an empty one is the usual."""
    if not isinstance(value, Mapping):
        raise BadSettingError("The models should be one for a purpose.")
    try:
        models = {Purpose(purpose): provider for purpose, provider in value.items() if provider}
    except ValueError:
        raise BadSettingError(f"A purpose should be one of: {', '.join(Purpose)}.") from None
    if not all(isinstance(provider, str) for provider in models.values()):
        raise BadSettingError("A model should be named by its provider.")
    return models


def read_flag(value: Any) -> bool:  # noqa: ANN401
    """Reads yes or no."""
    if not isinstance(value, bool):
        raise BadSettingError("Showing links should be on or off.")
    return value


OPTIONAL = frozenset({"name", "system_prompt", "temperature", "max_tokens"})
READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": text_up_to(LONGEST_NAME, "The name"),
    "system_prompt": text_up_to(LONGEST_PROMPT, "The system prompt"),
    "temperature": number_between(0, HOTTEST, "The temperature"),
    "max_tokens": read_max_tokens,
    "modes": read_modes,
    "allowed_roles": read_roles,
    "person_cooldown": number_between(0, LONGEST_COOLDOWN, "A person's cooldown (seconds)"),
    "channel_cooldown": number_between(0, LONGEST_COOLDOWN, "A channel's cooldown (seconds)"),
    "models": read_models,
    "unfurl_links": read_flag,
}

DEFAULTS = AgentSettings()
"""As the operator has it."""
