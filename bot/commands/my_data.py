"""The command `understudy my-data`: all that is kept of one person, for them.

The same as `/privacy my-data` sends, for those of whom Discord does not take it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bot.commands.output import output_to
from bot.commands.worlds import discord_id, require_data_dir
from bot.engines import engine_of
from bot.settings import Settings, load_settings
from bot.store.checking import waiting_in_inbox
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import path_of, worlds_in
from bot.store.forgetting import person_data
from bot.store.installation import FILE as INSTALLATION
from bot.store.installation import Installation, Standing
from bot.store.presence import has_nothing_of
from bot.store.problems import StoreError
from bot.store.reading import reading
from bot.store.records import World
from plugins.privacy.my_data import entries, my_data, packed

FAILED = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "my-data",
        help="write all that is kept of one person, for them",
        description="Write all that is kept of a person, as JSON. The bot may be running.",
    )
    parser.add_argument("--user", type=discord_id, metavar="ID", required=True)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="instead of standard output; an archive if it ends in .zip",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write it; 0, or 1 when that fails or something could not be read."""
    settings = load_settings()
    try:
        return write(args.user, args.output, settings)
    except StoreError as error:
        print(error, file=sys.stderr)
        return FAILED


def write(user_id: int, output: Path | None, settings: Settings) -> int:
    """Collect it and write it. Returns the exit code. Raises StoreError."""
    folder, engine = settings.data_dir, engine_of(settings)
    require_data_dir(folder)
    standing = Standing(id="")
    if (folder / INSTALLATION).exists():
        standing = Installation(folder, engine).read()
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    not_readable: dict[str, str] = {}
    for world in worlds_in(folder):
        of_another = not world.is_open_to(user_id)
        if of_another or has_nothing_of(path_of(folder, world), engine, user_id):
            # Whoever reads a file leaves 32 KB beside it: not beside ten thousand.
            continue
        try:
            kept = read(folder, world, engine, user_id)
        except StoreError as error:
            print(error, file=sys.stderr)
            not_readable[str(world)] = error.public
        else:
            if any(kept.values()):
                found[str(world)] = kept
    document = my_data(
        standing.id,
        user_id,
        found,
        not_readable,
        opted_out_everywhere=user_id in standing.objections,
    )
    with output_to(output) as file:
        file.write(packed(document) if output and output.suffix == ".zip" else document)
    report(entries(found), len(found), waiting_in_inbox(folder, engine))
    return FAILED if not_readable else 0


def report(count: int, places: int, waiting: int) -> None:
    """Say what was written, and what may be missing."""
    print(f"{count:,} entries from {places:,} places.", file=sys.stderr)
    if waiting:
        print(
            f"{waiting:,} operations wait in the inbox: what is the latest may not be in it. They "
            "are in the files a minute later while the bot runs.",
            file=sys.stderr,
        )


def read(folder: Path, world: World, engine: Engine, user_id: int) -> dict[str, Any]:
    """What a world's file has of a person. Raises StoreError."""
    with reading(folder, world, engine) as connection:
        try:
            return person_data(connection, user_id)
        except FAILURES as error:
            raise translate(error, path_of(folder, world)) from error
