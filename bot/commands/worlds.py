"""Which world's file a command is about, and how it is opened."""

import argparse
import os
from pathlib import Path

from bot.store.errors import explain_folder
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind

KEPT_IN = ("guilds", "dms", "inbox")
LARGEST_ID = 2**63 - 1


def add_world_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add --guild and --dm, of which one can be given."""
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--guild", type=discord_id, metavar="ID", help="a server's records")
    which.add_argument(
        "--dm", type=discord_id, metavar="USER", help="the records of somebody's direct messages"
    )


def discord_id(text: str) -> int:
    """An id as Discord shows it."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= LARGEST_ID):
        raise argparse.ArgumentTypeError(f"should be an id, a number from Discord, is {text!r}")
    return int(text)


def require_data_dir(folder: Path) -> None:
    """Raises StoreError where DATA_DIR is no folder, or this account cannot look into all of it.

    Python takes a folder that it may not look into for an empty one.
    """
    places = [folder, *(folder / name for name in KEPT_IN if name in names_in(folder))]
    for place in places:
        names_in(place)


def names_in(folder: Path) -> list[str]:
    """What is in a folder of the records. Raises StoreError."""
    try:
        return os.listdir(folder)
    except OSError as error:
        raise StoreError(explain_folder(error, folder)) from error


def world_of(args: argparse.Namespace) -> World | None:
    """The world that was named, if any was."""
    if args.guild is not None:
        return World(WorldKind.GUILD, args.guild)
    if args.dm is not None:
        return World(WorldKind.DM, args.dm)
    return None
