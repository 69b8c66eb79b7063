"""What `understudy` does: picks the command and runs it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

from bot.commands import standard_streams
from bot.commands.interrupting import ended_at_once
from bot.commands.standard_streams import NOBODY_READS, NobodyReadsError, OutputError
from bot.settings import SettingsError

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "try": "bot.commands.trial",
        "run": "bot.commands.run",
        "doctor": "bot.commands.doctor",
        "fake-discord": "bot.commands.fake_discord",
        "intents": "bot.commands.intents",
        "export": "bot.commands.export",
        "my-data": "bot.commands.my_data",
        "store": "bot.commands.store",
    }
)
"""Each command's module, which has `add_parser`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2: the call or a setting is wrong)."""
    standard_streams.prepare()
    try:
        try:
            return run(sys.argv[1:] if argv is None else argv)
        finally:
            # Also of what failed: where standard output is at fault, that is what is told.
            standard_streams.flush()
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        return 2
    except NobodyReadsError:
        return NOBODY_READS
    except OutputError as error:
        print(error, file=sys.stderr)
        return 1


def run(words: Sequence[str]) -> int:
    """Run the command that these words name. Raises what that raises."""
    parser = argparse.ArgumentParser(
        prog="understudy", description="A Discord bot with an agent, and a model learning its part."
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    # The bot that runs for months need not hold what the other commands are made of.
    named = [COMMANDS[words[0]]] if words and words[0] in COMMANDS else COMMANDS.values()
    with ended_at_once():
        for module in named:
            import_module(module).add_parser(subparsers)
    args = parser.parse_args(words)
    code: int = args.run(args)
    return code
