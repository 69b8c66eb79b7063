"""What the fake Discord can do, next to a client: `python -m tests.benchmarks.gateway`.

The server runs in a process of its own. Three questions, each with its reference in the same run:

1. How fast does it send prepared MESSAGE_CREATE frames? The reference is how fast a bare discord.py
   client with an empty `on_message` takes them.
2. How long does a person wait for the reply of an echo bot? The reference is a bare POST.
3. How long does it take to deliver 5,000 guilds? The reference is a discord.py client's own time.

Prints medians of interleaved rounds. Look at the ratios: the figures are those of a machine.
"""

import argparse
import asyncio
import contextlib
import json
import selectors
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord

from bot.harness import Person
from bot.harness.discord_py import running
from tests.benchmarks.wire import INTENTS, Reader

ROUNDS = 5
FRAMES = 40_000
CONTENT = "x" * 220  # which makes frames of about 1.1 KB
QUESTIONS = 300
GUILDS = 5_000
CHANNELS = 45  # each, which makes frames of about 11 KB


class TimedSelector(selectors.DefaultSelector):
    """Knows how long its event loop had nothing to do but wait for the network."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.perf_counter()
        ready = super().select(timeout)
        self.waited += time.perf_counter() - began
        return ready


class Bare(discord.Client):
    """Does nothing with messages."""

    def __init__(self) -> None:
        intents = discord.Intents(INTENTS)
        super().__init__(intents=intents, guild_ready_timeout=0.25, chunk_guilds_at_startup=False)

    async def on_message(self, _: discord.Message) -> None:
        pass

    async def taken(self, number: int) -> None:
        """Wait until the event of that number is handled."""
        while (self.ws.sequence or 0) < number:
            await asyncio.sleep(0.002)


class Echo(Bare):
    """Replies with what was said."""

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            await message.reply(message.content, mention_author=False)


@asynccontextmanager
async def fake_discord(world: str) -> AsyncIterator[dict[str, Any]]:
    """A fake Discord in a process of its own; gives what it says about itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "world.yaml")
        path.write_text(world, encoding="utf-8")
        command = ("-m", "bot", "fake-discord", "--world", str(path))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE
        )
        try:
            if process.stdout is None:
                raise RuntimeError("the fake Discord says nothing")
            yield json.loads(await process.stdout.readline())
        finally:
            process.terminate()
            await process.wait()


def blast(about: dict[str, Any], count: int, content: str = CONTENT) -> dict[str, Any]:
    """Ask for so many messages; answers when the server has got rid of them."""
    asked = {"channel_id": about["channel_id"], "author_id": about["users"][0]["id"]}
    request = urllib.request.Request(  # noqa: S310 - on loopback
        f"{about['control']}/blast",
        json.dumps(asked | {"count": count, "content": content}).encode(),
        {"Authorization": f"Bearer {about['control_token']}"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - on loopback
        told: dict[str, Any] = json.load(response)
        return told


def blasts_to_reader(about: dict[str, Any], compress: str) -> tuple[float, dict[str, Any]]:
    """Frames a second to a socket that is only read, and the server's own report."""
    size = _size_of(about)
    with Reader(about["gateway"], about["bot_token"], compress=compress) as reader:
        reader.frame()
        reader.frame()
        told: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: told.append(blast(about, FRAMES)))
        asking.start()
        if compress:
            swallowing = threading.Thread(target=_swallow_all, args=(reader,), daemon=True)
            swallowing.start()
            asking.join()
            return FRAMES / told[0]["send_seconds"], told[0]
        seconds = reader.swallow(size)
        asking.join()
        return FRAMES / seconds, told[0]


def _size_of(about: dict[str, Any]) -> int:
    """How many bytes a blast is on the wire, from a blast of one."""
    with Reader(about["gateway"], about["bot_token"]) as reader:
        reader.frame()
        reader.frame()
        threading.Thread(target=blast, args=(about, 1), daemon=True).start()
        one = len(reader.frame())
    # What this leaves unread at the end is the digits of higher numbers, a few bytes in a thousand.
    return FRAMES * (one + 4)


def _swallow_all(reader: Reader) -> None:
    with contextlib.suppress(OSError):
        reader.swallow(1 << 60)


async def blasts_to_client(about: dict[str, Any]) -> float:
    """Frames a second that a bare client takes."""
    async with running(Bare(), about["bot_token"], about["rest"], about["gateway"]) as client:
        first = client.ws.sequence or 0
        asking = asyncio.create_task(asyncio.to_thread(blast, about, FRAMES))
        await client.taken(first + 1)
        began, from_number = time.perf_counter(), client.ws.sequence or 0
        await client.taken(first + FRAMES)
        seconds = time.perf_counter() - began
        await asking
        return (first + FRAMES - from_number) / seconds


async def show_blasts() -> None:
    async with fake_discord("people: [ada]\nguilds: 1") as about:
        plain, zlib, client = [], [], []
        size = 0.0
        for _ in range(ROUNDS):
            rate, told = await asyncio.to_thread(blasts_to_reader, about, "")
            size = told["size"] / told["frames"]
            plain.append(rate)
            rate, _told = await asyncio.to_thread(blasts_to_reader, about, "zlib-stream")
            zlib.append(rate)
            client.append(await blasts_to_client(about))
    reference = statistics.median(client)
    print(f"1. MESSAGE_CREATE, {size:,.0f} bytes each, {FRAMES:,} a round, {ROUNDS} rounds")
    for name, rates in (
        ("bare discord.py client", client),
        ("server to a reader, plain", plain),
        ("server to a reader, zlib", zlib),
    ):
        rate = statistics.median(rates)
        print(f"   {name:34} {rate:10,.0f} /s  {rate / reference:6.2f} x")


async def show_latency() -> None:
    async with fake_discord("people: [ada]\nguilds: 1") as about:
        arguments = ("-m", "tests.benchmarks.gateway", "--echo", json.dumps(about))
        echo = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        try:
            if echo.stdout is None:
                raise RuntimeError("the echo bot says nothing")
            await echo.stdout.readline()
            async with Person(about["users"][0], about["rest"], about["gateway"]) as ada:
                print(f"2. From a question to its reply, {QUESTIONS} questions, in ms")
                place = f"/channels/{about['channel_id']}/typing"
                posts = [await timed(ada.request("POST", place)) for _ in range(QUESTIONS)]
                reference = show_percentiles("a bare POST", posts, None)
                for together in (1, 16):
                    limit = asyncio.Semaphore(together)
                    asked = (ask(ada, about, i, limit) for i in range(QUESTIONS))
                    times = await asyncio.gather(*asked)
                    show_percentiles(f"echo bot, {together} at once", list(times), reference)
        finally:
            echo.terminate()
            await echo.wait()


async def ask(ada: Person, about: dict[str, Any], number: int, limit: asyncio.Semaphore) -> float:
    """Seconds from one question to the reply that refers to it."""
    async with limit:
        mark, began = ada.mark(), time.perf_counter()
        said = await ada.say(about["channel_id"], f"question {number}")
        await ada.wait_for(
            lambda e: (e.data.get("message_reference") or {}).get("message_id") == said["id"],
            since=mark,
            timeout=60,
        )
        return time.perf_counter() - began


async def timed(call: Any) -> float:  # noqa: ANN401 - any awaitable
    began = time.perf_counter()
    await call
    return time.perf_counter() - began


def show_percentiles(name: str, seconds: list[float], reference: float | None) -> float:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p95, p99 = (cuts[i] * 1000 for i in (49, 94, 98))
    ratio = "" if reference is None else f"  p50 {p50 / reference:5.1f} x"
    print(f"   {name:34} p50 {p50:6.2f}  p95 {p95:6.2f}  p99 {p99:6.2f}{ratio}")
    return p50


async def show_guilds(selector: TimedSelector) -> None:
    guild = f"{{name: Guild, count: {GUILDS}, channels: {CHANNELS}}}"
    async with fake_discord(f"people: [ada]\nguilds: [{guild}]\n") as about:
        server, client, idle = [], [], []
        for _ in range(ROUNDS):
            server.append(await asyncio.to_thread(guilds_to_reader, about))
            wall, waited = await guilds_to_client(about, selector)
            client.append(wall)
            idle.append(waited / wall)
    wall = statistics.median(client)
    alone = statistics.median(server)
    print(f"3. {GUILDS:,} guilds from connecting to the last GUILD_CREATE, {ROUNDS} rounds, in s")
    share = f"had nothing to read {statistics.median(idle):.0%}"
    print(f"   {'discord.py client':34} {wall:6.2f}  {share}")
    print(f"   {'server to a reader':34} {alone:6.2f}  {alone / wall:6.2f} x")


def guilds_to_reader(about: dict[str, Any]) -> float:
    with Reader(about["gateway"], about["bot_token"]) as reader:
        began = time.perf_counter()
        for _ in range(GUILDS + 1):
            reader.frame()
        return time.perf_counter() - began


async def guilds_to_client(about: dict[str, Any], selector: TimedSelector) -> tuple[float, float]:
    """Seconds until a client has all guilds, and how many of them it waited for the server."""
    client = Bare()
    began, waited = time.perf_counter(), selector.waited

    async def all_taken() -> tuple[float, float]:
        while getattr(client, "ws", None) is None:
            await asyncio.sleep(0.002)
        await client.taken(GUILDS + 1)
        return time.perf_counter() - began, selector.waited - waited

    taking = asyncio.create_task(all_taken())
    async with running(client, about["bot_token"], about["rest"], about["gateway"]):
        return await taking


async def echo(about: dict[str, Any]) -> None:
    """Be the echo bot until the process ends."""
    async with running(Echo(), about["bot_token"], about["rest"], about["gateway"]):
        print("ready", flush=True)
        await asyncio.Event().wait()


async def main(selector: TimedSelector) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--echo", type=json.loads, help=argparse.SUPPRESS)
    about = parser.parse_args().echo
    if about is not None:
        await echo(about)
        return
    await show_blasts()
    await show_latency()
    await show_guilds(selector)


if __name__ == "__main__":
    selector = TimedSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main(selector))
