"""Where a model is reached, and how patiently."""

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model behind an OpenAI-compatible API.

    `url` is the base, as a rule ending in /v1; without an `api_key` no Authorization is sent.
    `timeout` (seconds) bounds a whole call, the retries and the last byte of the answer included.
    `attempts` counts the first try too. Priority None answers only when asked by provider.
    With `vision` it is sent images, too.
    """

    provider: str
    url: str = field(repr=False)  # may hold a password
    name: str
    api_key: SecretStr | str | None = field(default=None, repr=False)
    timeout: float = 60.0
    attempts: int = 3
    priority: int | None = 0
    vision: bool = False

    @property
    def label(self) -> str:
        """What the model is called in messages."""
        return f"{self.provider} model '{self.name}'"

    @property
    def key(self) -> str | None:
        """The key in plain text, for the one place that sends it."""
        if isinstance(self.api_key, SecretStr):
            return self.api_key.get_secret_value() or None
        return self.api_key or None
