"""What goes wrong with a bot's requests: errors, cut and slow answers, silence, and the whole API.

`guard` is a middleware of the server. It steps aside at once while nothing is to go wrong.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import TypeAlias

from aiohttp import web

from bot.harness import errors
from bot.harness.faults import (
    Answer,
    CutBody,
    Down,
    NoAnswer,
    RestFault,
    SlowBody,
    to_json,
)
from bot.harness.gateway_faults import Schedule
from bot.harness.ratelimits import rate_limited
from bot.harness.trace import Kind, Trace

PREFIX = "/api/v10"
_PIECES = 10

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestFaults:
    """The faults that wait for bots' requests."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._armed: list[tuple[RestFault, int]] = []
        self._down: Down | None = None
        self._released = asyncio.Event()
        self._schedule: Schedule | None = None
        self._counts: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        return bool(self._armed) or self._down is not None or self._schedule is not None

    def arm(self, fault: RestFault) -> None:
        self._armed.append((fault, fault.times))

    def follow(self, schedule: Schedule | None) -> None:
        """Ask a schedule for each request from now on, counting from one."""
        self._schedule = schedule
        self._counts.clear()

    def take_down(self, fault: Down | None) -> None:
        """Be down until this is called with None."""
        self._down = fault

    def clear(self) -> None:
        """Forget all faults; requests that were never to be answered are cut off."""
        self._armed.clear()
        self.follow(None)
        self._down = None
        self._released.set()
        self._released = asyncio.Event()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.active or not is_of_bot(request):
            return await handler(request)
        if self._down is not None:
            return await self._refuse(request, self._down)
        if not request.path.startswith(PREFIX):
            return await handler(request)
        match self._take(request):
            case None:
                return await handler(request)
            case Answer() as fault:
                response = _error(fault)
                await self._record(request, fault, fault.status)
                return response
            case NoAnswer() as fault:
                released = self._released
                await self._record(request, fault, None)
                await released.wait()
                return _cut(request)
            case CutBody():
                return await _in_pieces(request, await handler(request), 0.0, cut=True)
            case SlowBody(seconds=seconds):
                return await _in_pieces(request, await handler(request), seconds)

    def _take(self, request: web.Request) -> RestFault | None:
        named = f"{request.method} {route_of(request)}"
        self._counts[named] += 1
        path = f"{request.method} {request.path.removeprefix(PREFIX)}"
        fault: RestFault | None = None
        for index, (armed, left) in enumerate(self._armed):
            if armed.route in (named, path) or fnmatchcase(path, armed.route):
                fault = armed
                self._armed[index : index + 1] = [(armed, left - 1)] if left > 1 else []
                break
        else:
            if self._schedule is not None:
                fault = self._schedule.on_request(named, self._counts[named])
        if fault is not None:
            struck = {"state": "struck", "on": named, "count": self._counts[named]}
            self._trace.add(Kind.FAULT, to_json(fault) | struck)
        return fault

    async def _refuse(self, request: web.Request, down: Down) -> web.StreamResponse:
        await self._record(request, down, down.status)
        return _cut(request) if down.status is None else _error(Answer(status=down.status))

    async def _record(
        self, request: web.Request, fault: RestFault | Down, status: int | None
    ) -> None:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        told = {
            "method": request.method,
            "path": request.path.removeprefix(PREFIX),
            "route": route_of(request),
            "status": status,
            "body": body,
            "query": dict(request.query),
            "bot": True,
            "fault": fault.name,
        }
        self._trace.add(Kind.REQUEST, told)


def route_of(request: web.Request) -> str:
    """The route of a request with names for ids, below /api/v10."""
    resource = request.match_info.route.resource
    return (resource.canonical if resource else request.path).removeprefix(PREFIX)


def is_of_bot(request: web.Request) -> bool:
    """Whether a request is the application's: by its token, or with none at a path of its own."""
    headers = request.headers
    if not request.path.startswith("/api/"):
        # A gateway connection says later whose it is; browsers, which people use, send an origin.
        socket = headers.get("Upgrade", "").lower() == "websocket"
        return socket and "Origin" not in headers and "Authorization" not in headers
    return headers.get("Authorization", "Bot ").startswith("Bot ")


def _error(fault: Answer) -> web.Response:
    if fault.status == 429 and fault.via:
        error = rate_limited(fault.retry_after, everything=fault.everything)
        return _json(error.status, error.body, error.headers)
    if fault.status == 500:
        return _json(500, errors.internal().body, {})
    # Other errors come from the network in front of Discord, which does not speak JSON.
    headers = {"Retry-After": "1"} if fault.status == 429 else {}
    text = "error code: 1015" if fault.status == 429 else f"error code: {fault.status}"
    return web.Response(status=fault.status, text=text, headers=headers)


def _json(status: int, body: object, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/json",
        headers=headers,
    )


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _in_pieces(
    request: web.Request, whole: web.StreamResponse, seconds: float, *, cut: bool = False
) -> web.StreamResponse:
    """Send an answer slowly, or only half of it before the connection is cut."""
    body = whole.body if isinstance(whole, web.Response) else None
    data = body if isinstance(body, bytes) else b""
    if cut and not data:
        return _cut(request)
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(data)
    await response.prepare(request)
    if cut:
        await response.write(data[: len(data) // 2])
        # Without a flush the abort would take the half answer with it.
        await asyncio.sleep(0)
        return _cut(request)
    size = max(len(data) // _PIECES, 1)
    for start in range(0, len(data), size):
        await asyncio.sleep(seconds * size / len(data))
        await response.write(data[start : start + size])
    await response.write_eof()
    return response
