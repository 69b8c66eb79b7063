"""The store's own processes: how they begin, and what they may."""

import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.engine import Engine
from bot.store.inbox import FOLDER, Inbox
from bot.store.operations import encode
from bot.store.processes import HANDLES, begin
from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteStore
from tests.store.loading import exchange

GUILD = World(WorldKind.GUILD, 1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if "-shm" not in path.name}


@pytest.mark.parametrize("said", [b"", b"\0", b"\0\7secr"])
@pytest.mark.parametrize("module", ["writer", "mover"])
async def test_one_that_was_not_told_the_key_touches_nothing(
    tmp_path: Path, module: str, said: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """With none it took the records for ones that are not encrypted, or for damaged ones."""
    inbox = Inbox(tmp_path / "killed", Engine())
    inbox.append([(GUILD, *encode(exchange(number, GUILD.id))) for number in range(5)])
    shutil.copytree(tmp_path / "killed" / FOLDER, tmp_path / FOLDER)
    inbox.close()
    before = contents(tmp_path / FOLDER)
    ours, theirs = socket.socketpair()
    with theirs:
        process = begin(f"bot.store.{module}", theirs, tmp_path)
    with ours:
        ours.sendall(said)
    assert process.wait(30) == 0
    assert capfd.readouterr().err == ""
    assert contents(tmp_path / FOLDER) == before
    async with SqliteStore(tmp_path, in_process=True) as store:
        assert (await store.world(GUILD).stats()).exchanges == 5


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what another process may")
async def test_the_writer_may_have_enough_files_open(tmp_path: Path) -> None:
    """Though the bot was begun with few, as where nobody says otherwise."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < HANDLES:
        pytest.skip("this account may not have so many")
    store = SqliteStore(tmp_path)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    try:
        await store.world(GUILD).write([exchange(1, GUILD.id)])
        process = store.writing._writer
        assert isinstance(process, subprocess.Popen)
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (HANDLES, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
        await store.close()
