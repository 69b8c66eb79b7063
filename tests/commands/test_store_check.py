"""`understudy store check`, as an operator calls it."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.files import path_of
from tests.commands.recorded import COUNT, bot_running
from tests.store.filling import GUILD, exchange

pytestmark = pytest.mark.usefixtures("folder")


def test_what_is_not_there_is_not_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "check", "--guild", "5"]) == 1
    assert "no such file" in capsys.readouterr().err


def test_check_finds_what_does_not_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("UPDATE counters SET exchanges = 7")
        connection.execute("DELETE FROM messages WHERE message_id = 1005")
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert "has 1 quoted messages that are not there" in shown
    assert f"where there are ({COUNT}, 0, 0)" in shown


@pytest.mark.parametrize("running", [True, False])
def test_check_export_and_repair_agree_on_prompts_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str], *, running: bool
) -> None:
    damaged = ("[1", b"[1", "[1.5]", f"[{2**63}]", f"[{2**63 - 1},1]", f"[{10**30}]")
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.executemany(
            "UPDATE exchanges SET prompt = ? WHERE id = ?",
            [(prompt, exchange(number).id) for number, prompt in enumerate(damaged)],
        )
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert f"has {len(damaged)} prompts that cannot be read" in shown
    assert "not there" not in shown
    export = ["export", "--guild", str(GUILD.id)]
    assert main(export) == 1
    exported = capsys.readouterr()
    assert len(exported.out.splitlines()) == COUNT - len(damaged)
    assert f"{len(damaged)} exchanges are left out" in exported.err
    with bot_running(folder) if running else contextlib.nullcontext():
        assert main(["store", "repair"]) == 0
    shown = capsys.readouterr().out
    assert f"{len(damaged)} prompts could not be read" in shown
    assert "No file is damaged" not in shown
    assert main(["store", "check"]) == 0
    capsys.readouterr()
    assert main(export) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [bool(row["input"]) for row in rows] == [n >= len(damaged) for n in range(COUNT)]
    assert rows[0]["output"] == "Answer 0."
