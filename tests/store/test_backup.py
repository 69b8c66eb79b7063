"""Backups are whole, private, and gone when they are too old."""

import contextlib
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store.backup import back_up, prune_backups, restore, restore_installation
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import open_world, path_of
from bot.store.installation import Installation
from bot.store.operations import MessagesForgotten
from bot.store.problems import StoreError
from bot.store.records import World
from bot.store.repair import repair
from bot.store.setting_aside import rename_aside
from tests.store.filling import DM, GUILD, exchange, fill, training_rows

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PLAIN = Engine()


def rows(folder: Path, world: World = GUILD) -> list[dict[str, object]]:
    with contextlib.closing(open_world(folder, world, PLAIN)) as connection:
        return training_rows(connection)


def test_a_backup_is_whole_and_private_while_the_file_is_written(tmp_path: Path) -> None:
    with contextlib.closing(fill(tmp_path, [exchange(1), exchange(2)])) as writing:
        fill(tmp_path, [exchange(3)], DM).close()
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DELETE FROM exchanges")
        done = back_up(tmp_path, [GUILD, DM], tmp_path / "backups", PLAIN, NOW)
        writing.execute("ROLLBACK")
    place = tmp_path / "backups" / "20260304T050607Z"
    assert [one.copy for one in done] == [path_of(place, GUILD), path_of(place, DM)]
    assert not any(one.problem for one in done)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    assert files == sorted(one.copy for one in done)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    folders = [place.parent, place, *(path for path in place.iterdir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert rows(place) == rows(tmp_path)
    assert rows(place, DM) == rows(tmp_path, DM)


def test_two_backups_at_once_do_not_meet(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    copies = {
        back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)[0].copy for _ in range(3)
    }
    assert len(copies) == 3
    assert all(copy.exists() for copy in copies)


def test_a_damaged_file_is_reported_and_not_copied(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(number) for number in range(200)]).close()
    fill(tmp_path, [exchange(3)], DM).close()
    path = path_of(tmp_path, GUILD)
    data = bytearray(path.read_bytes())
    data[PAGE_SIZE * 16 : PAGE_SIZE * 20] = b"\xa5" * PAGE_SIZE * 4
    path.write_bytes(data)
    done = back_up(tmp_path, [GUILD, DM], tmp_path / "backups", PLAIN, NOW)
    assert [one.problem is None for one in done] == [False, True]
    assert [one.copy.exists() for one in done] == [False, True]


def test_what_is_old_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    backups = tmp_path / "backups"
    for age in (1, 29, 31, 400):
        back_up(tmp_path, [GUILD], backups, PLAIN, NOW - timedelta(days=age))
    (backups / "20200101T000000Z-before-restore").mkdir()
    (backups / "20200101T000000Z.partial").mkdir()
    (backups / "my own").mkdir()
    upgrades = backups / "before-upgrades" / "schema-1" / "guilds"
    upgrades.mkdir(parents=True)
    repaired = path_of(tmp_path, GUILD).with_name("1.sqlite3.repaired-20200101T000000Z")
    left = tmp_path / "guilds" / "1.sqlite3.salvaged" / "1.sqlite3"
    left.parent.mkdir()
    waited = tmp_path / "inbox" / "00000000000000000001.sqlite3.damaged-1"
    waited.parent.mkdir()
    ages = {upgrades / "1.sqlite3": 31, upgrades / "2.sqlite3": 29, repaired: 31, left: 31}
    ages[waited] = 31
    for name, age in ages.items():
        name.write_bytes(b"words")
        then = (NOW - timedelta(days=age)).timestamp()
        os.utime(name, (then, then))
    gone = prune_backups(tmp_path, 30, NOW)
    assert len(gone) == 8
    assert sorted(path.name for path in backups.iterdir()) == [
        "20260203T050607Z",
        "20260303T050607Z",
        "before-upgrades",
        "my own",
    ]
    assert [path.name for path in upgrades.iterdir()] == ["2.sqlite3"]
    assert not repaired.exists()
    assert not left.exists()
    assert not waited.exists()
    assert path_of(tmp_path, GUILD).exists()


def test_restoring_keeps_the_present_file_and_what_was_decided_since(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1), exchange(2)]).close()
    (done,) = back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)
    backup = done.copy.parents[1]
    with contextlib.closing(fill(tmp_path, [exchange(3), MessagesForgotten((1001,))])) as opened:
        opened.execute("INSERT INTO consents VALUES (9, 0, 5)")
    present = rows(tmp_path)
    kept = restore(tmp_path, GUILD, backup, PLAIN, NOW)
    assert kept is not None
    assert rows(kept.parents[1]) == present
    restored = rows(tmp_path)
    assert [row["id"] for row in restored] == [exchange(1).id, exchange(2).id]
    assert "[deleted]" in str(restored[0]["input"])
    assert "Question 2?" in str(restored[1]["input"])
    with contextlib.closing(open_world(tmp_path, GUILD, PLAIN)) as opened:
        assert opened.execute("SELECT * FROM consents").fetchall() == [(9, 0, 5)]


@pytest.mark.parametrize("engine", [PLAIN, Engine("a key")], ids=["plain", "encrypted"])
def test_who_objected_everywhere_still_does_on_another_machine(
    tmp_path: Path, engine: Engine
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, [exchange(1)], engine=engine).close()
    Installation(here, engine).object(42, 1)
    done, other = back_up(here, [GUILD], tmp_path / "backups", engine, NOW)
    assert (other.world, other.problem) == (None, None)
    backup = done.copy.parents[1]
    assert restore_installation(there, backup, engine)
    assert Installation(there, engine).read().objections == {42: 1}
    Installation(there, engine).withdraw_objection(42)
    assert not restore_installation(there, backup, engine)
    assert not Installation(there, engine).read().objections


def test_an_installation_that_is_damaged_can_be_restored(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    Installation(tmp_path, PLAIN).object(42, 1)
    done, other = back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)
    assert (other.world, other.problem) == (None, None)
    (tmp_path / "installation.sqlite3").write_bytes(b"no database" * 1000)
    assert restore_installation(tmp_path, done.copy.parents[1], PLAIN)
    assert 42 in Installation(tmp_path, PLAIN).read().objections
    (aside,) = tmp_path.glob("installation.sqlite3.damaged-*")
    assert prune_backups(tmp_path, 30, datetime.now(UTC) + timedelta(days=31))[-1] == aside


def test_restoring_over_a_damaged_file_sets_it_aside(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    (done,) = back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)
    path_of(tmp_path, GUILD).write_bytes(b"no database" * 1000)
    kept = restore(tmp_path, GUILD, done.copy.parents[1], PLAIN, NOW)
    assert kept is not None
    assert ".damaged-" in kept.name
    assert kept.read_bytes() == b"no database" * 1000
    assert len(rows(tmp_path)) == 1


def test_a_backup_that_is_damaged_is_not_restored(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    (done,) = back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)
    done.copy.write_bytes(done.copy.read_bytes()[:20_000])
    with pytest.raises(StoreError, match="damaged"):
        restore(tmp_path, GUILD, done.copy.parents[1], PLAIN, NOW)
    with pytest.raises(StoreError, match="has nothing of dm:42"):
        restore(tmp_path, DM, done.copy.parents[1], PLAIN, NOW)
    assert len(rows(tmp_path)) == 1


def test_an_encrypted_backup_stays_encrypted(tmp_path: Path) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    engine = Engine("a key")
    fill(tmp_path, [exchange(1)], engine=engine).close()
    (done,) = back_up(tmp_path, [GUILD], tmp_path / "backups", engine, NOW)
    assert done.problem is None
    with (
        pytest.raises(sqlite3.DatabaseError),
        contextlib.closing(sqlite3.connect(done.copy)) as opened,
    ):
        opened.execute("SELECT * FROM exchanges")
    restore(tmp_path, GUILD, done.copy.parents[1], engine, NOW)
    with contextlib.closing(open_world(tmp_path, GUILD, engine)) as connection:
        assert len(training_rows(connection)) == 1


def test_an_installation_that_cannot_be_copied_is_told(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    (tmp_path / "installation.sqlite3").write_bytes(b"no database" * 1000)
    done, other = back_up(tmp_path, [GUILD], tmp_path / "backups", PLAIN, NOW)
    assert done.problem is None
    assert "damaged" in str(other.problem)
    assert not other.copy.exists()


def test_damaged_files_are_kept_for_days_of_their_own(tmp_path: Path) -> None:
    """A short life of backups does not shorten that of what can still be repaired."""
    fill(tmp_path, [exchange(1)]).close()
    aside = rename_aside(path_of(tmp_path, GUILD))
    now = datetime.now(UTC) + timedelta(days=8)
    assert prune_backups(tmp_path, 7, now, damaged_days=30) == []
    assert prune_backups(tmp_path, 100, now, damaged_days=7) == [aside]


def test_a_repaired_file_is_kept_no_longer_than_a_damaged_one(tmp_path: Path) -> None:
    """What people deleted in the meantime may be in it."""
    fill(tmp_path, [exchange(1)]).close()
    aside = rename_aside(path_of(tmp_path, GUILD))
    then = (datetime.now(UTC) - timedelta(days=29)).timestamp()
    os.utime(aside, (then, then))
    kept_as = repair(tmp_path, GUILD, aside, PLAIN).kept_as
    assert prune_backups(tmp_path, 30, datetime.now(UTC)) == []
    assert kept_as in prune_backups(tmp_path, 30, datetime.now(UTC) + timedelta(days=2))
