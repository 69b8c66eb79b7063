"""How fast exchanges are kept: `python -m tests.benchmarks.store [--guilds 1000] [--rows 60000]`.

Exchanges of about 2.5 KB, whose contexts overlap as a channel's do, from 256 callers at once, each
told when its exchange is on disk. Side by side, in interleaved rounds:

- raw: `sqlite3`, one file, one row an exchange, one commit of 512 rows after the other
- naive: an aiosqlite connection a guild, `execute` and `commit` for each row, as its documentation
  has it (a fifth of the exchanges)
- autocommit: the same with `isolation_level=None`, which saves a turn of the connection's thread
- kept: the store, until the last caller was told
- drained: the same, until every exchange is in its guild's file
- ready: as long as kept and, after it, two processes take that insert the rows of those files into
  empty ones, and do nothing else: what a drain is held against

Prints medians and their ratio to raw. Look at the ratios: the figures are those of a machine.
"""

import argparse
import asyncio
import gc
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import aiosqlite

from bot.store.engine import Engine
from bot.store.operations import encode
from bot.store.records import Exchange, World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.benchmarks.conversations import conversation
from tests.benchmarks.ready_rows import insert_ready_rows

CALLERS = 256
COMMIT = 512
Keep = Callable[[int, Exchange], Awaitable[None]]
PRAGMAS = ("page_size = 8192", "journal_mode = WAL", "synchronous = FULL")


def workload(guilds: int, rows: int) -> list[tuple[int, Exchange]]:
    """So many exchanges, the guilds taking turns."""
    conversations = [conversation(guild) for guild in range(guilds)]
    return [(n % guilds, next(conversations[n % guilds])) for n in range(rows)]


def quiet() -> float:
    """Let the disk finish what was measured before; the time after that."""
    os.sync()
    return time.perf_counter()


async def raw(work: list[tuple[int, Exchange]], folder: Path) -> float:
    """Rows a second into one file."""
    # Numbered as they come: ids of a thousand guilds in turns would be inserted all over the file.
    rows = [(number, encode(exchange)[1]) for number, (_, exchange) in enumerate(work)]
    connection = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body)")
    began = quiet()
    for start in range(0, len(rows), COMMIT):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows[start : start + COMMIT])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return len(rows) / seconds


async def naive(
    work: list[tuple[int, Exchange]], folder: Path, isolation_level: Literal["", None] = ""
) -> float:
    """Rows a second with a connection a guild."""
    async with AsyncExitStack() as stack:
        connections = {}
        for guild in {guild for guild, _ in work}:
            path = folder / f"{guild}.sqlite3"
            connection = await stack.enter_async_context(
                aiosqlite.connect(path, isolation_level=isolation_level)
            )
            for pragma in PRAGMAS:
                await connection.execute(f"PRAGMA {pragma}")
            await connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body)")
            connections[guild] = connection

        async def keep(guild: int, exchange: Exchange) -> None:
            await connections[guild].execute(
                "INSERT INTO t VALUES (?, ?)", (exchange.id, encode(exchange)[1])
            )
            if isolation_level is not None:
                await connections[guild].commit()

        work = work[: len(work) // 5]
        began = quiet()
        await by_callers(work, keep)
        return len(work) / (time.perf_counter() - began)


async def by_callers(work: Sequence[tuple[int, Exchange]], keep: Keep) -> None:
    """Each caller takes the next one when its own is kept."""
    left = iter(work)

    async def call() -> None:
        for guild, exchange in left:
            await keep(guild, exchange)

    await asyncio.gather(*(call() for _ in range(CALLERS)))


async def ours(
    work: list[tuple[int, Exchange]], folder: Path, engine: Engine
) -> tuple[float, float]:
    """The seconds until kept, and until drained, where every guild has its file already."""
    guilds = {guild for guild, _ in work}
    async with SqliteStore(folder, engine) as store:
        worlds = {guild: store.world(World(WorldKind.GUILD, guild + 1)) for guild in guilds}
        for guild in guilds:
            await worlds[guild].write([next(conversation(guild + 10**6))])
        await store.drained()

        async def keep(guild: int, exchange: Exchange) -> None:
            await worlds[guild].write([exchange])

        began = quiet()
        await by_callers(work, keep)
        kept = time.perf_counter() - began
        await store.drained()
        drained = time.perf_counter() - began
    return kept, drained


async def paced(folder: Path, guilds: int, seconds: float = 30.0, rate: int = 1_000) -> list[float]:
    """Milliseconds until kept, of `rate` exchanges a second."""
    times: list[float] = []
    work = workload(guilds, int(seconds * rate))
    async with SqliteStore(folder) as store:
        worlds = {guild: store.world(World(WorldKind.GUILD, guild + 1)) for guild, _ in work}
        for guild, world in worlds.items():
            await world.write([next(conversation(guild + 10**6))])
        await store.drained()

        async def keep(guild: int, exchange: Exchange) -> None:
            began = time.perf_counter()
            await worlds[guild].write([exchange])
            times.append((time.perf_counter() - began) * 1_000)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, (guild, exchange) in enumerate(work):
                due = began + number / rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(keep(guild, exchange))
    return times


async def compare(guilds: int, rows: int, rounds: int, *, encrypted: bool) -> None:
    """Print the table for so many guilds."""
    work = workload(guilds, rows)
    size = statistics.mean(len(encode(exchange)[1]) for _, exchange in work[-100:])
    print(f"{guilds} guilds, {rows} exchanges of {size:.0f} bytes, {CALLERS} callers")
    names = (
        *("raw", "naive", "autocommit", "kept", "drained", "ready"),
        *("kept, encrypted", "drained, encrypted"),
    )
    results: dict[str, list[float]] = {name: [] for name in names}
    gc.freeze()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            results["raw"].append(await raw(work, Path(folder)))
        if guilds <= 1_000:
            with tempfile.TemporaryDirectory() as folder:
                results["naive"].append(await naive(work, Path(folder)))
            with tempfile.TemporaryDirectory() as folder:
                results["autocommit"].append(await naive(work, Path(folder), None))
        with tempfile.TemporaryDirectory() as folder:
            kept, drained = await ours(work, Path(folder), Engine())
            results["kept"].append(rows / kept)
            results["drained"].append(rows / drained)
            if guilds <= 1_000:
                worlds = [World(WorldKind.GUILD, guild + 1) for guild in range(guilds)]
                with tempfile.TemporaryDirectory() as empty:
                    ready = insert_ready_rows(worlds, Path(folder), Path(empty))
                results["ready"].append(rows / (kept + ready))
        if encrypted:
            with tempfile.TemporaryDirectory() as folder:
                kept, drained = await ours(work, Path(folder), Engine(secrets.token_hex()))
                results["kept, encrypted"].append(rows / kept)
                results["drained, encrypted"].append(rows / drained)
    reference = statistics.median(results["raw"])
    for name, rates in results.items():
        if rates:
            rate = statistics.median(rates)
            print(f"  {name:18} {rate:9,.0f} rows/s  {rate / reference:5.2f} of raw")
    for name in ("naive", "autocommit"):
        if results[name]:
            times = statistics.median(results["kept"]) / statistics.median(results[name])
            print(f"  kept is {times:.1f} times {name}")


async def main() -> None:
    """Compare, then the pace."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--guilds", type=int, nargs="*", default=[100, 1_000])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encrypted", action="store_true", help="with a key, too")
    arguments = parser.parse_args()
    for guilds in arguments.guilds:
        await compare(guilds, arguments.rows, arguments.rounds, encrypted=arguments.encrypted)
    with tempfile.TemporaryDirectory() as folder:
        times = sorted(await paced(Path(folder), 1_000))
    print(
        f"1,000 rows/s over 1,000 guilds: kept after {statistics.median(times):.2f} ms at the "
        f"median, {times[len(times) * 99 // 100]:.2f} ms at 99 %"
    )


if __name__ == "__main__":
    asyncio.run(main())
