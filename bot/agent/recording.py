"""Whether exchanges are recorded: a service that a plugin may run under the name "reasoning"."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bot.agent.runtime import AgentRuntime

RECORDING = "reasoning"
PRIVACY = "privacy"
ENABLE = "ENABLE_REASONING_SERVICE"
DISABLE = "DISABLE_REASONING_SERVICE"
SET_RETENTION = "SET_RETENTION"


@runtime_checkable
class Recording(Protocol):
    """The service that answers by the custom model and records."""

    @property
    def recording(self) -> bool:
        """Whether it is on."""


class RetentionRules(Protocol):
    """How long exchanges are kept."""

    @property
    def retention_days(self) -> int:
        """Days; 0 is for ever."""


@runtime_checkable
class Retaining(Protocol):
    """The service that deletes what was kept for long enough."""

    @property
    def settings(self) -> RetentionRules:
        """What is set. Raises StoreError while that is not known."""


@runtime_checkable
class Guardian(Protocol):
    """The service that knows who agreed to be recorded."""

    def records(self, user_id: int) -> bool:
        """Whether what this person gives may be kept."""


def is_recording(runtime: "AgentRuntime") -> bool | None:
    """Whether exchanges are recorded in a runtime's world; None where nothing could record them."""
    service: object = runtime.services.get(RECORDING)
    return service.recording if isinstance(service, Recording) else None


def retention_of(runtime: "AgentRuntime") -> int | None:
    """For how many days exchanges are kept; None where nothing deletes them.

    Raises StoreError while it is not known.
    """
    service: object = runtime.services.get(PRIVACY)
    return service.settings.retention_days if isinstance(service, Retaining) else None


def may_record(runtime: "AgentRuntime", user_id: int) -> bool:
    """Whether a person's votes and suggestions may be kept; not while nobody can be asked."""
    if PRIVACY not in runtime.agent.plugins:
        return True
    service: object = runtime.services.get(PRIVACY)
    return service.records(user_id) if isinstance(service, Guardian) else False
