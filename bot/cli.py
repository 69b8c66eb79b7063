"""The console script `understudy`: picks the command and runs it."""

import argparse
import sys
from collections.abc import Sequence

from bot.commands import doctor, export, fake_discord, intents, my_data, run, store, trial
from bot.settings import SettingsError

COMMANDS = (trial, run, doctor, fake_discord, intents, export, my_data, store)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2: the call or a setting is wrong)."""
    parser = argparse.ArgumentParser(
        prog="understudy", description="A Discord bot with an agent, and a model learning its part."
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        code: int = args.run(args)
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return code
