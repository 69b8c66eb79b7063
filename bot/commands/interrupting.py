"""Ctrl-C while modules are loaded."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

# What a shell shows of a program that Ctrl-C ended.
INTERRUPTED = 130


@contextmanager
def ended_at_once() -> Iterator[None]:
    """While the block runs, Ctrl-C ends the process there and then, and nothing is said.

    For loading modules, when nothing waits to be written yet. What is not written in Python makes
    of a KeyboardInterrupt an error of its own, as pydantic does of one while it loads. Where
    Ctrl-C is ignored, as by a shell's background job, it stays so.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
