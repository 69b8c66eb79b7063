"""Reading an answer, whole or in chunks, from servers that take the format loosely.

The SDK checks nothing: whatever JSON arrives comes out of it as some object. So every field is
looked for, none is trusted to be there.
"""

import re
from time import perf_counter
from typing import Any

from bot.agent.models import ModelResponse, StreamSink
from bot.agent.thinking import ThinkingSplitter
from plugins.openai_compatible.endpoint import Endpoint
from plugins.openai_compatible.failures import EndpointError, not_a_completion

_REASONING_FIELDS = ("reasoning_content", "reasoning")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_TOKENS = 2**63 - 1


class Reading:
    """One answer as it comes in; pieces of it go on to `sink`. `began`: perf_counter seconds."""

    def __init__(self, endpoint: Endpoint, sink: StreamSink | None, began: float) -> None:
        self._endpoint = endpoint
        self._splitter = ThinkingSplitter(sink)
        self._began = began
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._first_token_ms: float | None = None

    @property
    def begun(self) -> bool:
        """Whether a piece of the answer has come."""
        return self._splitter.answering

    @property
    def finished(self) -> bool:
        """Whether the model said that its answer is complete."""
        return self._finish_reason is not None

    def take_chunk(self, chunk: object) -> None:
        """Take a chunk of a stream. Raises EndpointError if it is none."""
        if _at(chunk, "error"):
            raise EndpointError(f"{self._endpoint.label} broke off with an error")
        choices = self._choices(chunk)
        self._usage = _at(chunk, "usage") or self._usage
        if choices:
            self._take(choices[0], "delta")
            if self._first_token_ms is None and self.begun:
                self._first_token_ms = (perf_counter() - self._began) * 1000

    def take_whole(self, completion: object) -> None:
        """Take a whole answer. Raises EndpointError if it is none."""
        if _at(completion, "error"):
            raise EndpointError(f"{self._endpoint.label} answered with an error")
        choices = self._choices(completion)
        if not choices:
            raise not_a_completion(self._endpoint.label)
        self._usage = _at(completion, "usage")
        self._take(choices[0], "message")
        # A body that is whole cannot have been cut, and some servers leave the reason out.
        self._finish_reason = self._finish_reason or "stop"

    def response(self) -> ModelResponse:
        """The answer. Raises EndpointError if it is not complete, or empty."""
        label = self._endpoint.label
        if self._finish_reason is None:
            raise EndpointError(f"{label} stopped in the middle of its answer (no finish reason)")
        if self._finish_reason == "error":
            raise EndpointError(f"{label} broke off with an error")
        split = self._splitter.finish()
        if not split.answer:
            thought = "thought, but " if split.reasoning else ""
            raise EndpointError(f"{label} {thought}gave an empty answer")
        return ModelResponse(
            text=split.answer,
            provider=self._endpoint.provider,
            model=self._endpoint.name,
            reasoning=split.reasoning,
            finish_reason=self._finish_reason,
            prompt_tokens=_count(self._usage, "prompt_tokens"),
            completion_tokens=_count(self._usage, "completion_tokens"),
            first_token_ms=self._first_token_ms,
        )

    def _choices(self, answer: object) -> list[Any]:
        choices = _at(answer, "choices")
        if not isinstance(choices, list):
            raise not_a_completion(self._endpoint.label)
        return choices

    def _take(self, choice: object, part: str) -> None:
        message = _at(choice, part)
        thought = next(
            (text for name in _REASONING_FIELDS if isinstance(text := _at(message, name), str)), ""
        )
        if thought:
            self._splitter.think(_clean(thought))
        content = _at(message, "content")
        if not isinstance(content, str | None):
            raise not_a_completion(self._endpoint.label)
        if content:
            self._splitter.feed(_clean(content))
        reason = _at(choice, "finish_reason")
        self._finish_reason = reason if isinstance(reason, str) else self._finish_reason


def _at(value: object, name: str) -> Any:  # noqa: ANN401 - what a stranger sent
    if isinstance(value, dict):
        return value.get(name)
    return getattr(value, name, None)


def _clean(text: str) -> str:
    """The text with U+FFFD for half characters, which neither Discord nor a file would take."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _count(usage: object, name: str) -> int | None:
    value = _at(usage, name)
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= _MOST_TOKENS else None
