"""The command `understudy export`: a world's exchanges as a file for other programs."""

import argparse
import importlib.util
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bot.commands.output import Output, output_to
from bot.commands.progress import Progress
from bot.commands.worlds import add_world_arguments, require_data_dir, world_of
from bot.engines import engine_of
from bot.settings import load_settings
from bot.store.choosing import Choice, Feedback
from bot.store.errors import FAILURES, translate
from bot.store.export import FORMATS
from bot.store.files import path_of
from bot.store.problems import StoreError
from bot.store.reading import reading
from bot.store.training_rows import LeftOut, Lines

FAILED = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "export",
        help="write a server's exchanges as JSON lines, CSV or Parquet",
        description="Write the rows of training_data, in order of time. The bot may be running.",
    )
    add_world_arguments(parser, required=True)
    parser.add_argument("--format", choices=list(FORMATS), default="jsonl")
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="from this time on: 2026-01-31, in UTC"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="before this time")
    parser.add_argument("--purpose", help="only should_respond, planning or coding")
    parser.add_argument(
        "--feedback",
        choices=get_args(Feedback),
        help="only what got a thumbs-up, a thumbs-down, any vote, or none",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="instead of standard output; compressed if it ends in .zst",
    )
    parser.set_defaults(run=run)


def moment(text: str) -> int:
    """A date, or a date and time, in UTC unless it says otherwise; milliseconds since the epoch."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        problem = f"should be a time like 2026-01-31 or 2026-01-31T12:00, is {text!r}"
        raise argparse.ArgumentTypeError(problem) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return int(found.timestamp() * 1000)


def run(args: argparse.Namespace) -> int:
    """Write what was chosen; 0, or 1 when that fails, or when something had to be left out."""
    settings = load_settings()
    world = world_of(args)
    if world is None:
        raise TypeError("argparse lets nobody pass without a world")
    choice = Choice(
        since=args.since, until=args.until, purpose=args.purpose, feedback=args.feedback
    )
    left_out = LeftOut()
    try:
        check_extras(args.format, args.output)
        require_data_dir(settings.data_dir)
        with reading(settings.data_dir, world, engine_of(settings)) as connection:
            path = path_of(settings.data_dir, world)
            pieces = translated(FORMATS[args.format](connection, choice, left_out), path)
            span = first_and_last(connection, path)
            with output_to(args.output) as output, Progress("exchanges") as progress:
                count = write(pieces, output, progress, span)
    except StoreError as error:
        print(error, file=sys.stderr)
        return FAILED
    if args.output is not None:
        print(f"{args.output}: {count:,} exchanges.", file=sys.stderr)
    if left_out.count:
        print(explain(left_out), file=sys.stderr)
        return FAILED
    return 0


def explain(left_out: LeftOut) -> str:
    """What is not in the export, and what to do about it."""
    more = " and others" if left_out.count > len(left_out.ids) else ""
    return (
        f"{left_out.count:,} exchanges are left out, as their prompts are damaged:"
        f" {', '.join(map(str, left_out.ids))}{more}. `understudy store repair` empties such"
        " prompts; after that they are exported with an empty `input`."
    )


def check_extras(form: str, output: Path | None) -> None:
    """Raises StoreError for what is not installed, or does not go together."""
    needed = {"pyarrow": form == "parquet"}
    if output is None and form == "parquet" and sys.stdout.isatty():
        raise StoreError("Parquet is not for reading: name a file with -o.")
    if output is not None and output.suffix == ".zst":
        if form == "parquet":
            raise StoreError("A Parquet file is compressed inside: leave out the .zst.")
        needed["zstandard"] = True
    for module, wanted in needed.items():
        if wanted and importlib.util.find_spec(module) is None:
            raise StoreError(
                f"{module} is not installed. "
                "Run `pip install -e '.[export]'` where pyproject.toml is."
            )


def first_and_last(connection: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """The ids between which all exchanges are."""
    try:
        found = connection.execute("SELECT min(id), max(id) FROM exchanges").fetchone()
    except FAILURES as error:
        raise translate(error, path) from error
    return (0, 0) if found[0] is None else found


def translated(pieces: Iterator[Lines], path: Path) -> Iterator[Lines]:
    """The same; what goes wrong with the file is a StoreError."""
    try:
        yield from pieces
    except FAILURES as error:
        raise translate(error, path) from error


def write(
    pieces: Iterator[Lines], output: Output, progress: Progress, span: tuple[int, int]
) -> int:
    """Write all; returns how many exchanges there were."""
    count = 0
    first, last = span
    for piece in pieces:
        output.write(piece.text)
        count += piece.count
        progress.show((piece.last_id - first) / max(last - first, 1), count)
    return count
