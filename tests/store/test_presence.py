"""A file is passed over only where it is certain that it has nothing of a person."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.compose import privacy_office
from bot.store import presence
from bot.store.consenting import set_consent
from bot.store.engine import Engine
from bot.store.files import open_world, path_of
from bot.store.installation import Installation
from bot.store.operations import (
    DemonstrationGiven,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    VoteCast,
)
from bot.store.presence import MENTIONED, has_nothing_of
from bot.store.records import ChatMessage
from bot.store.sqlite import SqliteStore
from tests.grepping import files_with
from tests.store.filling import DM, GUILD, exchange, fill
from tests.waiting import until

BEN = 7_001
PLAIN = Engine()


def aged(folder: Path) -> Path:
    """The world's file, as if nobody had changed it for a while."""
    path = path_of(folder, GUILD)
    then = time.time() - 60
    os.utime(path, (then, then))
    return path


def filled(folder: Path, *operations: Operation, engine: Engine = PLAIN) -> Path:
    fill(folder, [exchange(1), *operations], engine=engine).close()
    return aged(folder)


def test_of_who_is_not_there_it_is_certain(tmp_path: Path) -> None:
    path = filled(tmp_path)
    assert has_nothing_of(path, PLAIN, BEN)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_encrypted_file_is_looked_into_with_its_key(tmp_path: Path) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    path = filled(tmp_path, engine=Engine("a key"))
    assert has_nothing_of(path, Engine("a key"), BEN)
    assert not has_nothing_of(path, Engine("another"), BEN)
    assert not has_nothing_of(path, PLAIN, BEN)


QUOTED = ChatMessage("user", "words", "ben", 5_000, BEN)
ANSWER = ChatMessage("assistant", "words", None, 5_000, 99, subject_id=BEN)


@pytest.mark.parametrize(
    "operation",
    [
        exchange(2, user_id=BEN),
        exchange(2, QUOTED),
        exchange(2, ANSWER),
        VoteCast(1_001, BEN, 1, 5),
        DemonstrationGiven(1_001, BEN, "better", 5),
    ],
    ids=["asked", "quoted", "answered", "voted", "corrected"],
)
def test_whoever_left_anything_is_found(tmp_path: Path, operation: Operation) -> None:
    path = filled(tmp_path, ReplyAttached(exchange(1).id, (3_001,)), operation)
    assert not has_nothing_of(path, PLAIN, BEN)


def test_consents_and_settings_count(tmp_path: Path) -> None:
    with closing(fill(tmp_path, [exchange(1)])) as connection:
        set_consent(connection, BEN, False, 5)
    assert not has_nothing_of(aged(tmp_path), PLAIN, BEN)
    with closing(fill(tmp_path, [])) as connection:
        set_consent(connection, BEN, None, 5)
        value = json.dumps({"by": BEN})
        connection.execute("INSERT INTO settings VALUES ('reasoning', ?)", (value,))
    assert not has_nothing_of(aged(tmp_path), PLAIN, BEN)


def test_every_column_with_a_person_is_looked_at(tmp_path: Path) -> None:
    query = """
        SELECT t.name, c.name FROM pragma_table_list t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.name IN ('user_id', 'author_id', 'subject_id', 'by')
    """
    with closing(open_world(tmp_path, GUILD, PLAIN)) as connection:
        found = connection.execute(query).fetchall()
    assert ("exchanges", "user_id") in found
    for table, column in found:
        (line,) = (line for line in MENTIONED.splitlines() if f"FROM {table} " in line)
        assert f"{column} = ?1" in line


def test_where_anything_may_be_left_nothing_is_certain(tmp_path: Path) -> None:
    """In unused bytes, in the log, or in what was changed just now."""
    assert not has_nothing_of(path_of(tmp_path, GUILD), PLAIN, BEN)
    path = filled(tmp_path)
    path.touch()
    assert not has_nothing_of(path, PLAIN, BEN)
    with closing(fill(tmp_path, [exchange(2)])):
        assert not has_nothing_of(aged(tmp_path), PLAIN, BEN)
    assert has_nothing_of(aged(tmp_path), PLAIN, BEN)
    filled(tmp_path, MessagesForgotten((1_001,)))
    assert not has_nothing_of(path, PLAIN, BEN)


def test_an_earlier_version_is_opened_and_brought_up_to_date(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version - 1}")
    assert not has_nothing_of(aged(tmp_path), PLAIN, BEN)


def test_a_file_that_is_changed_meanwhile_is_not_certain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(tmp_path)
    look = presence.is_mentioned

    def changed_then(connection: sqlite3.Connection, user_id: int) -> bool:
        found = look(connection, user_id)
        fill(tmp_path, [exchange(2, user_id=BEN)]).close()
        return found

    monkeypatch.setattr(presence, "is_mentioned", changed_then)
    assert not has_nothing_of(path, PLAIN, BEN)


async def test_who_waits_for_a_file_that_is_not_there_yet_is_not_passed_over(
    tmp_path: Path,
) -> None:
    """Its folder cannot be used; what waits for it is forgotten when it can be."""
    (tmp_path / "guilds").write_text("a file where the folder should be")
    fill(tmp_path, [exchange(5)], DM).close()
    async with SqliteStore(tmp_path, in_process=True) as store:
        world = store.world(GUILD)
        await world.write([exchange(1, QUOTED, user_id=BEN), exchange(2)])
        office = privacy_office(store, backup_days=30)
        receipt = await office.forget(BEN)
        assert list(receipt.failed) == [str(GUILD)]
        (tmp_path / "guilds").unlink()
        await until(lambda: world.held_up is None)
        await office.catch_up()
        assert Installation(tmp_path, PLAIN).read().owed == frozenset()
        assert files_with(tmp_path, "words") == []
        assert (await world.stats()).exchanges == 1
