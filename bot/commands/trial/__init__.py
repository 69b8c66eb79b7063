"""`understudy try`: the whole product on this machine, with a fake Discord to chat in."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bot.commands.arguments import seconds
from bot.commands.trial.script import ScriptError, play, read_script
from bot.commands.trial.stage import open_stage
from bot.commands.trial.terminal import chat, terminal_kept
from bot.logs import set_up_logging
from bot.settings import Settings, load_settings


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "try",
        help="try the bot in the terminal, without a Discord account",
        description="Starts a fake Discord, the bot connected to it, and its model, and opens a "
        "chat. Nothing leaves this machine, unless MODEL_URL says otherwise.",
    )
    parser.add_argument(
        "--script",
        type=Path,
        metavar="FILE",
        help="play lines `NAME: text` or `NAME: /command …` instead, and print what was said",
    )
    parser.add_argument("--json", action="store_true", help="with --script: a JSON object a line")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long the bot has for each answer (default: 60)",
    )
    parser.set_defaults(run=run, misused=parser.error)


def run(args: argparse.Namespace) -> int:
    """Chat or play a script. Returns 1 when a line got no answer, 2 when the script is wrong."""
    if args.json and args.script is None:
        args.misused("--json needs --script FILE")
    settings = load_settings()
    set_up_logging("error" if settings.log_level == "info" else settings.log_level)
    try:
        with terminal_kept():
            return asyncio.run(start(args, settings))
    except ScriptError as error:
        print(error, file=sys.stderr)
        return 2


async def start(args: argparse.Namespace, settings: Settings) -> int:
    """Open the stage, then play the script or chat on it."""
    lines = None if args.script is None else read_script(args.script)
    async with open_stage(settings, progress=tell) as stage:
        tell(where_records_go(Path(stage.records_file)))
        tell(f"The same chat in a browser: {stage.web}")
        if lines is None:
            return await chat(stage, timeout=args.timeout)
        return await play(stage, lines, timeout=args.timeout, as_json=args.json)


def where_records_go(file: Path) -> str:
    """What to say of the file for the records: that, or that nothing can be written there."""
    there = next(path for path in (file, *file.parents) if os.path.lexists(path))
    if os.access(there, os.W_OK) and (there == file or there.is_dir()):
        return f"Records go to {file}"
    return f"No records can be kept: {there} cannot be written. Set DATA_DIR to another folder."


def tell(line: str) -> None:
    """Say what is going on, beside what is being said."""
    print(line, file=sys.stderr, flush=True)
