"""`understudy` as a process of its own, as its users run it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bot.harness import FakeDiscord
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 30.0


class Understudy:
    """A running command; `errors` grows by the lines that it writes to stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.errors: list[str] = []
        self.output = ""
        self._changed = asyncio.Condition()
        self._reading = asyncio.gather(self._read_errors(), self._read_output())

    async def said(self, text: str) -> str:
        """Wait until a line of stderr has `text` in it; that line."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            while True:
                for line in self.errors:
                    if text in line:
                        return line
                if self.process.stderr is None or self.process.stderr.at_eof():
                    raise AssertionError(f"ended without {text!r}: {self.errors}")
                await self._changed.wait()

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        async with asyncio.timeout(LIMIT_SECONDS):
            await self._reading
            return await self.process.wait()

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(how)
        return await self.ended()

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            async with self._changed:
                self.errors.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    async def _read_output(self) -> None:
        assert self.process.stdout is not None
        self.output = (await self.process.stdout.read()).decode()


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment for a command, with these settings and no others."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in Settings.model_fields
    }
    return {**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


def without_privileges(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a command whose account may do no more than the files' modes say."""
    # An account with all rights, as in many containers, gives them up for this.
    give_up = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*give_up, sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@asynccontextmanager
async def understudy(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, stdin: bytes = b""
) -> AsyncIterator[Understudy]:
    """Run a command in `folder`, with these settings and no others; ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=folder,
        env=clean_environment(settings or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    command = Understudy(process)
    try:
        yield command
    finally:
        if process.returncode is None:
            process.kill()
        await command.ended()


def at(fake: FakeDiscord, folder: Path, **more: str) -> dict[str, str]:
    """The settings of a bot at this fake Discord, with its data below `folder`."""
    return {
        "DISCORD_TOKEN": fake.bot_token,
        "DISCORD_API_URL": fake.rest,
        "DISCORD_GATEWAY_URL": fake.gateway,
        "DATA_DIR": str(folder / "data"),
        **more,
    }
