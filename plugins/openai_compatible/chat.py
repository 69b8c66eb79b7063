"""Asking an endpoint: one call, its time limit, and its retries.

The SDK's own retries are off, so that this is the only place that decides on another try.
"""

import asyncio
import base64
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bot.agent.models import ModelError, ModelRequest, ModelResponse
from bot.agent.prompts import Turn, chat_turns
from plugins.openai_compatible.endpoint import Endpoint
from plugins.openai_compatible.failures import (
    EndpointError,
    bad_status,
    not_a_completion,
    retry_delay,
)
from plugins.openai_compatible.reading import Reading

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)


class ChatModel:
    """A model handler over an endpoint. `open` first, `close` at the end."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: AsyncOpenAI | None = None

    async def open(self) -> None:
        """Get ready: import the SDK, which is slow, in a thread. Sends nothing."""
        openai = await asyncio.to_thread(import_module, "openai")
        self._client = openai.AsyncOpenAI(
            base_url=self._endpoint.url,
            api_key=self._endpoint.key or "none",
            timeout=self._endpoint.timeout,
            max_retries=0,
        )

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def answer(self, request: ModelRequest) -> ModelResponse:
        """Answer a request, within the endpoint's time limit. Raises ModelError on any failure."""
        if self._client is None:
            raise ModelError(f"{self._endpoint.label} is not started")
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                return await self._try_repeatedly(self._client, request)
        except TimeoutError:
            raise self._too_late() from None

    async def _try_repeatedly(self, client: "AsyncOpenAI", request: ModelRequest) -> ModelResponse:
        began = perf_counter()
        attempt = 1
        while True:
            reading = Reading(self._endpoint, request.stream, began)
            try:
                return await self._try(client, request, reading)
            except EndpointError as error:
                delay = retry_delay(error, attempt)
                left = began + self._endpoint.timeout - perf_counter()
                last = attempt >= self._endpoint.attempts or delay >= left
                # Once a person has seen a piece, a second try would answer twice.
                if last or reading.begun or not error.transient:
                    raise
                log.info("%s; trying again in %.1f s", error, delay)
            await asyncio.sleep(delay)
            attempt += 1

    async def _try(
        self, client: "AsyncOpenAI", request: ModelRequest, reading: Reading
    ) -> ModelResponse:
        if request.stream is None:
            reading.take_whole(await self._ask(client, request))
            return reading.response()
        async with aclosing(self._ask_for_stream(client, request)) as chunks:
            count = 0
            try:
                async for chunk in chunks:
                    count += 1
                    reading.take_chunk(chunk)
            except EndpointError:
                # What breaks after the end of the answer takes nothing from it.
                if not reading.finished:
                    raise
        if count == 0:
            raise not_a_completion(self._endpoint.label)
        return reading.response()

    async def _ask(self, client: "AsyncOpenAI", request: ModelRequest) -> object:
        try:
            return await client.chat.completions.create(**self._body(request))
        except self._sdk_errors() as error:
            raise self._explain(error) from None

    async def _ask_for_stream(
        self, client: "AsyncOpenAI", request: ModelRequest
    ) -> AsyncGenerator[object, None]:
        connected = False
        try:
            stream = await client.chat.completions.create(
                **self._body(request), stream=True, stream_options={"include_usage": True}
            )
            connected = True
            async with stream:
                async for chunk in stream:
                    yield chunk
        except self._sdk_errors() as error:
            raise self._explain(error, connected=connected) from None

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        import openai

        body: dict[str, Any] = {
            "model": self._endpoint.name,
            "messages": [
                {"role": turn.role, "content": content_of(turn)}
                for turn in chat_turns(
                    request.messages, request.images if self._endpoint.vision else ()
                )
            ],
            # The SDK would send these from the environment, to whatever server this is.
            "extra_headers": {
                "OpenAI-Organization": openai.Omit(),
                "OpenAI-Project": openai.Omit(),
            },
        }
        if self._endpoint.key is None:
            body["extra_headers"]["Authorization"] = openai.Omit()
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        return body

    def _sdk_errors(self) -> tuple[type[Exception], ...]:
        """What the SDK raises, which is more than its own errors.

        A chunk that is no JSON comes out as a ValueError, and version 2 lets the errors of its
        HTTP library through while a stream is read; which library that is depends on the version.
        """
        import openai

        libraries = (sys.modules.get(name) for name in ("httpx", "httpx2"))
        transport = (library.HTTPError for library in libraries if library is not None)
        return (openai.OpenAIError, ValueError, *transport)

    def _explain(self, error: Exception, *, connected: bool = False) -> EndpointError:
        import openai

        label = self._endpoint.label
        broken = f"{label} broke the connection"
        log.debug("%s failed with %s", label, type(error).__name__)
        match error:
            case openai.APIStatusError():
                return bad_status(label, error)
            case openai.APITimeoutError():
                return self._too_late()
            case openai.APIConnectionError():
                message = broken if connected else f"{label} could not be reached"
                return EndpointError(message, transient=True)
            case openai.APIError():
                return EndpointError(f"{label} broke off with an error")
            case ValueError():
                return not_a_completion(label)
            case _:
                return EndpointError(broken, transient=True)

    def _too_late(self) -> EndpointError:
        return EndpointError(
            f"{self._endpoint.label} took longer than {self._endpoint.timeout:g} s"
        )


def content_of(turn: Turn) -> str | list[dict[str, Any]]:
    """A turn's text, or with images its parts; the pictures go along, not their addresses."""
    if not turn.images:
        return turn.text
    pictures = [
        f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
        for image in turn.images
    ]
    return [
        {"type": "text", "text": turn.text},
        *({"type": "image_url", "image_url": {"url": url}} for url in pictures),
    ]
