"""`understudy my-data`, as an operator calls it."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.files import path_of
from tests.commands.recorded import HIS
from tests.store.filling import DM, GUILD, exchange, fill

pytestmark = pytest.mark.usefixtures("folder")


def test_my_data_says_what_it_could_not_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of others' direct messages the person is not to learn.
    for world in (DM, HIS):
        path_of(folder, world).write_bytes(b"no database" * 1000)
    assert main(["my-data", "--user", "91"]) == 1
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert list(document["worlds"]) == [str(GUILD)]
    assert list(document["not_readable"]) == [str(HIS)]
    assert str(path_of(folder, HIS)) in shown.err
    assert str(folder) not in shown.out


def test_my_data_tells_nobody_where_a_file_of_an_earlier_version_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(folder, [exchange(1)], HIS).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, HIS))) as connection:
        connection.execute("PRAGMA user_version = 2")
    assert main(["my-data", "--user", "91"]) == 1
    shown = capsys.readouterr()
    assert "store upgrade" in json.loads(shown.out)["not_readable"][str(HIS)]
    assert str(path_of(folder, HIS)) in shown.err
    assert str(folder) not in shown.out
