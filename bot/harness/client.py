"""One user's connection: REST by a token, and a gateway session whose events go into a log."""

import asyncio
import contextlib
import json
import mimetypes
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import aiohttp

from bot.harness.eventlog import EventLog, named
from bot.harness.model import JsonObject

_READY_SECONDS = 10.0


class Refused(Exception):  # noqa: N818 - a refusal is an answer
    """The server answered with an error: HTTP `status`, Discord's `code`, the whole `body`."""

    def __init__(self, status: int, body: JsonObject) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.code = int(body.get("code", 0))
        self.body = body


class UserClient:
    """A logged-in user, for use as `async with`.

    `who` is an entry of `FakeDiscord.describe()["users"]`, or a token. All that they see is in
    `log`. Methods that act raise `Refused` where the server says no.
    """

    def __init__(self, who: Mapping[str, Any] | str, rest: str, gateway: str) -> None:
        self.token = who if isinstance(who, str) else str(who["token"])
        self.log = EventLog()
        self.user: JsonObject = {}
        self._rest = rest
        self._gateway = gateway
        self.session_id = ""
        self._seq: int | None = None
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def name(self) -> str:
        return str(self.user["username"])

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            headers={"Authorization": self.token}, timeout=aiohttp.ClientTimeout(total=60)
        )
        try:
            self._socket = await self._http.ws_connect(f"{self._gateway}?v=10", max_msg_size=0)
            self._tasks.append(asyncio.create_task(self._listen(self._socket)))
            ready = await self.log.wait_for(named("READY"), timeout=_READY_SECONDS, since=0)
            self.user = ready.data["user"]
            self.session_id = ready.data["session_id"]
            wanted = {guild["id"] for guild in ready.data["guilds"]}
            for guild_id in wanted:
                await self.log.wait_for(
                    named("GUILD_CREATE", id=guild_id), timeout=_READY_SECONDS, since=0
                )
        except BaseException:
            await self.leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the connections."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Any REST request below /api/v10; answers its JSON, or None for an empty answer."""
        if self._http is None:
            raise RuntimeError("this person has not come in: use `async with`")
        content: JsonObject = {"json": body} if body is not None else {}
        if files:
            content = {"data": _form(body, files)}
        async with self._http.request(method, f"{self._rest}{path}", **content) as response:
            raw = await response.read()
            answer = json.loads(raw) if raw else None
            if response.status >= 400:
                raise Refused(response.status, answer or {})
            return answer

    async def object_of(
        self,
        method: str,
        path: str,
        body: object = None,
        files: Mapping[str, bytes] | None = None,
    ) -> JsonObject:
        return cast("JsonObject", await self.request(method, path, body, files))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        reason = ConnectionError("the gateway closed the connection")
        try:
            async for message in socket:
                await self._receive(socket, json.loads(message.data))
            reason = ConnectionError(f"the gateway closed the connection ({socket.close_code})")
        except (aiohttp.ClientError, OSError) as error:
            reason = ConnectionError(f"the gateway connection was lost: {error}")
        finally:
            self.log.fail(reason)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse, frame: JsonObject) -> None:
        match frame["op"]:
            case 0:
                self._seq = frame["s"]
                self.log.add(frame["t"], frame["d"])
            case 10:
                period = frame["d"]["heartbeat_interval"] / 1000
                self._tasks.append(asyncio.create_task(self._heartbeat(socket, period)))
                properties = {"os": "", "browser": "person", "device": ""}
                await socket.send_json(
                    {"op": 2, "d": {"token": self.token, "properties": properties}}
                )

    async def _heartbeat(self, socket: aiohttp.ClientWebSocketResponse, period: float) -> None:
        while not socket.closed:
            await asyncio.sleep(period)
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"op": 1, "d": self._seq})


def _form(body: object, files: Mapping[str, bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for index, (name, data) in enumerate(files.items()):
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        form.add_field(f"files[{index}]", data, filename=name, content_type=kind)
    return form
