"""The line that says how far a command is."""

import os
import sys
import termios

import pytest

from bot.commands.progress import Progress


@pytest.mark.parametrize("columns", [2, 20, 40, 60, 80, 200])
def test_the_line_is_never_wrapped(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, ours = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen, os.fdopen(ours, "w") as stderr:
        termios.tcsetwinsize(ours, (24, columns))
        monkeypatch.setattr(sys, "stderr", stderr)
        with Progress("exchanges") as progress:
            progress._last = -1.0
            progress.show(0.65, 19_584)
        shown = b""
        while not shown.endswith(b"\r\x1b[K"):
            # A terminal gives what was written in pieces of its own.
            shown += screen.read(4096)
    _, line, after = shown.decode().split("\r")
    line = line.removesuffix("\x1b[K")
    assert 0 < len(line) < columns
    assert columns < 60 or " 65%  19,584 exchanges, " in line
    assert after == "\x1b[K"
