"""The inbox's segments: begun, carried over, damaged and deleted, without losing what waits."""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.store import drain as draining
from bot.store.applying import Stored
from bot.store.drain import Drain
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.inbox import Inbox, Segment, least_lost
from bot.store.operations import EXCHANGE, Entry, ExchangeForgotten, MessagesForgotten, encode
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.segment_reader import SegmentReader
from tests.store.loading import exchange

ONE, OTHER = World(WorldKind.GUILD, 1), World(WorldKind.GUILD, 2)


def entry(number: int, world: World = ONE) -> Entry:
    return (world, *encode(exchange(number, world.id)))


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    inbox = Inbox(tmp_path, Engine())
    yield inbox
    inbox.close()


def drain_of(inbox: Inbox, folder: Path, told: list[Any] | None = None) -> Drain:
    report = (told if told is not None else []).append
    return Drain(folder, Engine(), inbox, threading.Lock(), lambda *what: report(what))


def bodies(inbox: Inbox, world: World) -> list[bytes]:
    return [body for _, body in inbox.read(inbox.waiting[world])]


def test_what_is_carried_over_still_waits(inbox: Inbox) -> None:
    inbox.append([entry(1), entry(2, OTHER)])
    inbox.append([entry(3)])
    before = bodies(inbox, ONE), bodies(inbox, OTHER)
    inbox.carry_over()
    for segment in inbox.finished():
        segment.delete()
    assert (bodies(inbox, ONE), bodies(inbox, OTHER)) == before


def test_what_cannot_be_read_is_not_carried_over_as_nothing(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.append([entry(1), entry(2, OTHER), entry(3)])
    read = SegmentReader.read
    with monkeypatch.context() as patch:
        patch.setattr(SegmentReader, "read", lambda self, some: read(self, set(some) - {3}))
        inbox.carry_over()
    assert (inbox.waiting[ONE], inbox.waiting[OTHER]) == ([1, 3], [4])
    assert not inbox.finished()
    inbox.waiting.clear()


def test_a_segment_that_fails_takes_no_other_with_it(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the name that the next one gets, as nothing is in it."""
    inbox.append([entry(1)])
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "put", fails)
        for _ in range(3):
            inbox.begin_segment()
            with pytest.raises(OSError, match="full"):
                inbox.append([entry(2)])
    inbox.begin_segment()
    inbox.append([entry(2)])
    assert len(list((tmp_path / "inbox").glob("*.sqlite3"))) == 2
    del inbox.waiting[ONE][0]
    for segment in inbox.finished():
        segment.delete()
    assert bodies(inbox, ONE) == [entry(2)[2]]
    again = Inbox(tmp_path, Engine())
    assert bodies(again, ONE) == [entry(2)[2]]
    again.waiting.clear()
    again.close()
    inbox.waiting.clear()


def fails(*_: object) -> None:
    raise OSError(28, "full")


def test_what_was_flushed_though_that_was_denied_is_there_once(
    inbox: Inbox, tmp_path: Path
) -> None:
    """A COMMIT whose flush fails may be on disk all the same."""
    inbox.append([entry(1)])
    current = inbox.current
    assert current is not None
    current.append(2, [entry(2), entry(3)])
    inbox.begin_segment()
    inbox.append([entry(2), entry(3)])
    again = Inbox(tmp_path, Engine())
    assert again.waiting[ONE] == [1, 2, 3]
    assert len(bodies(again, ONE)) == 3
    again.close()


def test_nothing_comes_back_where_a_segment_could_not_be_deleted(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as on a disk that was mounted read-only for a while."""
    drain = drain_of(inbox, tmp_path)
    forgotten = (ONE, *encode(ExchangeForgotten(None, 1)))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        inbox.append([entry(1), entry(2)])
        with pytest.raises(StoreError, match="disk"):
            drain.drain_all()
        assert drain.restless
        inbox.append([forgotten])
        inbox.begin_segment()
        inbox.append([entry(3)])
        drain.drain(ONE)
        patch.undo()
        # The process is killed here, with but one more deleted, if any.
        delete, deleted = Segment.delete, list[Segment]()

        def delete_one(segment: Segment) -> None:
            if deleted:
                fails()
            deleted.append(segment)
            delete(segment)

        patch.setattr(Segment, "delete", delete_one)
        drain.clear()
    again = Inbox(tmp_path, Engine())
    assert not again.lost
    other = drain_of(again, tmp_path)
    other.drain_all()
    other.close_files()
    again.close()
    assert count(path_of(tmp_path, ONE)) == 2
    drain.drain_all()
    assert not drain.restless
    drain.close_files()
    inbox.close()
    assert not list((tmp_path / "inbox").iterdir())


@pytest.mark.parametrize("steps", range(4))
def test_a_segment_that_was_half_deleted_has_lost_nothing(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """It is killed in between, while somebody else has the file open."""
    inbox.append([entry(1), entry(2)])
    assert list(inbox.read([1, 2]))
    path = tmp_path / "inbox" / f"{1:020}.sqlite3"
    other = SegmentReader(path, Engine())
    assert list(other.read([1]))
    inbox.begin_segment()
    inbox.append([entry(3)])
    unlink, done = Path.unlink, list[Path]()

    def unlink_some(path: Path, *, missing_ok: bool) -> None:
        if len(done) == steps:
            fails()
        done.append(path)
        unlink(path, missing_ok=missing_ok)

    del inbox.waiting[ONE][:2]
    (segment,) = inbox.finished()
    with monkeypatch.context() as patch, contextlib.suppress(OSError):
        patch.setattr(Path, "unlink", unlink_some)
        segment.delete()
    other.close()
    again = Inbox(tmp_path, Engine())
    assert not again.lost
    assert len(again.waiting[ONE]) == 1
    assert not list((tmp_path / "inbox").glob(f"{1:020}*"))
    again.waiting.clear()
    again.close()
    inbox.waiting.clear()


def test_what_is_left_of_a_damaged_segment_is_not_lost(inbox: Inbox, tmp_path: Path) -> None:
    inbox.append([entry(number) for number in range(1, 201)])
    inbox.append([entry(201, OTHER)])
    inbox.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 16_384 * 16_384
    data[middle : middle + 16_384] = b"\xff" * 16_384
    path.write_bytes(data)

    again, told = Inbox(tmp_path, Engine()), list[Any]()
    (damaged,) = again.damaged
    assert damaged.read_bytes() == data
    assert 100 < len(again.waiting[ONE]) < 200
    assert len(again.waiting[OTHER]) == 1
    lost = 200 - len(again.waiting[ONE])
    assert (dict(again.lost), again.lost_is_least) == ({None: lost}, False)
    assert least_lost(damaged, Engine()) == lost
    drain = drain_of(again, tmp_path, told)
    drain.drain_all()
    drain.close_files()
    again.close()
    assert not told
    assert 100 < count(path_of(tmp_path, ONE)) < 200


@pytest.mark.parametrize("behind", [False, True])
def test_what_is_cut_off_a_segment_is_counted(
    inbox: Inbox, tmp_path: Path, *, behind: bool
) -> None:
    """Exactly, where another segment says up to where it went."""
    inbox.append([entry(number) for number in range(1, 201)])
    for _, segment in inbox._segments:
        segment.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    data = bytearray(path.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        last = rightmost_leaf(connection, data)
    data[last * 16_384 - 16_384 : last * 16_384] = b"\xff" * 16_384
    path.write_bytes(data)
    if behind:
        Segment(path.with_name(f"{201:020}.sqlite3"), Engine()).close()
    again = Inbox(tmp_path, Engine())
    found = len(again.waiting[ONE])
    assert 100 < found < 200
    assert again.lost_is_least == (not behind)
    assert dict(again.lost) == {None: 200 - found if behind else 1}
    again.waiting.clear()
    again.close()


def rightmost_leaf(connection: sqlite3.Connection, data: bytearray) -> int:
    """The page with the last rows, as the root says. https://www.sqlite.org/fileformat2.html"""
    (root,) = connection.execute("SELECT rootpage FROM sqlite_schema").fetchone()
    at = (root - 1) * 16_384
    assert data[at] == 5, "an interior page of a table"
    return int.from_bytes(data[at + 8 : at + 12])


def test_what_a_log_that_was_cut_short_had_is_counted(inbox: Inbox, tmp_path: Path) -> None:
    """SQLite takes the first frame that does not fit for the end of the log, and says nothing."""
    for number in range(1, 101):
        inbox.append([entry(number)])
    inbox.begin_segment()
    inbox.append([entry(101)])
    crashed = tmp_path / "crashed"
    shutil.copytree(tmp_path / "inbox", crashed / "inbox")
    log = min((crashed / "inbox").glob("*-wal"))
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    again = Inbox(crashed, Engine())
    found = len(again.waiting[ONE])
    assert 10 < found < 90
    assert (dict(again.lost), again.lost_is_least) == ({None: 101 - found}, False)
    again.close()
    inbox.waiting.clear()


@pytest.mark.parametrize(
    ("change", "left", "lost"),
    [
        ("world_kind = 'gukld'", 3, {None: 2}),
        ("world_kind = CAST(x'ff' AS TEXT)", 3, {None: 2}),
        ("world_id = 'one'", 3, {None: 2}),
        ("kind = 'x'", 3, {ONE: 2}),
        ("kind = x'00'", 3, {ONE: 2}),
        ("body = CAST(body AS TEXT)", 5, {}),
        ("world_kind = CAST(world_kind AS BLOB)", 5, {}),
    ],
)
def test_a_damaged_row_holds_up_no_other(
    inbox: Inbox, tmp_path: Path, change: str, left: int, lost: dict[World | None, int]
) -> None:
    """SQLite does not notice a changed bit."""
    inbox.append([entry(number) for number in range(1, 6)])
    for _, segment in inbox._segments:
        segment.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE operations SET {change} WHERE seq IN (2, 4)")  # noqa: S608

    again, told = Inbox(tmp_path, Engine()), list[Any]()
    assert len(again.damaged) == (left < 5)
    assert again.lost == lost
    drain = drain_of(again, tmp_path, told)
    drain.drain_all()
    drain.close_files()
    again.close()
    assert count(path_of(tmp_path, ONE)) == left


def test_damage_that_shows_while_draining_blames_no_server_s_file(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    drain = drain_of(inbox, tmp_path, told)
    inbox.append([entry(number) for number in range(1, 6)])
    read = SegmentReader.read

    def damaged(segment: SegmentReader, numbers: Sequence[int]) -> Iterator[Stored]:
        if 3 in numbers:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorname = "SQLITE_CORRUPT"
            raise error
        return read(segment, numbers)

    monkeypatch.setattr(SegmentReader, "read", damaged)
    drain.drain(ONE)
    drain.close_files()
    assert told == [(ONE, None, 1)]
    assert count(path_of(tmp_path, ONE)) == 4
    assert not list(tmp_path.rglob("*.damaged*"))


def test_one_whose_words_are_damaged_does_not_keep_the_others_from_being_read(
    inbox: Inbox, tmp_path: Path
) -> None:
    """SQLite says that there is no such column then, and not that the file is damaged."""
    inbox.append([entry(1), entry(2)])
    inbox.begin_segment()
    inbox.append([entry(3)])
    for _, segment in inbox._segments:
        segment.close()
    for change in (b"world_ie INTEGER", b"world_\xffd INTEGER"):
        broken = tmp_path / str(change[6])
        shutil.copytree(tmp_path / "inbox", broken / "inbox")
        path = min((broken / "inbox").glob("*.sqlite3"))
        path.write_bytes(path.read_bytes().replace(b"world_id INTEGER", change))
        again = Inbox(broken, Engine())
        assert (dict(again.lost), again.lost_is_least) == ({None: 2}, False)
        assert len(again.waiting[ONE]) == 1
        again.close()
    inbox.waiting.clear()


def test_a_number_that_is_damaged_is_believed_by_nobody(inbox: Inbox, tmp_path: Path) -> None:
    inbox.append([entry(number) for number in range(1, 6)])
    for _, segment in inbox._segments:
        segment.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET seq = seq + (1 << 40) WHERE seq = 5")
    again = Inbox(tmp_path, Engine())
    assert not again.lost
    again.begin_segment()
    again.append([entry(6)])
    for _, segment in again._segments:
        segment.close()
    last = Inbox(tmp_path, Engine())
    assert not last.lost
    assert last.waiting[ONE] == [1, 2, 3, 4, 5, 6]
    (damaged,) = again.damaged
    assert least_lost(damaged, Engine()) == 0
    drain = drain_of(last, tmp_path)
    drain.drain_all()
    drain.close_files()
    last.close()
    assert count(path_of(tmp_path, ONE)) == 6


def test_what_is_not_found_by_its_number_is_read_all_the_same(inbox: Inbox, tmp_path: Path) -> None:
    inbox.append([entry(number, (OTHER, ONE)[number % 2]) for number in range(1, 201)])
    for _, segment in inbox._segments:
        segment.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    data = bytearray(path.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema").fetchone()
    page = (root - 1) * 16_384
    cell = page + int.from_bytes(data[page + 12 : page + 14])
    assert 10 < data[cell + 4] < 128, "up to which number the first leaf goes"
    data[cell + 4] -= 5
    path.write_bytes(data)
    again = Inbox(tmp_path, Engine())
    drain = drain_of(again, tmp_path)
    drain.drain_all()
    drain.close_files()
    again.close()
    assert not again.lost
    assert count(path_of(tmp_path, ONE)) == count(path_of(tmp_path, OTHER)) == 100


def test_what_was_counted_as_lost_is_not_counted_again(inbox: Inbox, tmp_path: Path) -> None:
    """Where a file takes nothing for long, each writer finds the same."""
    inbox.append([entry(number) for number in range(1, 6)])
    inbox.begin_segment()
    inbox.append([entry(6)])
    for _, segment in inbox._segments:
        segment.close()
    path = min((tmp_path / "inbox").glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET kind = 'x' WHERE seq = 2")
        connection.execute("DELETE FROM operations WHERE seq = 4")
    again = Inbox(tmp_path, Engine())
    assert again.lost == {ONE: 1, None: 1}
    again.close()
    for _ in range(2):
        last = Inbox(tmp_path, Engine())
        assert not last.lost
        assert len(last.waiting[ONE]) == 4
        last.close()
    inbox.waiting.clear()


@pytest.mark.parametrize("raises", [True, False])
def test_what_a_file_that_takes_nothing_has_lost_is_counted_once(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, raises: bool
) -> None:
    monkeypatch.setattr(draining, "RETRY_SECONDS", (0.0, 0.0))
    told: list[Any] = []
    drain = drain_of(inbox, tmp_path, told)
    inbox.append([entry(number) for number in range(1, 6)])
    read = SegmentReader.read

    def damaged(segment: SegmentReader, numbers: Sequence[int]) -> Iterator[Stored]:
        if 3 in numbers and raises:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorname = "SQLITE_CORRUPT"
            raise error
        return read(segment, [number for number in numbers if number != 3])

    monkeypatch.setattr(SegmentReader, "read", damaged)
    path = path_of(tmp_path, ONE)
    path.mkdir(parents=True)
    for _ in range(3):
        with pytest.raises(StoreError):
            drain.drain(ONE)
    path.rmdir()
    drain.drain(ONE)
    drain.close_files()
    assert sum(lost for _, _, lost in told) == 1
    assert count(path) == 4


@pytest.mark.parametrize("garbage", [[[]] * 20, ["1"] * 20, {}, None, 5])
def test_what_is_garbage_in_the_inbox_is_counted_and_the_others_arrive(
    inbox: Inbox, tmp_path: Path, garbage: object
) -> None:
    told: list[Any] = []
    drain = drain_of(inbox, tmp_path, told)
    body = msgspec.msgpack.encode(garbage)
    inbox.append([entry(1), (ONE, EXCHANGE, body), entry(3), entry(4, OTHER)])
    drain.drain_all()
    drain.close_files()
    assert told == [(ONE, None, 1)]
    assert (count(path_of(tmp_path, ONE)), count(path_of(tmp_path, OTHER))) == (2, 1)
    assert not any(inbox.waiting.values())


def test_what_is_to_be_forgotten_never_gives_way(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "MOST_WAITING", 3)
    path_of(tmp_path, ONE).mkdir(parents=True)
    told: list[Any] = []
    drain = drain_of(inbox, tmp_path, told)
    inbox.append([entry(1), (ONE, *encode(MessagesForgotten((5, 6)))), *map(entry, range(2, 6))])
    with pytest.raises(StoreError):
        drain.drain(ONE)
    assert [(world, lost) for world, _, lost in told] == [(ONE, 3)]
    assert inbox.waiting[ONE] == [2, 5, 6]
    inbox.waiting.clear()


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        (found,) = connection.execute("SELECT count(*) FROM training_data").fetchone()
    finally:
        connection.close()
    return int(found)
