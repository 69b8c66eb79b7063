"""`understudy fake-discord`: only the fake Discord, for any bot."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bot.commands.arguments import port
from bot.commands.output import output_to
from bot.commands.run import ended_by_signals
from bot.harness import FakeDiscord
from bot.harness.worldfile import WorldFileError, load_world
from bot.store.problems import StoreError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "fake-discord",
        help="run a fake Discord on this machine",
        description="Runs a fake Discord on loopback until it is interrupted. When it is ready it "
        "writes one JSON object with its addresses, tokens and ids.",
    )
    parser.add_argument("--port", type=port, default=0, help="the port (default: a free one)")
    parser.add_argument("--ready-file", type=Path, help="write the JSON object here, too")
    parser.add_argument(
        "--world", type=Path, metavar="FILE", help="a world in YAML or JSON (default: a small one)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 1 if the port or a file cannot be had."""
    try:
        asyncio.run(serve(args.port, args.ready_file, args.world))
    except (OSError, StoreError, WorldFileError) as error:
        print(f"The fake Discord cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def serve(at_port: int, ready_file: Path | None, world_file: Path | None = None) -> None:
    """Serve, and say so when ready."""
    world = None if world_file is None else load_world(world_file)
    async with FakeDiscord(world, port=at_port) as discord:
        control = {"control": discord.control_url, "control_token": discord.control.token}
        line = json.dumps(discord.describe() | control)
        if ready_file is not None:
            with output_to(ready_file) as output:
                output.write(f"{line}\n".encode())
        print(line, flush=True)
        forever = asyncio.create_task(asyncio.Event().wait())
        with ended_by_signals(forever):
            await asyncio.wait([forever])
