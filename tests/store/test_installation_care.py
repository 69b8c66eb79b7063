"""The file of who objected everywhere: damage is found, and nobody's objection is lost in it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store.backup import back_up
from bot.store.engine import Engine
from bot.store.installation import FILE, Installation
from bot.store.installation_care import (
    check_installation,
    measure_installation,
    repair_installation,
)
from bot.store.problems import StoreError
from bot.store.setting_aside import rename_aside
from tests.store.filling import GUILD, exchange, fill

PLAIN = Engine()
PEOPLE = range(1_000, 3_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With many who objected, and one who is to be forgotten in a server."""
    installation = Installation(tmp_path, PLAIN)
    installation.read()
    installation.note_forgotten(5, 17)
    installation.note_owed(5, [GUILD])
    installation.note_departure(8, 1)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.executemany("INSERT INTO objections VALUES (?, 1)", [(one,) for one in PEOPLE])
    return tmp_path


def damage(folder: Path, table: str) -> None:
    """Put noise over a page of this table's, behind the first."""
    path = folder / FILE
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno"
        pages = [row[0] for row in connection.execute(query, (table,))]
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    first = (pages[len(pages) // 2] - 1) * size
    data[first : first + size] = b"\xa5" * size
    path.write_bytes(data)


def problems(folder: Path) -> list[str]:
    return list(check_installation(folder, PLAIN, 30))


def test_it_is_measured_and_in_order(folder: Path) -> None:
    size = measure_installation(folder, PLAIN)
    assert size is not None
    assert size.rows == {
        "installation": 1,
        "objections": len(PEOPLE),
        "forgotten": 1,
        "owed": 1,
        "departures": 1,
    }
    assert problems(folder) == []
    assert repair_installation(folder, PLAIN) is None
    assert measure_installation(folder / "elsewhere", PLAIN) is None


def test_what_is_damaged_elsewhere_loses_no_objection(folder: Path) -> None:
    before = Installation(folder, PLAIN).read()
    damage(folder, "departures")
    assert "store repair" in problems(folder)[0]
    done = repair_installation(folder, PLAIN)
    assert done is not None
    assert done.backup is None
    after = Installation(folder, PLAIN).read()
    assert after.objections == before.objections
    assert (after.id, after.owed, after.forgotten) == (before.id, before.owed, before.forgotten)
    assert problems(folder) == []
    assert [path.name for path in folder.glob("*.repaired-*")] == [done.kept_as[0].name]


def test_without_a_backup_damaged_objections_are_left_alone(folder: Path) -> None:
    damage(folder, "objections")
    data = (folder / FILE).read_bytes()
    with pytest.raises(StoreError, match="Nothing was changed"):
        repair_installation(folder, PLAIN)
    assert (folder / FILE).read_bytes() == data
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_backup_and_what_can_be_read_come_together(folder: Path) -> None:
    fill(folder, [exchange(1)]).close()
    back_up(folder, [GUILD], folder / "backups", PLAIN, datetime.now(UTC))
    installation = Installation(folder, PLAIN)
    installation.withdraw_objection(1_000)
    installation.object(9_000, 5)
    installation.note_forgotten(5, 99)
    damage(folder, "objections")
    done = repair_installation(folder, PLAIN)
    assert done is not None
    assert done.backup is not None
    after = installation.read()
    assert set(after.objections) >= {*PEOPLE, 9_000}
    assert after.forgotten == {5: 99}


def test_a_file_that_was_set_aside_adds_to_the_present_one(folder: Path) -> None:
    rename_aside(folder / FILE)
    Installation(folder, PLAIN).object(9_000, 5)
    assert "is deleted on" in problems(folder)[0]
    done = repair_installation(folder, PLAIN)
    assert done is not None
    assert set(Installation(folder, PLAIN).read().objections) == {*PEOPLE, 9_000}
    assert problems(folder) == []


def test_a_file_of_a_newer_version_is_left_alone(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer version" in problems(folder)[0]
    with pytest.raises(StoreError, match="newer version"):
        Installation(folder, PLAIN).object(1, 1)
