"""Processes of the store's own: how one is begun, and how it learns the key."""

import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# 64 worlds' files at three handles each, and 16 segments of the inbox at six.
HANDLES = 1024

# Modules are found where this process finds them.
BEGIN = "import sys; sys.path[:] = sys.argv[2:]; from {module} import main; main()"


def begin(
    module: str, link: socket.socket, folder: Path, keep: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Begin `main` of this module: its standard input is the link, its first argument the folder.

    It keeps these handles open, too. Raises OSError.
    """
    root = str(Path(__file__).parents[2])
    code = BEGIN.format(module=module)
    return subprocess.Popen(  # noqa: S603 - this Python, and a module of our own
        [sys.executable, "-P", "-c", code, str(folder.absolute()), root, *sys.path],
        stdin=link.fileno(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=keep,
    )


def pack_key(key: str | None) -> bytes:
    """What goes over the link first: not an argument, which every process could read."""
    data = (key or "").encode()
    return len(data).to_bytes(2) + data


def read_key(link: socket.socket) -> str | None:
    """The key that comes over the link first.

    Raises EOFError where the other end was gone before: that there is none was not said.
    """
    length = int.from_bytes(exactly(link, 2))
    return exactly(link, length).decode() or None


def link_of_input() -> socket.socket:
    """The link that this process was begun with."""
    return socket.socket(fileno=os.dup(sys.stdin.fileno()))


def allow_handles() -> None:
    """Let this process have HANDLES files open, as far as its account may.

    Where nobody says otherwise macOS allows 256.
    """
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HANDLES if most == resource.RLIM_INFINITY else min(HANDLES, most)
    if few != resource.RLIM_INFINITY and few < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def hung_up(link: socket.socket) -> bool:
    """Whether the other end is gone, though something may be left to read from it."""
    waiting = select.poll()
    waiting.register(link, 0)
    return bool(waiting.poll(0))


def exactly(link: socket.socket, count: int) -> bytes:
    """So many bytes. Raises EOFError where the other end closed it before."""
    data = b""
    while len(data) < count:
        piece = link.recv(count - len(data))
        if not piece:
            raise EOFError("The other end is gone.")
        data += piece
    return data
