"""Around `use_model`: middleware wraps it, a hook is told of it; both fail open.

A hook gets each call when it is over and can change nothing: that costs about one await, where a
middleware costs four. It may raise; that is logged and the answer stands.

A middleware is `async (request, call_next) -> response`; what it returns is the answer, also in
place of a `call_next` that failed. Whatever it raises, the person still gets the original's
answer, and the original is never asked twice on its account:

- it raises before it called `call_next`: the original is called, once, in its place;
- it raises after `call_next` had succeeded: that result is the answer, the error is logged;
- it raises after `call_next` had failed: that failure is raised, whatever it was turned into;
- it calls `call_next` again: it gets the first outcome again, and nobody is asked.

Cancellation passes through untouched.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter

from bot.agent.models import ModelError, ModelRequest, ModelResponse, ModelType, UseModel

log = logging.getLogger(__name__)

CallNext = Callable[[ModelRequest], Awaitable[ModelResponse]]
ModelMiddleware = Callable[[ModelRequest, CallNext], Awaitable[ModelResponse]]

ModelCall = tuple[ModelRequest, ModelResponse | None, BaseException | None, float, float]
"""A finished call: the request, the response or the error, and when it began and ended.

Times are seconds of `time.perf_counter()`. A plain tuple, because one is made for every call.
"""

ModelHook = Callable[[ModelCall], None]


def wrap(middleware: ModelMiddleware, inner: UseModel) -> UseModel:
    """`inner` with one middleware around it, failing open."""

    async def use_model(model_type: ModelType, request: ModelRequest) -> ModelResponse:
        if request.model_type is not model_type:
            request = request.override(model_type=model_type)
        step = _Step(inner)
        try:
            return await middleware(request, step.call_next)
        except Exception as error:  # noqa: BLE001 - a middleware may fail in any way; chat goes on
            return await step.recover(request, error, middleware)

    return use_model


def tell(hook: ModelHook, inner: UseModel) -> UseModel:
    """`inner`, after each call of which `hook` is told."""

    async def use_model(model_type: ModelType, request: ModelRequest) -> ModelResponse:
        began = perf_counter()
        try:
            response = await inner(model_type, request)
        except BaseException as error:
            _tell_safely(hook, (request, None, error, began, perf_counter()))
            raise
        try:
            hook((request, response, None, began, perf_counter()))
        except Exception:
            log.exception("%s failed; the answer stands", _name(hook))
        return response

    return use_model


def _tell_safely(hook: ModelHook, call: ModelCall) -> None:
    try:
        hook(call)
    except Exception:
        log.exception("%s failed", _name(hook))


def _name(function: object) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


class _Step:
    """What one call of one layer has done so far with what it wraps."""

    __slots__ = ("called", "error", "inner", "over", "response")

    def __init__(self, inner: UseModel) -> None:
        self.inner = inner
        self.called = False
        self.over: asyncio.Event | None = None
        self.response: ModelResponse | None = None
        self.error: BaseException | None = None

    async def call_next(self, request: ModelRequest) -> ModelResponse:
        if self.called:
            return await self.repeat()
        self.called = True
        try:
            response = self.response = await self.inner(request.model_type, request)
        except BaseException as error:
            self.error = error
            raise
        finally:
            if self.over is not None:
                self.over.set()
        return response

    async def repeat(self) -> ModelResponse:
        if self.response is None and self.error is None:
            self.over = self.over or asyncio.Event()
            await self.over.wait()
        if self.response is not None:
            return self.response
        if self.error is None or isinstance(self.error, asyncio.CancelledError):
            # Not as it was: nobody cancels the task that asks this time.
            raise ModelError("the call was given up before it was answered")
        raise self.error

    async def recover(
        self, request: ModelRequest, error: Exception, middleware: ModelMiddleware
    ) -> ModelResponse:
        name = _name(middleware)
        if not self.called:
            log.error("%s failed before the model was called; calling it", name, exc_info=error)
            if request.stream is not None:
                request.stream.restart()
            return await self.inner(request.model_type, request)
        if self.response is not None:
            log.error("%s failed after the model answered; keeping that", name, exc_info=error)
            return self.response
        if self.error is None or isinstance(self.error, asyncio.CancelledError):
            # The middleware gave up on the call itself (a time limit of its own): its error stands.
            raise error
        raise self.error
