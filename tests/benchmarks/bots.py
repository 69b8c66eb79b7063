"""A bot in a process of its own, for the benchmarks: `python -m tests.benchmarks.bots KIND PLACE`.

KIND is one of `KINDS`, PLACE what a fake Discord says about itself, as JSON. Once it is ready it
prints one line of JSON; after that it answers each line on stdin with one, and ends with stdin:

    "stat"          the seconds of CPU used so far, and the memory in use in bytes
    {"take": n}     events a second, from now on until n more of them are handled
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

# What ours imports besides counts as its memory.
import discord
from msgspec.structs import replace

from bot.front.controls import AnswerRef, under_answer
from bot.harness.discord_py import running
from bot.store.records import Exchange
from tests.benchmarks.conversations import conversation

Keep = Callable[[int, Exchange], None]

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
ANSWER = "That is a good question."
HISTORY = 12
ONE_IN = 20


class Bare(discord.Client):
    """Does nothing with messages; everything is as discord.py has it."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - discord.py's
        super().__init__(intents=INTENTS, **options)

    async def on_message(self, _: discord.Message) -> None:
        pass


class Echo(Bare):
    """Sends Discord the calls that ours sends for an answer, and has no agent."""

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot:
            return
        await message.channel.typing()
        _ = [earlier async for earlier in message.channel.history(limit=HISTORY, before=message)]
        await message.channel.send(
            ANSWER,
            reference=message.to_reference(fail_if_not_exists=False),
            mention_author=False,
            suppress_embeds=True,
            view=under_answer(AnswerRef(message.id, message.author.id, message.id)),
            nonce=f"{message.id}-0",
        )


class Storing(Bare):
    """Keeps an exchange of every twentieth message, by whatever `keep` is."""

    def __init__(self, keep: Keep) -> None:
        super().__init__(guild_ready_timeout=0.25, chunk_guilds_at_startup=False)
        self._keep = keep
        self._seen = 0
        self._said = conversation(1)

    async def on_message(self, message: discord.Message) -> None:
        self._seen += 1
        if self._seen % ONE_IN == 0 and message.guild is not None:
            exchange = replace(next(self._said), output=message.content)
            self._keep(message.guild.id, exchange)


@asynccontextmanager
async def storing() -> AsyncIterator[discord.Client]:
    """With the store, as `understudy run` has it."""
    from bot.store.records import World, WorldKind
    from bot.store.sqlite import SqliteStore

    with tempfile.TemporaryDirectory() as folder:
        async with SqliteStore(Path(folder)) as store:

            def keep(guild_id: int, exchange: Exchange) -> None:
                world = store.world(World(WorldKind.GUILD, guild_id))
                world.submit(exchange, lambda _: None)

            yield Storing(keep)


@asynccontextmanager
async def storing_plainly() -> AsyncIterator[discord.Client]:
    """With an aiosqlite connection, and a commit for each."""
    import aiosqlite

    from bot.store.operations import encode

    with tempfile.TemporaryDirectory() as folder:
        async with aiosqlite.connect(Path(folder) / "plain.sqlite3", isolation_level=None) as file:
            await file.execute("PRAGMA journal_mode = WAL")
            await file.execute("PRAGMA synchronous = FULL")
            await file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body)")
            tasks: set[asyncio.Task[object]] = set()

            async def insert(exchange: Exchange) -> None:
                await file.execute(
                    "INSERT INTO t VALUES (?, ?)", (exchange.id, encode(exchange)[1])
                )

            def keep(_: int, exchange: Exchange) -> None:
                task = asyncio.create_task(insert(exchange))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            yield Storing(keep)
            await asyncio.gather(*tasks)


@asynccontextmanager
async def bare() -> AsyncIterator[discord.Client]:
    yield Bare()


@asynccontextmanager
async def unwaiting() -> AsyncIterator[discord.Client]:
    yield Bare(guild_ready_timeout=0.25, chunk_guilds_at_startup=False)


@asynccontextmanager
async def echo() -> AsyncIterator[discord.Client]:
    yield Echo(guild_ready_timeout=0.25, chunk_guilds_at_startup=False)


@asynccontextmanager
async def ours() -> AsyncIterator[discord.Client]:
    """The whole bot, with a lead that answers at once."""
    from bot.agent.models import Model, ModelRequest, ModelResponse
    from bot.agent.plugin import Plugin
    from bot.front.client import UnderstudyClient
    from bot.front.conversation import ConversationOptions
    from plugins.reasoning import reasoning_plugin
    from tests.agents import agent_with

    async def answer(_: ModelRequest) -> ModelResponse:
        return ModelResponse(ANSWER, "lead", "instant", prompt_tokens=3)

    lead = Plugin("lead", "answers", models=(Model("lead", "instant", answer, priority=0),))
    with tempfile.TemporaryDirectory() as folder:
        async with agent_with(Path(folder), lead, reasoning_plugin()) as agent:
            options = ConversationOptions(system_prompt="Be kind.", context_messages=HISTORY)
            yield UnderstudyClient(agent, options)


@asynccontextmanager
async def run() -> AsyncIterator[discord.Client]:
    """Ours, as `understudy run` starts it."""
    from bot.commands.run import spare_the_collector

    async with ours() as client:
        sparing = asyncio.create_task(spare_the_collector(client))
        try:
            yield client
        finally:
            sparing.cancel()


KINDS = {
    "bare": bare,
    "unwaiting": unwaiting,
    "echo": echo,
    "ours": ours,
    "run": run,
    "recording": ours,
    "storing": storing,
    "storing_plainly": storing_plainly,
}


async def take(client: discord.Client, count: int) -> dict[str, float]:
    """Events a second over the next `count`."""
    first = client.ws.sequence or 0
    await taken(client, first + 1)
    began, from_number, cpu = time.perf_counter(), client.ws.sequence or 0, time.process_time()
    await taken(client, first + count)
    number = first + count - from_number
    return {
        "rate": number / (time.perf_counter() - began),
        "cpu_rate": number / (time.process_time() - cpu),
    }


async def taken(client: discord.Client, number: int) -> None:
    while (client.ws.sequence or 0) < number:
        await asyncio.sleep(0.002)


def stat() -> dict[str, float]:
    # First: what the collection takes is the benchmark's doing.
    cpu = time.process_time()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"cpu": cpu, "rss": pages * os.sysconf("SC_PAGE_SIZE")}


async def main(kind: str, about: dict[str, Any]) -> None:
    """Be that bot until stdin ends."""
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(KINDS[kind]())
        began = time.perf_counter()
        place = (about["bot_token"], about["rest"], about["gateway"])
        await stack.enter_async_context(running(client, *place))
        seconds = time.perf_counter() - began
        print(json.dumps({"ready": seconds} | stat()), flush=True)
        while line := await stdin.readline():
            asked = json.loads(line)
            told = stat() if asked == "stat" else await take(client, asked["take"])
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
