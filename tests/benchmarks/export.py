"""What exports and pages cost: `python -m tests.benchmarks.export [--rows N] [--folder FOLDER]`.

Rates are compared to the `sqlite3` command line writing the same rows in the same run, so that the
ratios mean something on any machine. Needs the extra `export` and the command lines of sqlite3 and
zstd. With --folder the big file is kept there, and used again.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.commands import export
from bot.store.engine import Engine
from bot.store.export import load_pyarrow
from bot.store.files import path_of
from bot.store.pages import read_page
from bot.store.reading import reading
from tests.benchmarks.big_file import WORLD, build

Cost = tuple[float, float]
"""Seconds by the clock, and of CPU."""

QUERY = "SELECT * FROM training_data"
SIZES = """
    SELECT name, sum(pgsize) / 1e6, sum(payload) / 1e6, sum(unused) / 1e6 FROM dbstat
    GROUP BY name ORDER BY 2 DESC LIMIT 5
"""


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--said", type=int, default=90, help="mean characters of a message")
    parser.add_argument("--answered", type=int, default=350, help="mean characters of an answer")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        export_here(args.child)
        return
    with contextlib.ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not path_of(folder, WORLD).exists():
            begun = time.monotonic()
            big = build(folder, args.rows, said=args.said, answered=args.answered)
            size = big.path.stat().st_size
            print(f"built in {time.monotonic() - begun:.0f} s: {size / 1e6:,.0f} MB")
            print(f"{size / big.new_text:.2f} times the bytes of new text")
        sizes(path_of(folder, WORLD))
        pages(folder)
        exports(folder, args.runs)


def sizes(path: Path) -> None:
    """What the file's bytes are spent on."""
    done = subprocess.run(
        ["sqlite3", path, SIZES],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        name, total, payload, unused = line.split("|")
        print(f"  {name:28} {float(total):8.1f} MB, rows {payload}, free in pages {unused}")


def pages(folder: Path) -> None:
    """Database time of what people look at."""
    with reading(folder, WORLD, Engine()) as connection:
        first, last = connection.execute("SELECT min(id), max(id) FROM exchanges").fetchone()
        middle = (first + last) // 2
        room = connection.execute("SELECT room_id FROM exchanges LIMIT 1").fetchone()[0]
        show("counters", lambda: connection.execute("SELECT * FROM counters").fetchall())
        show("25 exchanges before an id", lambda: read_page(connection, middle, 25))
        show("of one room of 400", lambda: read_page(connection, middle, 25, room_id=room))
        show("thumbs down", lambda: read_page(connection, middle, 25, feedback="down"))
        show("of a room that has none", lambda: read_page(connection, middle, 25, room_id=1))


def show(what: str, call: Callable[[], object]) -> None:
    """Print the median of a few calls."""
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    print(f"{what}: {statistics.median(times) * 1000:.3f} ms")


def exports(folder: Path, runs: int) -> None:
    """Rates of the exports and of the command line, in turns."""
    path = path_of(folder, WORLD)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (rows,) = connection.execute("SELECT exchanges FROM counters").fetchone()
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    command = f"sqlite3 -cmd '.mode json' '{path}' '{QUERY}'"
    calls: dict[str, Callable[[], Cost]] = {
        "sqlite3 .mode json": lambda: shell(f"{command} > /dev/null"),
        "jsonl": lambda: ours(folder),
        "sqlite3 .mode json | zstd -3": lambda: shell(f"{command} | zstd -3 > {scratch}/cli.zst"),
        "jsonl.zst": lambda: ours(folder, "-o", str(scratch / "ours.jsonl.zst")),
        "csv": lambda: ours(folder, "--format", "csv"),
        "parquet": lambda: ours(folder, "--format", "parquet", "-o", str(scratch / "x.parquet")),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            costs[name].append(call())
    shutil.rmtree(scratch)
    medians = {
        name: [statistics.median(values) for values in zip(*found, strict=True)]
        for name, found in costs.items()
    }
    for name, (wall, cpu) in medians.items():
        reference = "sqlite3 .mode json" + (" | zstd -3" if "zst" in name else "")
        wall_there, cpu_there = medians[reference]
        print(
            f"{name}: {rows / wall:,.0f} exchanges/s, {wall_there / wall:.2f} of the command line;"
            f" {cpu / rows * 1e6:.1f} µs of CPU each, {cpu_there / cpu:.2f}"
        )


def timed(command: list[str], **how: Any) -> tuple[Cost, bytes]:  # noqa: ANN401 - as subprocess
    """What a command costs, and its standard error."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stderr=subprocess.PIPE, check=True, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.monotonic() - begun, cpu), done.stderr


def shell(command: str) -> Cost:
    """What a shell command costs."""
    return timed(["/bin/sh", "-c", command])[0]


def ours(folder: Path, *arguments: str) -> Cost:
    """What the command costs, with the start of Python; its memory is printed."""
    child = [sys.executable, "-m", "tests.benchmarks.export", "--child"]
    cost, told = timed(
        [*child, "export", "--guild", str(WORLD.id), *arguments],
        env={**os.environ, "DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
    )
    grown = json.loads(told.splitlines()[-1])
    print(f"  export {' '.join(arguments)}: {cost[0]:.1f} s, grew by {grown / 1024:.1f} MB")
    return cost


def export_here(arguments: list[str]) -> None:
    """Run the command, and print by how many KB the process grew after its imports."""
    parser = argparse.ArgumentParser()
    export.add_parser(parser.add_subparsers())
    args = parser.parse_args(arguments)
    if "parquet" in arguments:
        load_pyarrow()
    before = peak_memory()
    args.run(args)
    print(peak_memory() - before, file=sys.stderr)


def peak_memory() -> int:
    """The most KB that this process ever had; getrusage counts its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
