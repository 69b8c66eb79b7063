"""A bot's end of the store under load, to be killed: `python -m tests.store.loading FOLDER FIRST`.

Begins with a line on its standard input. Prints `writer PID` for each writer that is begun, and
`kept CALLER GUILD ID` for each exchange, once it was told that it is on disk.
"""

import asyncio
import itertools
import logging
import os
import subprocess
import sys
from pathlib import Path

from bot.store import writing
from bot.store.operations import ReplyAttached
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.filling import START, exchange_of

GUILDS = 6
CALLERS = 24
SYSTEM = ChatMessage("system", "Be kind. " * 20)


def exchange(number: int, guild: int) -> Exchange:
    """One of its own, with a context that others share."""
    said = (
        ChatMessage("user", f"What is {quoted}? " * 8, "ben", guild * 1_000 + quoted, 9)
        for quoted in range(number % 20, number % 20 + 6)
    )
    return exchange_of(
        id=number,
        timestamp=START + number,
        room_id=guild,
        input=(SYSTEM, *said),
        output=f"It is {number}. " * 30,
        success=number % 3 > 0,
        fallback_from="custom" if number % 5 == 0 else None,
        prompt_tokens=1,
        completion_tokens=2,
    )


def tell(line: str) -> None:
    """Print it so that it is read even if this process ends with the next instruction."""
    os.write(1, f"{line}\n".encode())


async def load(folder: Path, first: int) -> None:
    """Write until killed."""
    numbers = itertools.count(first)
    store = SqliteStore(folder)

    async def call(caller: int) -> None:
        for number in numbers:
            guild = number % GUILDS + 1
            world = store.world(World(WorldKind.GUILD, guild))
            await world.write(
                [exchange(number, guild), ReplyAttached(number, (number * 10, number * 10 + 1))]
            )
            tell(f"kept {caller} {guild} {number}")

    async def watch() -> None:
        known = None
        while True:
            process = store.writing._writer
            if isinstance(process, subprocess.Popen) and process.pid != known:
                known = process.pid
                tell(f"writer {known}")
            await asyncio.sleep(0.002)

    await asyncio.gather(watch(), *(call(caller) for caller in range(CALLERS)))


if __name__ == "__main__":
    writing.RESTART_SECONDS = (0.01, 0.05)
    logging.disable()
    sys.stdin.readline()
    asyncio.run(load(Path(sys.argv[1]), int(sys.argv[2])))
