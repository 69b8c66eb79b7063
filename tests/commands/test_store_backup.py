"""`understudy store backup` and `restore`, as an operator calls them."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.installation import Installation
from tests.commands.processes import without_privileges
from tests.commands.recorded import COUNT, bot_running, files_in
from tests.store.filling import DM, GUILD, exchange, fill

pytestmark = pytest.mark.usefixtures("folder")


def test_a_backup_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bot_running(folder):
        assert main(["store", "backup"]) == 0
    (backup,) = (folder / "backups").iterdir()
    path_of(folder, GUILD).unlink()
    with bot_running(folder):
        assert main(["store", "restore", str(backup)]) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert main(["store", "restore", "--guild", str(GUILD.id), str(backup)]) == 0
    assert main(["store", "check"]) == 0
    assert main(["store", "restore", str(folder)]) == 0
    assert main(["store", "restore", str(folder / "nowhere")]) == 1


def test_old_backups_go_when_one_is_made(folder: Path) -> None:
    old = folder / "backups" / "20200101T000000Z" / "guilds"
    old.mkdir(parents=True)
    assert main(["store", "backup", "--guild", str(GUILD.id), "--keep-days", "9000"]) == 0
    assert old.exists()
    assert main(["store", "backup", "--guild", str(GUILD.id)]) == 0
    assert not old.parent.exists()


def test_a_backup_outlives_itself(folder: Path) -> None:
    assert main(["store", "backup", "--keep-days", "0"]) == 0
    (kept,) = (folder / "backups").iterdir()
    assert path_of(kept, GUILD).exists()
    with pytest.raises(SystemExit):
        main(["store", "backup", "--keep-days", "-1"])
    assert main(["store", "restore", str(kept)]) == 0
    (before,) = (folder / "backups").glob("*-before-restore*")
    assert path_of(before, GUILD).exists()
    assert path_of(before, DM).exists()


def test_of_an_installation_without_servers_there_is_a_backup(folder: Path) -> None:
    for world in (GUILD, DM):
        path_of(folder, world).unlink()
    assert main(["store", "backup"]) == 1
    Installation(folder, Engine()).object(42, 1)
    assert main(["store", "backup"]) == 0
    (backup,) = (path for path in (folder / "backups").iterdir())
    (folder / "installation.sqlite3").unlink()
    assert main(["store", "restore", str(backup)]) == 0
    assert Installation(folder, Engine()).read().objections == {42: 1}


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        (
            f"guilds/{GUILD.id}.sqlite3",
            ".sqlite3: it cannot be opened. Give this account",
        ),
        ("backups", "this account may not use it. Give it read and write permission"),
    ],
)
def test_what_cannot_be_kept_for_want_of_permission_is_not_taken_for_damaged(
    folder: Path, closed: str, told: str
) -> None:
    assert main(["store", "backup"]) == 0
    (backup,) = (folder / "backups").iterdir()
    fill(folder, [exchange(COUNT)]).close()
    before = files_in(folder)
    place = folder / closed
    mode = place.stat().st_mode
    place.chmod(0o500 if place.is_dir() else 0)
    try:
        done = without_privileges("store", "restore", "--guild", str(GUILD.id), str(backup))
    finally:
        place.chmod(mode)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"{path_of(folder, GUILD)}: was not restored, and is as it was: ")
    assert told in said
    assert files_in(folder) == before


def test_a_file_of_a_newer_version_is_not_taken_for_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "backup"]) == 0
    (backup,) = (folder / "backups").iterdir()
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = files_in(folder)
    capsys.readouterr()
    assert main(["store", "restore", "--guild", str(GUILD.id), str(backup)]) == 1
    assert "was written by a newer version of Understudy" in capsys.readouterr().err
    assert files_in(folder) == before
