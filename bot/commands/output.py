"""Where a command's data goes: standard output, or a file that appears when it is whole."""

import os
import queue
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from bot.commands.standard_streams import NobodyReadsError, StandardOutput, flush
from bot.store.problems import StoreError

PIECES_WAITING = 2
ZSTD_LEVEL = 3


class Output(Protocol):
    """What data is written to."""

    def write(self, data: bytes, /) -> object:
        """Add these bytes."""


class Checked:
    """Tells errors of the output from those of what is being read."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, data: bytes) -> None:
        """Add these bytes. Raises StoreError; NobodyReadsError at a closed pipe."""
        try:
            self._stream.write(data)
        except BrokenPipeError as error:
            raise NobodyReadsError from error
        except OSError as error:
            raise StoreError(f"{self._name}: cannot be written ({error.strerror}).") from error


class Compressed:
    """Compresses what is written in a thread of its own, so that reading goes on meanwhile."""

    def __init__(self, output: Output) -> None:
        import zstandard

        self._output = output
        self._compressor = zstandard.ZstdCompressor(
            level=ZSTD_LEVEL, write_checksum=True
        ).compressobj()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(PIECES_WAITING)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="zstd", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Add these bytes; raises what writing earlier ones raised."""
        if self._failure is not None:
            raise self._failure
        self._waiting.put(data)

    def finish(self) -> None:
        """Wait until everything is written; raises what writing raised."""
        self.stop()
        if self._failure is not None:
            raise self._failure
        self._output.write(self._compressor.flush())

    def stop(self) -> None:
        """Wait for the thread."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (data := self._waiting.get()) is not None:
            if self._failure is None:
                try:
                    self._output.write(self._compressor.compress(data))
                except Exception as error:  # noqa: BLE001 - raised where it is waited for
                    self._failure = error


@contextmanager
def output_to(path: Path | None) -> Iterator[Output]:
    """An output that ends up at `path` (standard output for None), compressed for `.zst`.

    The file, for the operator's own account alone, replaces what was there when the block ends
    well; after an error there is none. What is no file, as a named pipe or a device, is written
    to as it is. Raises StoreError; NobodyReadsError at a closed pipe.
    """
    if path is None:
        yield StandardOutput()
        flush()
        return
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError:
        kind = stat.S_IFREG
    if kind == stat.S_IFDIR:
        raise StoreError(f"{path}: is a folder. Name a file, such as {path / 'FILE'}.")
    if kind == stat.S_IFREG:
        # Where a link leads to, so that the link stays.
        yield from to_new_file(Path(os.path.realpath(path)))
    else:
        yield from to_what_is_there(path)


def to_new_file(path: Path) -> Iterator[Output]:
    """A file under another name, which gets its own when all is written."""
    partial = path.with_name(f"{path.name}.partial")
    stream = opened(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    try:
        with stream:
            yield from as_named(stream, path)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)


def to_what_is_there(path: Path) -> Iterator[Output]:
    """A named pipe or a device."""
    try:
        with opened(path, os.O_WRONLY) as stream:
            yield from as_named(stream, path)
    except BrokenPipeError as error:
        raise NobodyReadsError from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}).") from error


def opened(path: Path, flags: int) -> BinaryIO:
    """A file to write to. Raises StoreError."""
    try:
        return open(os.open(path, flags, 0o600), "wb")
    except OSError as error:
        raise StoreError(f"{path}: cannot be made ({error.strerror}).") from error


def as_named(stream: BinaryIO, path: Path) -> Iterator[Output]:
    """The stream, compressed if the name says so."""
    checked = Checked(stream, str(path))
    if path.suffix == ".zst":
        yield from compressed(checked)
    else:
        yield checked


def compressed(output: Output) -> Iterator[Output]:
    """The same, compressed; ends when all of it is written."""
    compressing = Compressed(output)
    try:
        yield compressing
        compressing.finish()
    finally:
        compressing.stop()
