"""The commands where standard input, output and error are not what they should be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.processes import ROOT, clean_environment

EXPLAIN = f"'{sys.executable}' -m bot intents --explain 'enable custom reasoning'"
CANNOT = "Standard output: cannot be written ("
INPUT = "import bot.commands.standard_streams as s, sys; s.prepare(); print(repr(sys.stdin.read()))"

ERRORS = "import bot.commands.standard_streams as s, sys; s.prepare(); print(sys.stderr.isatty())"


def shell(line: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a line in bash."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],  # noqa: S607
        capture_output=True,
        cwd=ROOT,
        env=clean_environment(settings),
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("command", [EXPLAIN, f"'{sys.executable}' -m bot --help"])
def test_where_nobody_reads_it_ends_quietly(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            ["bash", "-c", command],  # noqa: S607
            cwd=ROOT,
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_output_that_is_closed_is_told() -> None:
    done = shell(f"{EXPLAIN} >&-")
    assert done.returncode == 1
    assert done.stderr.startswith(CANNOT)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full")
def test_an_output_without_room_is_told() -> None:
    done = shell(f"{EXPLAIN} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(CANNOT)
    assert len(done.stderr.splitlines()) == 1


def test_closed_errors_are_no_terminal() -> None:
    # As the line that says how far an export is asks.
    assert shell(f"'{sys.executable}' -c '{ERRORS}' 2>&-").stdout == "False\n"


def test_a_closed_input_is_an_empty_one() -> None:
    assert shell(f"'{sys.executable}' -c '{INPUT}' <&-").stdout == "''\n"


def test_what_a_terminal_cannot_show_is_shown_by_its_number() -> None:
    done = shell(EXPLAIN, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u201cenable custom reasoning\\u201d" in done.stdout
