"""What was forgotten leaves the log, too, as soon as nobody reads the file any more."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.compose import privacy_office
from bot.store import lingering
from bot.store.files import path_of
from bot.store.operations import MessagesForgotten
from bot.store.personal import PersonalRecords
from bot.store.records import ChatMessage
from bot.store.sqlite import SqliteStore
from tests.grepping import files_with
from tests.store.filling import GUILD, exchange, fill
from tests.waiting import until

BEN, MESSAGE = 77, 5_001
WORDS = "words that are to go"


@contextmanager
def somebody_reads(folder: Path) -> Iterator[None]:
    """Another program looks at the file as it is at one moment."""
    with closing(sqlite3.connect(path_of(folder, GUILD), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        yield


def said() -> ChatMessage:
    return ChatMessage("user", WORDS, "ben", MESSAGE, BEN)


async def test_a_reader_puts_it_off_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing else to do, the writer tries again; the status says why it is to."""
    monkeypatch.setattr(lingering, "AGAIN_SECONDS", (0.05, 0.1))
    async with SqliteStore(tmp_path, in_process=True) as store:
        world = store.world(GUILD)
        await world.write([exchange(1, said(), user_id=BEN), exchange(2)])
        await world.drained()
        with somebody_reads(tmp_path):
            await world.write([MessagesForgotten((MESSAGE,))])
            await world.drained()
            await until(lambda: world.lingering is not None)
            assert "Another program reads" in (world.lingering or "")
            assert (store.problem, world.held_up) == (None, None)
            assert files_with(tmp_path, WORDS) != []
            # Others are not held up by it.
            await world.write([exchange(3)])
            await world.drained()
            assert (await world.stats()).exchanges == 3
        await until(lambda: world.lingering is None)
        assert path_of(tmp_path, GUILD).with_suffix(".sqlite3-wal").stat().st_size == 0
        await PersonalRecords(store).wipe(GUILD)
        assert files_with(tmp_path, WORDS) == []


async def test_a_receipt_says_so_and_the_office_tries_again(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path, in_process=True) as store:
        world = store.world(GUILD)
        await world.write([exchange(1, said(), user_id=BEN), exchange(2)])
        await world.drained()
        office = privacy_office(store, backup_days=30)
        with somebody_reads(tmp_path):
            receipt = await office.forget(BEN)
            assert receipt.gone.rows == 2
            assert receipt.failed == {str(GUILD): lingering.LINGERS}
            await office.round()
            assert files_with(tmp_path, WORDS) != []
        await office.round()
        assert files_with(tmp_path, WORDS) == []
        assert not office.records.lingering


def test_why_it_cannot_be_emptied_is_told_at_the_second_attempt(tmp_path: Path) -> None:
    """Be it the disk: whoever is told to close a program would look for one in vain."""
    told: list[str | None] = []
    logs = lingering.Lingering(lambda _, why: told.append(why))
    path = path_of(tmp_path, GUILD)
    with closing(fill(tmp_path, [exchange(1)])) as connection:
        for _ in range(2):
            logs.put_off(GUILD, path, OSError(errno.ENOSPC, "No space left on device"))
        assert len(told) == 1
        assert "the disk is full" in str(told[0])
        assert str(tmp_path) not in str(told[0])
        logs.empty(GUILD, path, connection)
    assert told[1:] == [None]
    assert not logs
