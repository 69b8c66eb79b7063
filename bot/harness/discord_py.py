"""Points discord.py, and what is built on it, at a fake Discord. The library is the caller's."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar


class Client(Protocol):
    """What is needed of a `discord.Client`."""

    async def login(self, token: str) -> None: ...

    async def connect(self) -> None: ...

    async def wait_until_ready(self) -> None: ...

    async def close(self) -> None: ...


ClientT = TypeVar("ClientT", bound=Client)


@contextmanager
def pointed_at(rest: str, gateway: str) -> Iterator[None]:
    """All of the process's discord.py goes to these addresses, until this ends."""
    route: Any = importlib.import_module("discord.http").Route
    socket: Any = importlib.import_module("discord.gateway").DiscordWebSocket
    url: Any = importlib.import_module("yarl").URL
    before = route.BASE, socket.DEFAULT_GATEWAY
    route.BASE, socket.DEFAULT_GATEWAY = rest, url(gateway)
    try:
        yield
    finally:
        route.BASE, socket.DEFAULT_GATEWAY = before


@asynccontextmanager
async def running(client: ClientT, token: str, rest: str, gateway: str) -> AsyncIterator[ClientT]:
    """The client, logged in and ready; closed at the end. Raises what its connection raises."""
    with pointed_at(rest, gateway):
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(client.close)
            await client.login(token)
            connection = asyncio.create_task(client.connect())
            stack.push_async_callback(_ended, connection)
            ready = asyncio.create_task(client.wait_until_ready())
            stack.push_async_callback(_ended, ready)
            await asyncio.wait((connection, ready), return_when=asyncio.FIRST_COMPLETED)
            if connection.done():
                connection.result()
            yield client


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # told, so that nobody warns of one that was never looked at
