"""A model server for tests: OpenAI's chat completions over real HTTP on loopback, by script.

    async with ModelServer() as server:
        server.script("Hello.", Reply(status=503), Reply("Hi", fault="cut_stream"))
        ...                               # point the code under test at server.url
        assert len(server.requests) == 3  # called exactly so often
        assert server.requests[0].body["model"] == "m"

Each request takes the next entry of the script: a text, a `Reply`, or a function from the request's
JSON body to either of them; when the script is used up, `server.default`. Whether an answer streams
is what the request says. To stop in time without sleeping:

    server.hold()                         # answers wait: whole ones at the start, streams after
    await server.received(1)              # their first `hold_after` pieces
    server.release()

It speaks POST /v1/chat/completions and GET /v1/models.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

Fault = Literal[
    "html",  # status 200 and a web page
    "text",  # status 200, content type JSON, and no JSON
    "cut_stream",  # ends after `cut_after` pieces, without finish_reason and [DONE]
    "broken_stream",  # the same, and the connection breaks
    "empty",  # an answer of no text
    "no_content",  # content is null
    "no_choices",  # choices is an empty list
    "malformed",  # JSON that is no chat completion; in a stream a chunk that is no JSON
    "error",  # status 200 and an error object, in a stream after `cut_after` pieces
    "hang",  # nothing, not even headers
    "trickle",  # headers, then a few bytes at a time, for ever
]
ReasoningStyle = Literal["reasoning", "reasoning_content", "tags", "closing_tag"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request gets.

    `pieces` is how a stream is cut (default: word by word). `reasoning` goes out in the way of
    `style`: in a field of that name, or in the text with `<think>` tags or the closing one only.
    `usage` is (prompt tokens, completion tokens); None leaves it out.
    """

    text: str = "Hello from the test model."
    pieces: Sequence[str] | None = None
    reasoning: str | None = None
    style: ReasoningStyle = "reasoning_content"
    finish_reason: str | None = "stop"
    usage: tuple[int, int] | None = (11, 7)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None
    cut_after: int = 1
    hold_after: int = 0

    @property
    def content(self) -> str:
        """The text as it goes out, with the thinking in it if that is the style."""
        match self.reasoning, self.style:
            case str(thought), "tags":
                return f"<think>\n{thought}\n</think>\n\n{self.text}"
            case str(thought), "closing_tag":
                return f"{thought}\n</think>\n\n{self.text}"
            case _:
                return self.text

    @property
    def reasoning_field(self) -> dict[str, str]:
        """The thinking as a field of its own, if that is the style."""
        if self.reasoning is None or self.style in ("tags", "closing_tag"):
            return {}
        return {self.style: self.reasoning}

    @property
    def usage_field(self) -> dict[str, Any]:
        """The usage as the API writes it."""
        if self.usage is None:
            return {}
        prompt, completion = self.usage
        counts = {"prompt_tokens": prompt, "completion_tokens": completion}
        return {"usage": {**counts, "total_tokens": prompt + completion}}


Answer = str | Reply | Callable[[dict[str, Any]], str | Reply]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in."""

    body: dict[str, Any]
    headers: Mapping[str, str]


class ModelServer:
    """The server; `async with` starts and stops it."""

    def __init__(self, *script: Answer, default: Answer = "Hello from the test model.") -> None:
        self.default = default
        self.requests: list[Received] = []
        self.hung_up = 0
        self._script = list(script)
        self._changed = asyncio.Condition()
        self._go = asyncio.Event()
        self._go.set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The base URL, with /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

    def script(self, *answers: Answer) -> None:
        """What the next requests get, after what is already in the script."""
        self._script.extend(answers)

    def hold(self) -> None:
        """Make answers wait from now on, until `release`."""
        self._go.clear()

    def release(self) -> None:
        """Let the waiting answers go on."""
        self._go.set()

    async def received(self, count: int, within: float = 10) -> None:
        """Wait until so many requests have come in; TimeoutError after `within` seconds."""
        await self._wait_until(lambda: len(self.requests) >= count, within)

    async def abandoned(self, count: int = 1, within: float = 10) -> None:
        """Wait until so many clients hung up before their answer was complete."""
        await self._wait_until(lambda: self.hung_up >= count, within)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        reply = self._next_reply(body)
        async with self._changed:
            self.requests.append(Received(body, request.headers))
            self._changed.notify_all()
        try:
            return await self._respond(request, body, reply)
        except (asyncio.CancelledError, ConnectionError):
            await asyncio.shield(self._note_hang_up())
            raise

    async def _note_hang_up(self) -> None:
        async with self._changed:
            self.hung_up += 1
            self._changed.notify_all()

    def _next_reply(self, body: dict[str, Any]) -> Reply:
        answer = self._script.pop(0) if self._script else self.default
        if callable(answer):
            answer = answer(body)
        return Reply(answer) if isinstance(answer, str) else answer

    async def _respond(
        self, request: web.Request, body: dict[str, Any], reply: Reply
    ) -> web.StreamResponse:
        if reply.fault == "hang":
            await asyncio.Event().wait()
        if reply.status != 200:
            error = {"message": f"scripted; you sent {request.headers.get('Authorization')}"}
            return web.json_response({"error": error}, status=reply.status, headers=reply.headers)
        if reply.fault == "html":
            return web.Response(text="<html><body>Welcome!</body></html>", content_type="text/html")
        if reply.fault == "text":
            return web.Response(text="Welcome!", content_type="application/json")
        if reply.fault == "trickle":
            return await _trickle(request, streamed=bool(body.get("stream")))
        if body.get("stream"):
            return await self._stream(request, body, reply)
        await self._go.wait()
        return web.json_response(_completion(reply), headers=reply.headers)

    async def _stream(
        self, request: web.Request, body: dict[str, Any], reply: Reply
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", **reply.headers}
        )
        await response.prepare(request)
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        async for line in self._lines(reply, with_usage=with_usage):
            await response.write(f"data: {line}\n\n".encode())
        if reply.fault == "broken_stream" and request.transport is not None:
            request.transport.abort()
        return response

    async def _lines(self, reply: Reply, *, with_usage: bool) -> AsyncIterator[str]:
        if reply.reasoning_field:
            yield _chunk(reply.reasoning_field)
        for index, piece in enumerate(_pieces(reply)):
            if index == reply.hold_after:
                await self._go.wait()
            if index == reply.cut_after:
                if reply.fault in ("cut_stream", "broken_stream"):
                    return
                if reply.fault == "malformed":
                    yield '{"choices": [{"del'
                if reply.fault == "error":
                    yield json.dumps({"error": {"message": "out of memory", "code": 500}})
            yield _chunk({"content": piece})
        if reply.fault in ("cut_stream", "broken_stream"):
            return
        if reply.fault == "no_choices":
            yield json.dumps({"object": "chat.completion.chunk", "choices": []})
        else:
            yield _chunk({}, finish_reason=reply.finish_reason)
        if with_usage and reply.usage is not None:
            yield json.dumps({"object": "chat.completion.chunk", "choices": []} | reply.usage_field)
        yield "[DONE]"

    async def _wait_until(self, happened: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(happened)


def _pieces(reply: Reply) -> Sequence[str | None]:
    if reply.fault in ("empty", "no_choices"):
        return []
    if reply.fault == "no_content":
        return [None]
    if reply.pieces is not None:
        return list(reply.pieces)
    first, *others = reply.content.split(" ")
    return [first, *(f" {word}" for word in others)]


def _chunk(delta: Mapping[str, str | None], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish_reason}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})


def _completion(reply: Reply) -> dict[str, Any]:
    if reply.fault == "malformed":
        return {"choices": "none of your business"}
    if reply.fault == "error":
        return {"error": {"message": "out of memory", "code": 500}}
    content = {"empty": "", "no_content": None}.get(reply.fault or "", reply.content)
    message = {"role": "assistant", "content": content, **reply.reasoning_field}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    choices = [] if reply.fault == "no_choices" else [choice]
    return {"id": "c", "object": "chat.completion", "choices": choices, **reply.usage_field}


async def _trickle(request: web.Request, *, streamed: bool) -> web.StreamResponse:
    kind = "text/event-stream" if streamed else "application/json"
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    while True:
        await response.write(f"data: {_chunk({'content': 'a'})}\n\n".encode() if streamed else b" ")
        await asyncio.sleep(0.02)
