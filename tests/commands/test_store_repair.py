"""`understudy store repair`: what `store check` finds is in order afterwards."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.engine import PAGE_SIZE
from bot.store.files import path_of
from bot.store.operations import Operation, ReplyAttached, VoteCast
from bot.store.pages import read_page
from bot.store.setting_aside import rename_aside
from bot.store.stretches import STRETCH
from tests.commands.recorded import COUNT, bot_running
from tests.store.filling import GUILD, START, exchange, fill

pytestmark = pytest.mark.usefixtures("folder")


def test_damage_is_found_and_repaired(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "check"]) == 0
    path = path_of(folder, GUILD)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        # The last page is in use then.
        connection.execute("VACUUM")
    data = bytearray(path.read_bytes())
    data[-PAGE_SIZE:] = b"\xa5" * PAGE_SIZE
    path.write_bytes(data)
    assert main(["store", "check"]) == 1
    assert "store repair" in capsys.readouterr().out
    assert main(["store", "repair"]) == 0
    assert "1 pages and 0 rows could not be read" in capsys.readouterr().out
    assert main(["store", "check"]) == 0
    assert main(["store", "repair"]) == 0
    assert "No file is damaged" in capsys.readouterr().out


def test_a_file_whose_header_is_gone_is_repaired(folder: Path) -> None:
    path = path_of(folder, GUILD)
    data = bytearray(path.read_bytes())
    data[:PAGE_SIZE] = bytes(PAGE_SIZE)
    path.write_bytes(data)
    assert main(["store", "check"]) == 1
    assert main(["store", "repair"]) == 0
    assert main(["store", "check"]) == 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT exchanges FROM counters").fetchone() == (COUNT,)


def test_a_file_that_was_set_aside_is_repaired_while_the_bot_runs(folder: Path) -> None:
    path = path_of(folder, GUILD)
    rename_aside(path)
    assert main(["store", "check"]) == 1
    with bot_running(folder):
        assert main(["store", "repair"]) == 0
    assert main(["store", "check"]) == 0
    assert path.exists()


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("DELETE FROM stretches WHERE id >> 48 = (SELECT min(id) >> 48 FROM exchanges)", 1),
        ("DELETE FROM stretches", 2),
        ("UPDATE stretches SET parts = CAST(x'ff' AS TEXT)", 2),
        ("UPDATE stretches SET parts = ''", 2),
        ("UPDATE stretches SET parts = 7", 2),
        ("UPDATE stretches SET parts = parts || '~' WHERE id = (SELECT max(id) FROM stretches)", 1),
        ("UPDATE stretches SET id = id + 4 WHERE id = (SELECT max(id) FROM stretches)", 1),
        ("UPDATE stretches SET id = id + (5 << 48) WHERE id = (SELECT max(id) FROM stretches)", 2),
        ("UPDATE exchanges SET user_id = 7, room_id = 'x' WHERE id = :late", 1),
    ],
)
def test_stretches_that_do_not_fit_are_found_and_made_anew(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, wrong: int, *, running: bool
) -> None:
    late = exchange(COUNT, id=exchange(COUNT).id + (1 << STRETCH))
    fill(folder, [late]).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        before = connection.execute("SELECT * FROM stretches").fetchall()
        connection.execute(damage, {"late": late.id} if ":late" in damage else {})
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert f"who asked in {wrong} stretches" in shown
    assert "understudy store repair" in shown
    with bot_running(folder) if running else contextlib.nullcontext():
        assert main(["store", "repair"]) == 0
    shown = capsys.readouterr().out
    assert f"{wrong} stretches of 18.6 hours said wrongly" in shown
    assert "No file is damaged" not in shown
    assert main(["store", "check"]) == 0
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        after = connection.execute("SELECT * FROM stretches").fetchall()
        assert (after == before) is ("exchanges SET" not in damage)
        assert len(read_page(connection, None, COUNT, room_id=5)) == -(-COUNT // 3)


def test_votes_that_say_wrongly_who_had_asked_are_found_and_corrected(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operations: list[Operation] = []
    for number in range(6):
        operations += [
            ReplyAttached(exchange(number).id, (5000 + number,)),
            VoteCast(5000 + number, 42, 1 if number < 4 else -1, START),
        ]
    # Of this one the answer is not known: nothing can be said of who had asked.
    operations.append(VoteCast(6000, 42, 1, START))
    fill(folder, operations).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        before = connection.execute("SELECT * FROM votes").fetchall()
        connection.execute("UPDATE votes SET asked = asked + 1 WHERE message_id < 5002")
        # A repair brings votes before their exchanges: these are looked at each time.
        connection.execute("UPDATE votes SET asked = NULL WHERE message_id = 5002")
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert "who had asked of 2 votes" in shown
    assert "understudy store repair" in shown
    assert main(["store", "repair"]) == 0
    shown = capsys.readouterr().out
    assert "2 votes said wrongly who had asked" in shown
    assert "No file is damaged" not in shown
    assert main(["store", "check"]) == 0
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("UPDATE votes SET exchange_id = exchange_id WHERE message_id = 5002")
        assert connection.execute("SELECT * FROM votes").fetchall() == before
        thumbs = connection.execute("SELECT thumbs_up, thumbs_down FROM counters").fetchone()
        assert thumbs == (4, 2)


@pytest.mark.parametrize("column", ["message_id", "user_id"])
def test_a_vote_whose_own_number_is_damaged_is_corrected_too(folder: Path, column: str) -> None:
    given: list[Operation] = [
        ReplyAttached(exchange(1).id, (5001,)),
        VoteCast(5001, 42, 1, START),
    ]
    fill(folder, given).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute(f"UPDATE votes SET asked = 7, {column} = CAST(x'ff41' AS TEXT)")  # noqa: S608
        connection.commit()
    assert main(["store", "check"]) == 1
    assert main(["store", "repair"]) == 0
    assert main(["store", "check"]) == 0


def test_a_damaged_schema_of_the_stretches_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY KEY', 'PRIMARX KEY')"
            " WHERE name = 'stretches'"
        )
        connection.commit()
    assert main(["store", "check"]) == 1
    assert "says wrongly who asked in 1 stretches" in capsys.readouterr().out
    assert main(["store", "repair"]) == 1
    assert str(path_of(folder, GUILD)) in capsys.readouterr().err
