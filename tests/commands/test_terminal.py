"""`understudy try` on a terminal: what it leaves behind when it is interrupted."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from tests.commands.processes import LIMIT_SECONDS, clean_environment
from tests.model_server import ModelServer

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import termios


def has_echo(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


async def shown(terminal: int, text: bytes) -> None:
    """Read what is on the terminal until `text` is."""
    output = b""
    async with asyncio.timeout(LIMIT_SECONDS):
        while text not in output:
            with contextlib.suppress(BlockingIOError):
                output += os.read(terminal, 4096)
            await asyncio.sleep(0.01)


async def test_ctrl_c_leaves_the_terminal_with_its_echo(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    os.set_blocking(keyboard, False)

    def take_terminal() -> None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    assert has_echo(terminal)
    async with ModelServer() as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "try"),
            cwd=tmp_path,
            env=clean_environment({"MODEL_URL": server.url, "MODEL_NAME": "m", "TERM": "xterm"}),
            stdin=terminal,
            stdout=terminal,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        try:
            await shown(keyboard, b"ada (admin)> ")
            os.write(keyboard, b"\x03")
            async with asyncio.timeout(LIMIT_SECONDS):
                assert await process.wait() == 130
            assert has_echo(terminal)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            os.close(keyboard)
            os.close(terminal)
