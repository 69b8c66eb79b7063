"""What forget-me costs where there are many servers: `python -m tests.benchmarks.forgetting`.

Most files have nothing of the person. Prints how long it takes, how long the event loop stood
still at the longest, and how much longer a second person waits who asks at the same time. The
reference is opening every file by plain `sqlite3` and counting its exchanges, in the same run.
"""

import argparse
import asyncio
import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from bot.compose import privacy_office
from bot.store.files import path_of, worlds_in
from bot.store.records import ChatMessage, World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.filling import exchange, fill

BEAT_SECONDS = 0.001
BEN, CLEO, NOBODY = 7_001, 7_002, 7_003
EXCHANGES = 40

T = TypeVar("T")


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--guilds", type=int, default=10_000)
    parser.add_argument("--with-person", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), args.guilds, args.with_person)
        asyncio.run(measure(Path(folder)))


def build(folder: Path, guilds: int, with_person: int) -> None:
    """So many servers' files, of which some have something of Ben's and of Cleo's."""
    template = World(WorldKind.GUILD, 1)
    fill(folder, [exchange(number) for number in range(EXCHANGES)], template).close()
    for number in range(2, guilds + 1):
        shutil.copyfile(path_of(folder, template), folder / "guilds" / f"{number}.sqlite3")
    step = guilds // with_person
    for number in range(step, guilds + 1, step):
        asked = (
            exchange(
                1_000 + person,
                ChatMessage("user", "Mine.", "name", 9_000_000 + person, person),
                user_id=person,
            )
            for person in (BEN, CLEO)
        )
        fill(folder, list(asked), World(WorldKind.GUILD, number)).close()


async def measure(folder: Path) -> None:
    """Forget somebody who is nowhere, Ben, and Cleo while a third person is being forgotten."""
    count = sum(1 for _ in worlds_in(folder))
    reference = count_all(folder)
    print(f"{count:,} servers' files; plain sqlite3 opens and counts all in {reference:.1f} s")
    async with SqliteStore(folder) as store:
        office = privacy_office(store, backup_days=30)
        for name, person in (("nowhere", NOBODY), ("in some", BEN)):
            seconds, stall, (receipt,) = await watched(office.forget(person))
            line = f"a person who is {name}: {seconds:.1f} s, {seconds / reference:.2f} times that;"
            print(f"{line} {receipt.gone.rows} rows in {receipt.worlds} files, {told(stall)}")
        seconds, stall, receipts = await watched(office.forget(CLEO), office.forget(NOBODY + 1))
        line = f"two at once: {seconds:.1f} s, {seconds / reference:.2f} times that;"
        print(f"{line} {sum(one.gone.rows for one in receipts)} rows, {told(stall)}")
        seconds, stall, _ = await watched(office.data_of(BEN))
        print(f"my-data: {seconds:.1f} s, {seconds / reference:.2f} times that; {told(stall)}")


def told(stall: float) -> str:
    """The longest stall, in words."""
    return f"the event loop stood still for {stall * 1e3:.0f} ms at the longest"


def count_all(folder: Path) -> float:
    """Seconds that plain sqlite3 takes to open every file and count what is in it."""
    began = time.perf_counter()
    for world in worlds_in(folder):
        with contextlib.closing(sqlite3.connect(path_of(folder, world))) as connection:
            connection.execute("SELECT count(*) FROM exchanges").fetchone()
    return time.perf_counter() - began


async def watched(*work: Awaitable[T]) -> tuple[float, float, list[T]]:
    """Seconds until all is done, the longest that the event loop did not turn, and the results."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            longest = max(longest, time.perf_counter() - began - BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    began = time.perf_counter()
    try:
        results = await asyncio.gather(*work)
    finally:
        beating.cancel()
    return time.perf_counter() - began, longest, results


if __name__ == "__main__":
    main()
