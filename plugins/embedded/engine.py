"""A GGUF model through xllamacpp: one answer at a time, first come first served, off the loop.

xllamacpp works in the thread that calls it and hands out pieces by a callback; when the callback
returns True it stops. Both happen in one worker thread, whose queue is the fair queue. Reading the
prompt is the slow part on a CPU, so it is read in small steps with a report after each: that is
where a cancelled answer stops, and where an overlong prompt shows before time is spent on it.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from bot.agent.models import ModelError, ModelRequest, ModelResponse
from bot.agent.thinking import ThinkingSplitter
from bot.store.records import ChatMessage
from plugins.embedded.prompt import chat_turns, shorten
from plugins.embedded.weights import model_name

log = logging.getLogger(__name__)

MAX_TOKENS = 200
TEMPERATURE = 0.0
PROMPT_STEP = 32
"""Tokens of the prompt read at once: a cancelled answer is over within such a step (0.25 s)."""

KEPT_PROMPTS_MIB = 128
"""Memory for prompts already read: a second conversation's next turn costs 0.03 s, not 2 s."""

# DRY punishes only sequences that come again. An even repeat penalty makes a model this small
# forget what it was told; with none at all it goes round in circles.
_AGAINST_LOOPS = {
    "dry_multiplier": 0.8,
    "dry_base": 1.75,
    "dry_allowed_length": 3,
    "dry_penalty_last_n": 512,
}


class _Server(Protocol):
    """The one call of xllamacpp's server that is used."""

    def handle_chat_completions(
        self, body: dict[str, Any], callback: Callable[[dict[str, Any]], bool]
    ) -> None: ...


class Engine:
    """The model in memory. `load` first, `close` at the end; `answer` in between.

    `context` is what prompt and answer may come to together, in tokens.
    """

    def __init__(self, weights: Path, *, context: int, progress: Callable[[str], None]) -> None:
        self._weights = weights
        self._context = context
        self._name = model_name(weights)
        self._progress = progress
        self._server: _Server | None = None
        self._closed = False
        self._running: set[_Generation] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-model")

    async def load(self) -> None:
        """Read the model into memory. Raises ModelError when it cannot be read or run.

        xllamacpp holds the interpreter's lock meanwhile (0.3 s for the default model), so the
        event loop stands still although this happens in another thread: load before connecting.
        """
        self._progress(f"Loading the model {self._name} …")
        began = perf_counter()
        self._server = await asyncio.get_running_loop().run_in_executor(
            self._worker, _open_server, self._weights, self._context
        )
        self._progress(f"The model {self._name} is ready ({perf_counter() - began:.1f} s).")

    async def answer(self, request: ModelRequest) -> ModelResponse:
        """Answer a request when its turn comes.

        Cancelling takes a waiting request out of the queue and ends a running one at its next
        token. Raises ModelError when there is no answer.
        """
        if self._server is None or self._closed:
            raise ModelError("The embedded model is not loaded.")
        loop = asyncio.get_running_loop()
        generation = _Generation(request, self._server, self._context, loop)
        self._running.add(generation)
        try:
            await loop.run_in_executor(self._worker, generation.run)
        except asyncio.CancelledError:
            # Closing cancels what waits in the worker's queue; the asking task was not cancelled.
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise ModelError("The embedded model is shutting down.") from None
            raise
        finally:
            generation.stopped = True
            self._running.discard(generation)
        if self._closed:
            raise ModelError("The embedded model is shutting down.")
        return generation.response(self._name)

    async def close(self) -> None:
        """Stop what is running, refuse what waits, and give the memory back. Idempotent."""
        self._closed = True
        for generation in self._running:
            generation.stopped = True
        self._worker.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._worker.shutdown)
        self._server = None


@dataclass(eq=False, slots=True)
class _Generation:
    """One answer being made: `run` in the worker thread, everything else on the event loop."""

    request: ModelRequest
    server: _Server
    context: int
    loop: asyncio.AbstractEventLoop
    stopped: bool = False
    finish_reason: str | None = None
    error: dict[str, Any] | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    prompt_tokens: int = 0
    first_token_ms: float | None = None
    began: float = field(default_factory=perf_counter)
    splitter: ThinkingSplitter = field(init=False)

    def __post_init__(self) -> None:
        self.splitter = ThinkingSplitter(self.request.stream)

    def run(self) -> None:
        """Make the answer, leaving out the oldest messages while the prompt is too long."""
        messages: Sequence[ChatMessage] = self.request.messages
        self._attempt(messages)
        while self.prompt_tokens > self._prompt_limit and not self.stopped:
            messages = shorten(messages, self.prompt_tokens, self._prompt_limit)
            self._attempt(messages)

    def response(self, name: str) -> ModelResponse:
        """The answer as a whole. Raises ModelError if it is none."""
        if self.error is not None:
            raise ModelError(f"The embedded model refused: {self.error.get('message')}")
        if self.finish_reason is None:
            raise ModelError("The embedded model stopped in the middle of its answer.")
        split = self.splitter.finish()
        if not split.answer:
            raise ModelError("The embedded model gave an empty answer.")
        return ModelResponse(
            text=split.answer,
            provider="embedded",
            model=name,
            reasoning=split.reasoning,
            finish_reason=self.finish_reason,
            prompt_tokens=self.usage.get("prompt_tokens"),
            completion_tokens=self.usage.get("completion_tokens"),
            first_token_ms=self.first_token_ms,
        )

    @property
    def _answer_limit(self) -> int:
        wanted = self.request.max_tokens
        return MAX_TOKENS if wanted is None else wanted

    @property
    def _prompt_limit(self) -> int:
        return self.context - min(self._answer_limit, self.context // 2)

    def _attempt(self, messages: Sequence[ChatMessage]) -> None:
        self.prompt_tokens = 0
        self.error = None
        temperature = self.request.temperature
        body = {
            "messages": chat_turns(messages),
            "max_tokens": self._answer_limit,
            "temperature": TEMPERATURE if temperature is None else temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            "reasoning_format": "none",
            **_AGAINST_LOOPS,
        }
        try:
            self.server.handle_chat_completions(body, self._take)
        except (RuntimeError, ValueError) as error:
            log.debug("the chat template refused the messages", exc_info=error)
            raise ModelError(
                "The embedded model's chat template cannot put this conversation into a prompt."
            ) from None

    def _take(self, chunk: dict[str, Any]) -> bool:
        """One report from the model, in the worker thread; True stops it."""
        if self.stopped:
            return True
        if "error" in chunk:
            return self._take_error(chunk["error"])
        if "prompt_progress" in chunk:
            self.prompt_tokens = chunk["prompt_progress"]["total"]
            if self.prompt_tokens > self._prompt_limit:
                return True
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk["choices"]:
            self.finish_reason = choice["finish_reason"] or self.finish_reason
            piece = choice["delta"].get("content")
            if piece:
                self.loop.call_soon_threadsafe(self._feed, piece)
        return False

    def _take_error(self, error: dict[str, Any]) -> bool:
        self.prompt_tokens = error.get("n_prompt_tokens", 0)
        if self.prompt_tokens <= self._prompt_limit:
            self.error = error
        return True

    def _feed(self, piece: str) -> None:
        if self.stopped:
            return
        self.splitter.feed(piece)
        if self.first_token_ms is None and self.splitter.answering:
            self.first_token_ms = (perf_counter() - self.began) * 1000


def _open_server(weights: Path, context: int) -> _Server:
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(
            f"xllamacpp, which runs the embedded model, does not start ({error}): "
            "install the extra `local` anew or set MODEL_URL."
        ) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = context
    params.n_parallel = 1
    params.n_batch = PROMPT_STEP
    params.cache_ram_mib = KEPT_PROMPTS_MIB
    # With every core taken by others, a thread on each is ten times slower than one less.
    params.cpuparams.n_threads = max(1, _cores() - 1)
    params.fit_params = False
    # xllamacpp opens an HTTP port, wanted or not: on loopback, with a key that nobody has.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [secrets.token_urlsafe(32)]
    params.n_threads_http = 1
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = 3 if log.isEnabledFor(logging.DEBUG) else -1
    try:
        server: _Server = xllamacpp.Server(params)
    except (RuntimeError, ValueError):
        raise ModelError(
            f"The model file {weights} cannot be loaded: it is damaged, or of a kind that "
            "xllamacpp does not run. Name another GGUF file in MODEL_PATH, or set MODEL_URL."
        ) from None
    return server


def _cores() -> int:
    # A container may be given fewer cores than the machine has; only Linux tells.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
