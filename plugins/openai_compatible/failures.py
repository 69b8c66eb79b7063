"""What can go wrong with an endpoint, in words for people, and what is worth another try.

Nothing that the server sent is quoted: it may echo the key or the conversation.
"""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import TYPE_CHECKING

from bot.agent.models import ModelError

if TYPE_CHECKING:
    from openai import APIStatusError

_TRANSIENT = {429, 500, 502, 503, 504}
_HINTS = {
    400: "does it know this model and take this conversation?",
    401: "is its API key right?",
    403: "is its API key right?",
    404: "are its URL and its name right?",
    429: "too many requests",
}
_FIRST_DELAY = 0.5


class EndpointError(ModelError):
    """An endpoint did not answer.

    `transient`: another try may help, where known after `retry_after` seconds.
    """

    def __init__(
        self, message: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


def not_a_completion(label: str) -> EndpointError:
    """It answered, with a web page or something else that makes no sense here."""
    return EndpointError(f"{label} answered with something that is no chat completion")


def bad_status(label: str, error: "APIStatusError") -> EndpointError:
    """It answered with an HTTP error."""
    code = error.status_code
    phrase = responses.get(code, "")
    hint = f" ({_HINTS[code]})" if code in _HINTS else ""
    return EndpointError(
        f"{label} answered {code} {phrase}".rstrip() + hint,
        transient=code in _TRANSIENT,
        retry_after=_retry_after(error.response.headers.get("retry-after")),
    )


def retry_delay(error: EndpointError, attempt: int) -> float:
    """Seconds to wait after the failed try number `attempt`: as told, or doubling with jitter."""
    if error.retry_after is not None:
        return error.retry_after
    delay: float = _FIRST_DELAY * 2 ** (attempt - 1)
    jitter: float = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
    return delay * jitter


def _retry_after(header: str | None) -> float | None:
    """Seconds, from a Retry-After of seconds or of a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
