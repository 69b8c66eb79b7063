"""A bot in a process of its own, and the lines that it writes."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

STOP_SECONDS = 10.0


class BotProcess:
    """A running bot. `written` is all that is known to have come from it, logs and lines."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self._lines: list[str] = []

    @property
    def written(self) -> str:
        errors = self._errors.read_text(encoding="utf-8", errors="replace")
        return "\n".join([*self._lines, errors])

    async def line(self, wanted: str, *, timeout: float = 20.0) -> None:
        """Wait until it has written this line. Raises AssertionError with what it wrote instead."""
        out = self._process.stdout
        assert out is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while wanted not in self._lines:
                    raw = await out.readline()
                    if not raw:
                        break
                    self._lines.append(raw.decode().rstrip("\n"))
        assert wanted in self._lines, f"the bot wrote {self._lines}, not {wanted!r}"

    async def stop(self) -> int:
        """Interrupt it, as a terminal does; answers its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_SECONDS):
            # Its output is read to the end: a full pipe would keep it from ending.
            rest, _ = await self._process.communicate()
        self._lines += rest.decode().splitlines()
        return self._process.returncode or 0


@asynccontextmanager
async def running(command: Sequence[str], folder: Path) -> AsyncIterator[BotProcess]:
    """Run a bot in a folder. What goes wrong meanwhile is told with all that the bot wrote."""
    errors = folder / "errors.txt"
    with errors.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
        )
    bot = BotProcess(process, errors)
    try:
        yield bot
    except Exception as error:
        error.add_note(f"The bot wrote:\n{bot.written}")
        raise
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
