"""`understudy store encrypt` and `decrypt`, as an operator calls them."""

from pathlib import Path

import pytest

from bot.cli import main
from bot.store.engine import Engine
from bot.store.installation import Installation
from bot.store.setting_aside import rename_aside
from tests.commands.recorded import bot_running
from tests.store.filling import DM

pytestmark = pytest.mark.usefixtures("folder")


def test_encrypting_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    assert main(["store", "encrypt"]) == 1
    assert "STORE_KEY is not set" in capsys.readouterr().err
    assert main(["store", "backup"]) == 0
    monkeypatch.setenv("STORE_KEY", "hunter2")
    with bot_running(folder):
        assert main(["store", "encrypt"]) == 1
    Installation(folder, Engine()).object(42, 1)
    aside = rename_aside(folder / "installation.sqlite3")
    Installation(folder, Engine()).object(42, 1)
    assert main(["store", "encrypt"]) == 0
    shown = capsys.readouterr().out
    assert "5 files encrypted" in shown
    assert f"{aside}: is damaged and was left as it is" in shown
    assert Installation(folder, Engine("hunter2")).read().objections == {42: 1}
    aside.unlink()
    assert main(["store", "check"]) == 0
    assert main(["export", "--dm", str(DM.id), "-o", "x.jsonl"]) == 0
    monkeypatch.setenv("STORE_KEY", "another")
    assert main(["store", "decrypt"]) == 1
    output = capsys.readouterr()
    assert "STORE_KEY is not the one" in output.err
    assert "hunter2" not in output.err + output.out
    monkeypatch.setenv("STORE_KEY", "hunter2")
    assert main(["store", "decrypt"]) == 0
    monkeypatch.delenv("STORE_KEY")
    assert main(["store", "check"]) == 0
