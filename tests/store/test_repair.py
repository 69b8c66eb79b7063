"""What lies on the undamaged pages of a damaged file comes back."""

import contextlib
import json
import random
import shutil
import sqlite3
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.store.damaged_file import DamagedFile
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import open_world, path_of
from bot.store.operations import (
    DemonstrationGiven,
    ExchangeForgotten,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
)
from bot.store.records import ChatMessage
from bot.store.repair import Repaired, repair
from bot.store.setting_aside import rename_aside, set_aside, set_aside_in
from tests.store.filling import GUILD, START, exchange, fill, training_rows

PAGE = PAGE_SIZE
COUNT = 150
LONG = 60
"""This exchange's answer spans pages."""


def operations() -> list[list[Operation]]:
    """Batches for a rolling context with answers, votes, an edit and deletions in it."""
    chance = random.Random(5)  # noqa: S311
    context: deque[ChatMessage] = deque(maxlen=6)
    batches: list[list[Operation]] = []
    for number in range(COUNT):
        said = f"<said {number}> " + "".join(chance.choices("abc déü🍕", k=250))
        context.append(ChatMessage("user", said, "ben", 1000 + number, 90))
        output = f"<answer {number}> " + "".join(chance.choices("xyz\n", k=400))
        output *= 60 if number == LONG else 1
        made = exchange(number, ChatMessage("system", "Be kind."), *context, output=output)
        carriers = (5_000 + 2 * number, 5_001 + 2 * number)
        context.append(ChatMessage("assistant", output[:200], None, carriers[0], 1))
        context.append(ChatMessage("assistant", output[200:], None, carriers[1], 1))
        batches.append([made, ReplyAttached(made.id, carriers)])
        if number % 3 == 0:
            batches[-1].append(VoteCast(carriers[1], 90, 1, START))
        if number % 50 == 0:
            batches[-1].append(DemonstrationGiven(carriers[0], 90, "Rather so.", START))
    batches.append(
        [TextEdited(1003, "<said 3> edited", START * 2), MessagesForgotten((1004, 5_010))]
    )
    return batches


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    for batch in operations():
        fill(folder, batch).close()
    with contextlib.closing(open_world(folder, GUILD, Engine())) as connection:
        connection.execute("INSERT INTO consents VALUES (8, 1, 5), (9, 0, 5)")
        connection.execute("INSERT INTO settings VALUES ('reasoning', '1')")
    return folder


def rows_by_id(folder: Path, engine: Engine | None = None) -> dict[int, dict[str, Any]]:
    with contextlib.closing(open_world(folder, GUILD, engine or Engine())) as connection:
        rows = training_rows(connection)
        (counted,) = connection.execute("SELECT exchanges FROM counters").fetchone()
        assert counted == len(rows)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {row["id"]: row for row in rows}


def copied(original: Path, folder: Path) -> Path:
    """A copy of the file to damage."""
    shutil.copytree(original, folder, dirs_exist_ok=True)
    return path_of(folder, GUILD)


def repaired(folder: Path) -> Repaired:
    """Set the file aside as the bot would, and repair it."""
    set_aside(folder, GUILD, Engine())
    (aside,) = set_aside_in(path_of(folder, GUILD))
    before = aside.read_bytes()
    done = repair(folder, GUILD, aside, Engine())
    assert done.kept_as.read_bytes() == before
    assert not set_aside_in(path_of(folder, GUILD))
    return done


def test_a_file_with_no_damage_comes_back_whole(original: Path, tmp_path: Path) -> None:
    expected = rows_by_id(original)
    copied(original, tmp_path)
    done = repaired(tmp_path)
    assert rows_by_id(tmp_path) == expected
    assert (done.salvaged.broken_pages, done.salvaged.broken_rows) == (0, 0)
    assert done.salvaged.rows["exchanges"] == done.added["exchanges"] == COUNT
    assert done.added["votes"] == COUNT // 3
    assert done.added["demonstrations"] == 3


Damage = tuple[int, int, bool]
DAMAGES = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(1, 3 * PAGE), st.booleans()),
    min_size=1,
    max_size=6,
)


def overwrite(path: Path, damages: list[Damage], cut: int | None) -> set[int]:
    """Damage a file with noise or zeros; returns the pages (from 0) that were touched."""
    data = bytearray(path.read_bytes())
    touched: set[int] = set()
    chance = random.Random(1)  # noqa: S311
    for start, length, noise in damages:
        start %= len(data)
        length = min(length, len(data) - start)
        data[start : start + length] = chance.randbytes(length) if noise else bytes(length)
        touched.update(range(start // PAGE, (start + length - 1) // PAGE + 1))
    if cut is not None:
        cut %= len(data)
        touched.update(range(cut // PAGE, len(data) // PAGE))
        del data[cut:]
    path.write_bytes(data)
    return touched


def pages_of_texts(path: Path) -> dict[str, int]:
    """On which page each text begins, found by looking for its bytes."""
    data = path.read_bytes()
    names = [f"<{kind} {number}>" for kind in ("said", "answer") for number in range(COUNT)]
    return {name: data.find(name.encode()) // PAGE for name in names}


TWICE_KEPT = (("speakers", "speakers_by_author"), ("sources", "sources_by_type"))


def has_lost(path: Path, touched: set[int]) -> bool:
    """Whether pages were touched on which numbers are explained, both times that they are."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, pageno - 1 FROM dbstat").fetchall()
    hit = {name for name, page in found if page in touched}
    return any(hit.issuperset(pair) for pair in TWICE_KEPT)


def mark(text: str) -> str:
    return text[text.index("<") : text.index(">") + 1]


@settings(max_examples=25, deadline=None)
@given(damages=DAMAGES, cut=st.none() | st.integers(0, 10**6))
@example(damages=[], cut=16)
def test_what_is_on_undamaged_pages_comes_back(
    damages: list[Damage],
    cut: int | None,
    original: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = copied(original, folder)
    places = pages_of_texts(path)
    touched = overwrite(path, damages, cut)
    repaired(folder)
    found = rows_by_id(folder)
    if has_lost(path_of(original, GUILD), touched):
        return
    for exchange_id, expected in rows_by_id(original).items():
        if expected["output"] is None or len(expected["output"]) > PAGE // 2:
            continue
        if places[mark(expected["output"])] in touched:
            continue
        row = found[exchange_id]
        assert {**row, "input": None, "thumbs_up": 0} == {**expected, "input": None, "thumbs_up": 0}
        for was, now in zip(json.loads(expected["input"]), json.loads(row["input"]), strict=True):
            if was["role"] == "user" and "<" in was["content"]:
                whole = places[mark(was["content"])] not in touched
                if whole:
                    assert now == was


@pytest.mark.parametrize("page", range(30))
def test_any_one_page_may_be_lost(original: Path, tmp_path: Path, page: int) -> None:
    path = copied(original, tmp_path)
    places = pages_of_texts(path)
    overwrite(path, [(page * PAGE, PAGE, True)], None)
    repaired(tmp_path)
    found = rows_by_id(tmp_path)
    expected = [
        number
        for number in range(COUNT)
        if places[f"<answer {number}>"] != page and number not in (5, LONG)
    ]
    assert {exchange(number).id for number in expected} <= set(found)
    # Who speaks and which model answered is known whichever page it is.
    assert {row["model_type"] for row in found.values()} == {"planning", "coding"}
    said = [one for row in found.values() for one in json.loads(row["input"])]
    assert {one["role"] for one in said} >= {"user", "assistant"}
    assert all(one["content"].startswith("ben: ") for one in said if "<said" in one["content"])


def test_what_is_there_is_not_there_twice_and_deletions_win(original: Path, tmp_path: Path) -> None:
    path = copied(original, tmp_path)
    rename_aside(path)
    # The file that began after it: some of the same, a new one, an edit and deletions since.
    batches = operations()
    later: list[Operation] = [
        exchange(COUNT, ChatMessage("user", "<said 149> edited", "ben", 1149, 90)),
        MessagesForgotten((1148,)),
    ]
    fill(tmp_path, [*batches[-2], *later]).close()
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        connection.execute("INSERT INTO consents VALUES (8, 0, 6), (9, 1, 4), (10, 1, 4)")
    (aside,) = set_aside_in(path)
    done = repair(tmp_path, GUILD, aside, Engine())
    assert done.added["exchanges"] == COUNT - 1
    found = rows_by_id(tmp_path)
    assert len(found) == COUNT + 1
    said = [one["content"] for one in json.loads(found[exchange(149).id]["input"])]
    assert "ben: <said 149> edited" in said
    assert not [one for one in said if "<said 148>" in one]
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        consents = connection.execute("SELECT * FROM consents ORDER BY user_id").fetchall()
        assert consents == [(8, 0, 6), (9, 0, 5), (10, 1, 4)]
        assert connection.execute("SELECT * FROM settings").fetchall() == []
    # Once more, as after a kill before the file was renamed.
    aside.write_bytes(done.kept_as.read_bytes())
    again = repair(tmp_path, GUILD, aside, Engine())
    assert again.added["exchanges"] == 0
    assert rows_by_id(tmp_path) == found


def test_the_log_is_read_too(tmp_path: Path) -> None:
    connection = fill(tmp_path, [exchange(number) for number in range(5)])
    path = path_of(tmp_path, GUILD)
    other = tmp_path / "other"
    other.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(path.name + suffix), other / f"x{suffix}")
    expected = training_rows(connection)
    connection.close()
    torn = (other / "x-wal").read_bytes()
    (other / "x-wal").write_bytes(torn + torn[32:2_000])
    aside = path.with_name(f"{path.name}.damaged-20260101T000000Z")
    for suffix in ("", "-wal"):
        shutil.copy(other / f"x{suffix}", aside.with_name(aside.name + suffix))
    path.unlink()
    repair(tmp_path, GUILD, aside, Engine())
    assert list(rows_by_id(tmp_path).values()) == expected


def test_what_was_not_committed_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(number) for number in range(5)]).close()
    path = path_of(tmp_path, GUILD)
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE exchanges SET output = 'not meant so'")
        connection.execute("CREATE TABLE filler AS SELECT zeroblob(100000)")
        log = path.with_name(f"{path.name}-wal")
        assert b"not meant so" in log.read_bytes()
        aside = path.with_name(f"{path.name}.damaged-20260101T000000Z")
        shutil.copy(path, aside)
        shutil.copy(log, aside.with_name(f"{aside.name}-wal"))
        connection.execute("ROLLBACK")
    path.unlink()
    repair(tmp_path, GUILD, aside, Engine())
    found = [row["output"] for row in rows_by_id(tmp_path).values()]
    assert found == [f"Answer {number}." for number in range(5)]


def test_deleted_rows_do_not_come_back(tmp_path: Path) -> None:
    made = [exchange(number) for number in range(40)]
    carried = [ReplyAttached(one.id, (5_000 + n,)) for n, one in enumerate(made)]
    fill(tmp_path, [*made, *carried]).close()
    fill(tmp_path, [ExchangeForgotten(5_000 + number) for number in range(10, 40)]).close()
    with contextlib.closing(DamagedFile(path_of(tmp_path, GUILD))) as file:
        found = [values for _, values in file.records()]
    assert not [values for values in found if "Answer 20." in values]
    assert [values for values in found if "Answer 5." in values]


def a_leaf_of_exchanges(connection: sqlite3.Connection) -> int:
    """The number of a page that holds rows of that table alone."""
    (page,) = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = 'exchanges' AND pagetype = 'leaf' LIMIT 1"
    ).fetchone()
    return int(page)


def test_an_encrypted_file_is_read_around_its_damage(tmp_path: Path) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    engine = Engine("a key")
    made = [exchange(number, output=f"Answer {number}. " + "x" * 700) for number in range(COUNT)]
    fill(tmp_path, made, engine=engine).close()
    path = path_of(tmp_path, GUILD)
    # Among the leaves; of a tree whose root is lost SQLite reads nothing.
    leaf = a_leaf_of_exchanges(fill(tmp_path / "plain", made)) - 1
    with path.open("r+b") as stream:
        stream.seek(leaf * PAGE + 100)
        stream.write(b"damage")
    aside = rename_aside(path)
    done = repair(tmp_path, GUILD, aside, engine)
    found = rows_by_id(tmp_path, engine)
    assert COUNT - 2 * (PAGE // 700) <= len(found) < COUNT
    assert done.salvaged.broken_pages > 0
    assert all(row["output"].startswith("Answer") for row in found.values())


def test_a_page_that_is_full_of_noise_is_counted(original: Path, tmp_path: Path) -> None:
    path = copied(original, tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        page = a_leaf_of_exchanges(connection)
    overwrite(path, [((page - 1) * PAGE, PAGE, True)], None)
    assert repaired(tmp_path).salvaged.broken_pages == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE exchanges SET parts = '[99999999999999999999]'",
        "UPDATE exchanges SET parts = '[9417473030381953000000]'",
        "UPDATE messages SET seen_after = 9223372036854775807 WHERE exchange_id IS NULL",
    ],
)
def test_a_number_that_no_file_takes_costs_what_it_says(tmp_path: Path, damage: str) -> None:
    made = exchange(0)
    fill(tmp_path, [made, ReplyAttached(made.id, (71, 72)), exchange(1)]).close()
    path = path_of(tmp_path, GUILD)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    aside = rename_aside(path)
    repair(tmp_path, GUILD, aside, Engine())
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert len(training_rows(connection)) == 2
        fill(tmp_path, [ExchangeForgotten(None, made.id)]).close()
        assert len(training_rows(connection)) == 1
