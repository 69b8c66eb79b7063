"""`understudy`, and `python -m bot`: loads the commands and runs one."""

import sys


def main() -> int:
    """Run one command; returns the exit code. Ctrl-C is heard also while modules load."""
    try:
        from bot.commands.interrupting import ended_at_once

        with ended_at_once():
            from bot.cli import main as run_command
        return run_command()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
