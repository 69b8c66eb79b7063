"""Commands that only read the records: they change nothing, and say where they cannot."""

import contextlib
import sqlite3
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.files import path_of
from tests.commands.processes import ROOT, without_privileges
from tests.commands.recorded import COUNT, files_in
from tests.store.filling import DM, GUILD, exchange, fill

pytestmark = pytest.mark.usefixtures("folder")

LOOKS = (
    ["store", "stat"],
    ["store", "check"],
    ["store", "repair"],
    ["store", "backup"],
    ["export", "--guild", str(GUILD.id)],
    ["my-data", "--user", "90", "-o", "their.json"],
)


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_who_only_reads_leaves_nothing_beside_a_file(folder: Path, command: list[str]) -> None:
    before = files_in(folder)
    assert set(before) == {f"{GUILD.id}.sqlite3", f"{DM.id}.sqlite3"}
    assert main(command) == 0
    assert files_in(folder) == before


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_who_only_reads_takes_nothing_away(folder: Path, command: list[str]) -> None:
    """From another process that has the file open, and writes it before and after."""
    path = path_of(folder, GUILD)
    writer = f"""
import sys
from tests.store.filling import *
from pathlib import Path
for number in (500, 501):
    connection = fill(Path({str(folder)!r}), [exchange(number)])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("SELECT 1 FROM exchanges").fetchone()
    print(flush=True)
    sys.stdin.readline()
    connection.execute("UPDATE counters SET last_timestamp = 7")
    connection.execute("SELECT 1 FROM exchanges").fetchone()
"""  # noqa: S608 - a program, no statement
    with subprocess.Popen(
        [sys.executable, "-c", writer],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for _ in range(2):
            assert other.stdout.readline() == b"\n"
            inodes = {one.name: one.stat().st_ino for one in path.parent.iterdir()}
            assert len(inodes) == 3
            assert main(command) == 0
            assert {one.name: one.stat().st_ino for one in path.parent.iterdir()} == inodes
            other.stdin.write(b"\n")
            other.stdin.flush()
        other.stdin.close()
    assert other.returncode == 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (COUNT + 2,)
        assert connection.execute("SELECT last_timestamp FROM counters").fetchone() == (7,)


@pytest.mark.parametrize("command", [look for look in LOOKS if "repair" not in look], ids=" ".join)
def test_what_a_crash_left_in_a_log_stays_there(folder: Path, command: list[str]) -> None:
    path = path_of(folder, GUILD)
    log = path.with_name(f"{path.name}-wal")
    with contextlib.closing(fill(folder, [exchange(500)])):
        left = path.read_bytes(), log.read_bytes()
    path.write_bytes(left[0])
    log.write_bytes(left[1])
    assert main(command) == 0
    assert (path.read_bytes(), log.read_bytes()) == left
    fill(folder, []).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (COUNT + 1,)


@pytest.mark.parametrize(
    "command",
    [
        *(["store", name] for name in ("stat", "check", "repair", "upgrade", "backup")),
        ["my-data", "--user", "91"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("kind", ["missing", "file"])
def test_of_a_wrong_data_dir_nobody_is_told_that_it_is_in_order(
    command: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = tmp_path / "wrong"
    monkeypatch.setenv("DATA_DIR", "wrong")
    if kind == "file":
        wrong.touch()
    assert main(command) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"DATA_DIR: {wrong} cannot be looked into" in told.err
    assert "relative to the folder you are in" in told.err
    assert not wrong.is_dir()


@pytest.mark.parametrize(
    ("closed", "command"),
    [
        *product((".", "guilds", "dms"), ("store stat", "store check", "store backup", "doctor")),
        *product((".", "guilds", "dms"), ("my-data --user 91", f"export --guild {GUILD.id}")),
        # Of a file that it may not look into a bot that runs says so in the status.
        (".", "try"),
    ],
)
def test_an_account_that_may_not_look_is_told(command: str, closed: str, folder: Path) -> None:
    place = folder / closed
    place.chmod(0)
    try:
        done = without_privileges(*command.split())
    finally:
        place.chmod(0o700)
    assert done.returncode in {1, 2}
    assert (
        f"DATA_DIR: {place} cannot be looked into (Permission denied). Use the account that the"
        " bot runs as" in done.stdout + done.stderr
    )
    assert "Traceback" not in done.stderr
