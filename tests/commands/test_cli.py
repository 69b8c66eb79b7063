"""The console script itself: every command is found, and only what it needs is imported."""

import subprocess
import sys

import pytest

from bot.cli import COMMANDS, main
from tests.commands.processes import ROOT

IMPORTED = """
import sys
from bot.cli import main
try:
    main([sys.argv[1], "--help"])
except SystemExit:
    print(*sys.modules)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: understudy {command} ")


def test_the_help_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:4] == " " * 4
    ]
    assert set(COMMANDS) <= set(listed)


def test_the_bot_is_run_without_what_only_other_commands_need() -> None:
    call = [sys.executable, "-c", IMPORTED, "run"]
    told = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    imported = set(told.stdout.splitlines()[-1].split())
    assert "bot.front.client" in imported
    assert not imported & {"bot.harness", "bot.commands.trial", "aiohttp.web", "openai", "PIL"}
