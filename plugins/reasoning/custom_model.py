"""The custom model in front of the original: it answers first, and steps back when it fails."""

import asyncio
import logging
from dataclasses import replace

from bot.agent.middleware import CallNext
from bot.agent.models import (
    Fallback,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    StreamSink,
)

log = logging.getLogger(__name__)


class CustomModel:
    """Middleware: asks `model` within `seconds`, else the original, once, without a time limit.

    The response (or the original's ModelError) says by its `fallback` why the custom model did
    not answer. Pieces that it had streamed before it failed are taken back.
    """

    def __init__(self, model: Model, seconds: float) -> None:
        self._model = model
        self._seconds = seconds

    async def __call__(self, request: ModelRequest, call_next: CallNext) -> ModelResponse:
        """Answer by the custom model, or by `call_next` when that fails."""
        sink = None if request.stream is None else WatchedSink(request.stream)
        try:
            return await self._ask(request.override(stream=sink))
        except Exception as error:  # noqa: BLE001 - whatever breaks here, the original answers
            reason = str(error) or type(error).__name__
        log.warning("%s did not answer, the original does: %s", self._model.name, reason)
        if sink is not None and sink.touched:
            sink.restart()
        fallback = Fallback(self._model.provider, self._model.name, reason)
        try:
            return replace(await call_next(request), fallback=fallback)
        except ModelError as error:
            error.fallback = fallback
            raise

    async def _ask(self, request: ModelRequest) -> ModelResponse:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._model.handler(request)
        except TimeoutError:
            raise ModelError(f"no answer within {self._seconds:g} s") from None
        if not response.text.strip():
            raise ModelError("the answer was empty")
        return response


class WatchedSink:
    """Passes a stream on, and knows whether anything came."""

    def __init__(self, sink: StreamSink) -> None:
        self._sink = sink
        self.touched = False

    def write(self, piece: str) -> None:
        """Pass a piece on."""
        self.touched = True
        self._sink.write(piece)

    def restart(self) -> None:
        """Take back all pieces so far."""
        self._sink.restart()
