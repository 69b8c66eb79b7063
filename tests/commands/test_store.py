"""What all of the jobs of `understudy store` have in common."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.compose import privacy_office
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.installation import Installation
from bot.store.setting_aside import rename_aside
from bot.store.sqlite import SqliteStore
from tests.commands.recorded import bot_running
from tests.store.filling import DM, GUILD

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("command", ["stat", "check", "repair", "upgrade", "backup"])
def test_what_was_never_recorded_is_not_taken_care_of(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", command, "--guild", "5"]) == 1
    assert f"{path_of(folder, GUILD).with_name('5.sqlite3')}: there is no such file" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("job", ["check", "repair", "backup", "upgrade", "stat"])
def test_with_a_wrong_key_nothing_is_in_order(
    folder: Path, job: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    monkeypatch.setenv("STORE_KEY", "hunter2")
    assert main(["store", "encrypt"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("STORE_KEY", "another")
    assert main(["store", job]) == 1
    output = capsys.readouterr()
    for world in (GUILD, DM):
        assert f"{path_of(folder, world)}: it cannot be read: STORE_KEY is not the one" in (
            output.out + output.err
        )
    assert "No file is damaged" not in output.out


def test_who_objected_everywhere_is_looked_after_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(folder, Engine())
    installation.object(42, 1)
    path = folder / "installation.sqlite3"
    assert main(["store", "stat"]) == 0
    assert "objected everywhere: 1" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 0
    assert f"{path}: is up to date" in capsys.readouterr().out
    assert main(["store", "backup"]) == 0
    assert "installation.sqlite3" in capsys.readouterr().out
    assert main(["store", "check"]) == 0
    assert "3 files are in order" in capsys.readouterr().out
    path.write_bytes(b"no database" * 1000)
    for command in ("check", "stat", "backup"):
        assert main(["store", command]) == 1
    with bot_running(folder):
        assert main(["store", "repair"]) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert main(["store", "repair"]) == 0
    assert "may have to say so again" in capsys.readouterr().out
    assert installation.read().objections == {42: 1}
    assert main(["store", "check"]) == 0


def test_till_when_a_damaged_file_is_kept_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whatever looks at the files; a backup with few days does not shorten it."""
    monkeypatch.setenv("BACKUP_DAYS", "12")
    aside = rename_aside(path_of(folder, GUILD))
    day = f"{datetime.now(UTC) + timedelta(days=12):%Y-%m-%d}"
    assert main(["store", "check"]) == 1
    assert f"is deleted on {day}" in capsys.readouterr().out
    assert main(["store", "stat"]) == 0
    assert f"damaged, kept until {day}: {aside}" in capsys.readouterr().out
    assert main(["store", "backup", "--keep-days", "0"]) == 0
    assert aside.exists()


def test_every_night_says_so_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    aside = rename_aside(path_of(folder, GUILD))
    office = privacy_office(SqliteStore(folder), backup_days=12)
    assert office._prune_backups is not None
    office._prune_backups()
    (said,) = caplog.messages
    day = f"{datetime.now(UTC) + timedelta(days=12):%Y-%m-%d}"
    assert str(aside) in said
    assert f"deleted on {day}, as" in said
