"""What is deleted while its only copy is in a damaged file does not come back with the repair."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main
from bot.store import drain as drain_module
from bot.store.backup import back_up, restore
from bot.store.checking import problems_in
from bot.store.drain import Drain
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import open_world, path_of
from bot.store.inbox import Inbox
from bot.store.installation import Installation
from bot.store.merging import merge
from bot.store.operations import (
    DemonstrationGiven,
    ExchangeForgotten,
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)
from bot.store.personal import PersonalRecords
from bot.store.problems import StoreError
from bot.store.records import ChatMessage, World
from bot.store.repair import repair
from bot.store.retention import TOMBSTONE_MS, sweep
from bot.store.setting_aside import rename_aside, set_aside_in
from bot.store.sqlite import SqliteStore
from tests.grepping import files_with
from tests.store.filling import GUILD, START, exchange, fill, snowflake, training_rows

BEN, CLEO = 81, 82
COUNT = 40


def asked(number: int) -> int:
    """The id of a message with a question."""
    return snowflake(START, 10_000 + number)


def answered(number: int) -> int:
    """The id of the message that carries the answer."""
    return snowflake(START, 20_000 + number)


def quoting(number: int) -> list[Operation]:
    """A question and its answer, with the one before it in its context."""
    author = (BEN, CLEO)[number % 2]
    before = [
        ChatMessage("user", f"<asked {number - 1}>", "x", asked(number - 1), 163 - author),
        ChatMessage("assistant", f"<answer {number - 1}>", None, answered(number - 1), 1),
    ]
    question = ChatMessage("user", f"<asked {number}>", "x", asked(number), author)
    made = exchange(
        number,
        *(before if number else []),
        question,
        user_id=author,
        message_id=asked(number),
        output=f"<answer {number}>",
    )
    return [
        made,
        ReplyAttached(made.id, (answered(number),)),
        VoteCast(answered(number), author, 1, START),
        DemonstrationGiven(answered(number), author, f"<rather {number}>", START),
    ]


def damaged_file(folder: Path, world: World = GUILD) -> Path:
    """A file with COUNT exchanges whose last page, which has none of them, is damaged."""
    fill(folder, [one for number in range(COUNT) for one in quoting(number)], world).close()
    path = path_of(folder, world)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'speakers_by_author'"
        ).fetchone()
    with path.open("r+b") as stream:
        stream.seek((page - 1) * PAGE_SIZE)
        stream.write(b"\xa5" * PAGE_SIZE)
    return path


@contextlib.contextmanager
def draining(folder: Path) -> Iterator[Callable[..., None]]:
    """What hands operations to the server's file as the writer does."""
    inbox = Inbox(folder, Engine())
    drain = Drain(folder, Engine(), inbox, threading.Lock(), lambda *_: None)

    def do(*operations: Operation) -> None:
        inbox.append([(GUILD, *encode(operation)) for operation in operations])
        drain.drain(GUILD)

    yield do
    drain.close_files()
    inbox.close()


def repaired(folder: Path) -> None:
    """Repair the one that was set aside, and delete what is kept of it."""
    (aside,) = set_aside_in(path_of(folder, GUILD))
    repair(folder, GUILD, aside, Engine()).kept_as.unlink()


def exchanges(folder: Path) -> set[int]:
    with contextlib.closing(open_world(folder, GUILD, Engine())) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = {row[0] for row in connection.execute("SELECT id FROM exchanges")}
        assert connection.execute("SELECT exchanges FROM counters").fetchone() == (len(found),)
    return found


def buried(folder: Path) -> set[int]:
    with contextlib.closing(open_world(folder, GUILD, Engine())) as connection:
        return {row[0] for row in connection.execute("SELECT message_id FROM messages")}


def test_the_drain_sets_it_aside_and_deletions_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "RETRY_SECONDS", (0.0, 0.0))
    path = damaged_file(tmp_path)
    with draining(tmp_path) as do:
        with pytest.raises(StoreError, match="set aside"):
            do(*quoting(COUNT))
        do(MessagesForgotten((asked(3), answered(7), asked(8))))
        do(ExchangeForgotten(answered(12), exchange(12).id))
    assert len(set_aside_in(path)) == 1
    repaired(tmp_path)
    gone = ["<asked 3>", "<answer 7>", "<asked 8>", "<answer 12>", "<rather 12>"]
    assert files_with(tmp_path, *gone) == []
    kept = ["<asked 7>", "<answer 8>", "<asked 12>", "<answer 11>", "<rather 11>"]
    assert len(files_with(tmp_path, *kept)) == len(kept)
    assert exchanges(tmp_path) == {exchange(n).id for n in range(COUNT + 1) if n != 12}


def test_an_answer_that_is_quoted_meanwhile_goes_with_its_exchange(tmp_path: Path) -> None:
    rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(*quoting(COUNT))
        do(ExchangeForgotten(answered(COUNT - 1), exchange(COUNT - 1).id))
    assert words(tmp_path)[answered(COUNT - 1)] is None
    repaired(tmp_path)
    assert words(tmp_path)[answered(COUNT - 1)] is None
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert list(problems_in(connection)) == []
        assert f"<answer {COUNT - 1}>" not in str(training_rows(connection))


def test_what_is_edited_and_deleted_at_once_is_deleted(tmp_path: Path) -> None:
    rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(TextEdited(asked(3), "<edited>", START * 2), MessagesForgotten((asked(3),)))
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        assert connection.execute("SELECT state FROM messages").fetchall() == [(1,)]


def words(folder: Path) -> dict[int, str | None]:
    """What is kept of each message, by its id."""
    with contextlib.closing(open_world(folder, GUILD, Engine())) as connection:
        return dict(connection.execute("SELECT message_id, content FROM messages").fetchall())


def test_an_edited_text_does_not_come_back_as_it_was(tmp_path: Path) -> None:
    rename_aside(damaged_file(tmp_path))
    edited = START + 3_600_000
    with draining(tmp_path) as do:
        do(*(TextEdited(asked(number), "<edited>", edited) for number in (3, 4, 6)))
        with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
            sweep(connection, edited)
        # Nobody quoted it, so its words are nobody's to keep.
        do(TextEdited(asked(3), "<edited again>", edited + 1))
        assert files_with(tmp_path / "guilds", "<edited>", "<edited again>") == []
        # Somebody quotes the other one, as it is by then.
        said = ChatMessage("user", "<edited>", "x", asked(4), BEN)
        do(exchange(7_200, said))
    repaired(tmp_path)
    assert files_with(tmp_path, "<asked 3>", "<asked 4>", "<asked 6>", "<edited again>") == []
    assert words(tmp_path)[asked(3)] is None
    assert words(tmp_path)[asked(4)] == "<edited>"
    assert words(tmp_path)[asked(5)] == "<asked 5>"


def test_what_is_deleted_after_a_restart_stays_so_too(tmp_path: Path) -> None:
    """Which files were set aside is found out again, also where no file followed."""
    rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3),)))
    repaired(tmp_path)
    assert files_with(tmp_path, "<asked 3>") == []
    assert exchanges(tmp_path) == {exchange(n).id for n in range(COUNT)}


def test_without_a_damaged_file_and_for_what_is_newer_no_row_is_left(tmp_path: Path) -> None:
    other = World(GUILD.kind, 5)
    rename_aside(damaged_file(tmp_path, other))
    fill(tmp_path, [exchange(1)]).close()
    before = buried(tmp_path)
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3),)), ExchangeForgotten(asked(4), asked(5)))
        assert buried(tmp_path) == before
        rename_aside(damaged_file(tmp_path))
    fill(tmp_path, []).close()
    now = time.time_ns() // 1_000_000
    later = snowflake(now + 7_200_000)
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3), later)))
        assert buried(tmp_path) == {asked(3)}
        repaired(tmp_path)
        there = buried(tmp_path)
        do(MessagesForgotten((asked(999),)))
        assert buried(tmp_path) == there


def test_who_was_forgotten_meanwhile_is_not_brought_back(tmp_path: Path) -> None:
    rename_aside(damaged_file(tmp_path))
    Installation(tmp_path, Engine()).note_forgotten(BEN, time.time_ns() // 1_000_000)
    repaired(tmp_path)
    bens = [f"<{what} {n}>" for n in range(0, COUNT, 2) for what in ("asked", "answer", "rather")]
    assert files_with(tmp_path, *bens) == []
    assert exchanges(tmp_path) == {exchange(n).id for n in range(1, COUNT, 2)}
    assert len(files_with(tmp_path, "<asked 1>", "<answer 1>", "<rather 1>")) == 3


def test_where_it_cannot_be_read_who_is_forgotten_nothing_is_repaired(tmp_path: Path) -> None:
    aside = rename_aside(damaged_file(tmp_path))
    (tmp_path / "installation.sqlite3").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError):
        repair(tmp_path, GUILD, aside, Engine())
    assert set_aside_in(path_of(tmp_path, GUILD)) == [aside]
    assert not path_of(tmp_path, GUILD).exists()


def test_of_two_damaged_files_the_newer_one_s_deletions_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3),)), ExchangeForgotten(answered(12), exchange(12).id))
    older, newer = set_aside_in(path_of(tmp_path, GUILD))[0], rename_aside(path_of(tmp_path, GUILD))
    assert older < newer
    assert main(["store", "repair"]) == 0
    for kept in tmp_path.rglob("*.repaired-*"):
        kept.unlink()
    assert files_with(tmp_path, "<asked 3>", "<answer 12>") == []
    assert exchange(12).id not in exchanges(tmp_path)


def test_a_restored_backup_still_knows_what_is_deleted(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(100)]).close()
    (copy,) = back_up(tmp_path, [GUILD], tmp_path / "backups", Engine(), datetime.now(UTC))
    path_of(tmp_path, GUILD).unlink()
    rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3),)), ExchangeForgotten(answered(12), exchange(12).id))
    restore(tmp_path, GUILD, copy.copy.parent.parent, Engine(), datetime.now(UTC))
    repaired(tmp_path)
    assert files_with(tmp_path, "<asked 3>", "<answer 12>") == []
    assert exchange(12).id not in exchanges(tmp_path)


def test_a_row_outlives_the_damaged_file_only(tmp_path: Path) -> None:
    aside = rename_aside(damaged_file(tmp_path))
    with draining(tmp_path) as do:
        do(MessagesForgotten((asked(3),)))
    much_later = START + 2 * TOMBSTONE_MS
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        sweep(connection, much_later)
        assert buried(tmp_path) == {asked(3)}
        os.unlink(aside)
        sweep(connection, much_later)
        assert buried(tmp_path) == set()


async def test_a_server_s_damaged_files_are_deleted_with_its_records(tmp_path: Path) -> None:
    rename_aside(damaged_file(tmp_path))
    other = World(GUILD.kind, GUILD.id // 10)
    rename_aside(damaged_file(tmp_path, other))
    repaired_once = path_of(tmp_path, GUILD).with_name(f"{GUILD.id}.sqlite3.repaired-20260101T0Z")
    repaired_once.touch()
    async with SqliteStore(tmp_path) as store:
        await store.world(GUILD).write(quoting(COUNT))
        await PersonalRecords(store).delete_world(GUILD)
    left = [path.name for path in (tmp_path / "guilds").iterdir()]
    assert all(name.startswith(str(other.id)) for name in left)
    assert len(left) == 1


def test_what_is_deleted_while_a_repair_runs_stays_so(tmp_path: Path) -> None:
    aside = rename_aside(damaged_file(tmp_path))
    source = fill(tmp_path / "salvaged", [one for n in range(COUNT) for one in quoting(n)])
    with draining(tmp_path) as do, contextlib.closing(source):
        do(ExchangeForgotten(answered(12), exchange(12).id), MessagesForgotten((answered(3),)))
        with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as target:
            merge(source, target)
    aside.unlink()
    assert exchanges(tmp_path) == {exchange(n).id for n in range(COUNT) if n != 12}
    with contextlib.closing(open_world(tmp_path, GUILD, Engine())) as connection:
        query = "SELECT output FROM exchanges WHERE id = ?"
        assert connection.execute(query, (exchange(3).id,)).fetchone() == (None,)
