"""Standard input, output and error, as the commands can count on them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import BinaryIO, Literal

NOBODY_READS = 141
"""The exit code that a shell shows of a program that wrote to a closed pipe."""


class OutputError(Exception):
    """Standard output takes nothing; the message says why."""


class NobodyReadsError(OutputError):
    """Standard output is a pipe, and its other end is closed."""


def prepare() -> None:
    """Have all three, also where the caller closed them, and no character that cannot be shown.

    A closed one would be None; and its number would go to the next file that is opened.
    """
    if sys.stdin is None:
        sys.stdin = TextIOWrapper(nothing("rb", os.O_RDONLY))
    if sys.__stdout__ is None:
        # Not to be written, so that nobody takes for written what went nowhere.
        sys.stdout = Told(nothing("wb", os.O_RDONLY), encoding="utf-8")
    elif sys.stdout is sys.__stdout__:
        sys.stdout = Told(
            sys.stdout.buffer,
            encoding=sys.stdout.encoding,
            errors="backslashreplace",
            line_buffering=bool(sys.stdout.line_buffering),
        )
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:
        sys.stderr = TextIOWrapper(nothing("wb", os.O_WRONLY), encoding="utf-8")


def nothing(mode: Literal["rb", "wb"], flags: int) -> BinaryIO:
    """What stands in the place of a stream that is closed."""
    return os.fdopen(os.open(os.devnull, flags), mode)


class Told(TextIOWrapper):
    """A standard output whose failures are told from those of anything else."""

    def write(self, text: str) -> int:
        """Add this text. Raises OutputError."""
        with failures_told():
            return super().write(text)

    def flush(self) -> None:
        """Write what waits. Raises OutputError."""
        with failures_told():
            super().flush()


class StandardOutput:
    """Standard output for bytes."""

    def write(self, data: bytes) -> None:
        """Add these bytes. Raises NobodyReadsError or OutputError."""
        with failures_told():
            sys.stdout.buffer.write(data)


def flush() -> None:
    """Write what waits for standard output. Raises NobodyReadsError or OutputError."""
    with failures_told():
        sys.stdout.flush()


@contextmanager
def failures_told() -> Iterator[None]:
    """Makes of failures of standard output those that are told."""
    try:
        yield
    except BrokenPipeError as error:
        give_up()
        raise NobodyReadsError from error
    except OSError as error:
        give_up()
        raise OutputError(f"Standard output: cannot be written ({error.strerror}).") from error


def give_up() -> None:
    """Let what waits go nowhere: Python, when it ends, would try again and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
