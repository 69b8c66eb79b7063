"""What the store does on real file systems that fill up, or cannot be written.

Not collected by itself: see `mounts.py`.
"""

import asyncio
import errno
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.compose import privacy_office
from bot.harness import SeenMessage
from bot.store.backup import back_up
from bot.store.engine import Engine
from bot.store.files import path_of
from bot.store.inbox import Inbox
from bot.store.installation import Installation
from bot.store.operations import encode
from bot.store.problems import StoreError
from bot.store.records import ChatMessage, Exchange, World, WorldKind
from bot.store.room import ROOM_BYTES
from bot.store.sqlite import SqliteStore
from tests.front.scene import scene
from tests.grepping import files_with
from tests.store.filling import GUILD, exchange, fill
from tests.store.mounts import SmallDisk, make_read_only, make_writable
from tests.waiting import until

DUMPS = Path(__file__).parent / "files"
OTHER = World(WorldKind.GUILD, 2)
FULL = "the disk is full. Free some space"
READ_ONLY = "its disk is mounted read-only"
BEN = 77
LONG = "x" * 10_000

Told = dict[int, StoreError | None]


@pytest.fixture
def disk(tmp_path: Path) -> SmallDisk:
    return SmallDisk(tmp_path / "disk", 24)


def kept_in(folder: Path, *worlds: World) -> list[int]:
    """The exchanges in these worlds' files, which are whole."""
    found = []
    for world in worlds:
        with closing(sqlite3.connect(path_of(folder, world))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            found += [row[0] for row in connection.execute("SELECT id FROM training_data")]
            counted = connection.execute("SELECT count(*) FROM exchanges").fetchone()
            assert counted == connection.execute("SELECT exchanges FROM counters").fetchone()
    return sorted(found)


def of_ben(number: int) -> Exchange:
    """An exchange with a long question of Ben's, which no other quotes."""
    said = ChatMessage("user", f"Ben's words {number} {LONG}", "ben", 5_000 + number, BEN)
    return exchange(number, said, user_id=BEN, output=f"For Ben {number}")


async def test_a_disk_that_fills_up_under_load_and_gets_room_again(disk: SmallDisk) -> None:
    """Handing over goes on, what was kept is there, what was not is counted."""
    data = disk.folder / "data"
    disk.fill(leave=6 << 20)
    worlds = (GUILD, OTHER)
    told: Told = {}
    submitted: list[int] = []
    async with SqliteStore(data, most_waiting_bytes=1 << 20) as store:

        def submit(number: int) -> None:
            made = exchange(number, output=f"Answer {number} {'y' * 2000}")
            store.world(worlds[number % 2]).submit(
                made, lambda error: told.update({made.id: error})
            )
            submitted.append(made.id)

        async with asyncio.timeout(30):
            while store.problem is None:
                submit(len(submitted))
                await asyncio.sleep(0)
        kept_before = {number for number, error in told.items() if error is None}
        assert kept_before
        assert FULL in store.problem
        assert "goes on by itself" in store.problem
        assert str(disk.folder) not in store.problem
        # Far more than is held, so that the oldest give way.
        for _ in range(8_000):
            submit(len(submitted))
            if len(submitted) % 100 == 0:
                await asyncio.sleep(0)
        assert store.problem is not None
        dropped = {number for number, error in told.items() if error is not None}
        assert len(submitted) - len(told) < 6_000
        assert dropped
        disk.make_room()
        await until(lambda: len(told) == len(submitted))
        assert store.problem is None
        assert {number for number, error in told.items() if error is not None} == dropped
        await store.drained()
        await until(lambda: all(store.world(world).held_up is None for world in worlds))
        await store.drained()
        assert kept_in(data, *worlds) == sorted(set(submitted) - dropped)
        assert [store.world(world).lost for world in worlds] == [0, 0]
    assert [path.name for path in (data / "inbox").iterdir()] == ["lock"]


async def test_people_are_answered_while_the_disk_is_full(disk: SmallDisk) -> None:
    async with (
        scene(disk.folder / "data") as stage,
        stage.agent.runtime(World(WorldKind.GUILD, int(stage.guild_id))) as runtime,
    ):
        store = runtime.store
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.ask(stage.ben, "before")
        disk.fill()
        for text in ("meanwhile", "still"):
            (answer,) = await stage.ask(stage.ben, text)
            assert answer.content == "hello"
        await until(lambda: store.problem is not None)
        status = written(await stage.say(stage.ada, "check reasoning status"))
        assert "nothing is being kept" in status
        assert FULL in status
        disk.make_room()
        await until(lambda: store.problem is None and store.held_up is None)
        await store.drained()
        status = written(await stage.say(stage.ada, "check reasoning status"))
        assert "every exchange is being kept" in status
        assert "not kept since" not in status
        assert len(stage.rows()) == 3


def written(answers: list[SeenMessage]) -> str:
    """All that is to be read in these messages."""
    return json.dumps([answer.latest for answer in answers], ensure_ascii=False)


@pytest.mark.parametrize("what", ["room", "names"])
async def test_the_inbox_can_begin_no_segment(disk: SmallDisk, what: str) -> None:
    """From the start on, and again where everything was deleted after a while."""
    data = disk.folder / "data"
    for number in range(2):
        disk.use_up_names() if what == "names" else disk.fill()
        async with SqliteStore(data) as store:
            waits = asyncio.ensure_future(store.world(GUILD).write([exchange(number)]))
            await until(lambda store=store: store.problem is not None)  # type: ignore[misc]
            assert FULL in (store.problem or "")
            assert not waits.done()
            disk.make_room()
            await asyncio.wait_for(waits, 30)
            await store.drained()
        assert kept_in(data, GUILD) == [exchange(n).id for n in range(number + 1)]


def test_nothing_is_begun_that_there_is_no_room_for(disk: SmallDisk) -> None:
    """On some of these disks SQLite would end the process by a signal (see `need_room`)."""
    inbox = Inbox(disk.folder / "data", Engine())
    kept = [(GUILD, *encode(exchange(number))) for number in range(3)]
    for leave in range(0, ROOM_BYTES, 8 << 10):
        disk.fill(leave=leave)
        if disk.free < ROOM_BYTES:
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                inbox.append(kept)
            assert not sum(path.stat().st_size for path in (disk.folder / "data").rglob("*.*"))
        disk.make_room()
    disk.fill(leave=ROOM_BYTES)
    inbox.append(kept[:1])
    disk.make_room()
    inbox.append(kept[1:])
    assert [body for _, body in inbox.read(inbox.waiting[GUILD])] == [body for *_, body in kept]
    inbox.close()


OPENS = """
import sys
from pathlib import Path
from bot.store.engine import Engine
from bot.store.files import open_world, path_of
from tests.store.filling import GUILD
folder = Path(sys.argv[1])
try:
    if sys.argv[2] == "look":
        print(Engine().look_into(path_of(folder, GUILD)).execute("PRAGMA user_version").fetchone())
    else:
        with open_world(folder, GUILD, Engine()) as connection:
            connection.executemany("INSERT INTO settings VALUES (?, zeroblob(5000))", "abcdefgh")
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize("how", ["look", "write"])
def test_opening_a_file_on_a_full_disk_ends_nobody(disk: SmallDisk, how: str) -> None:
    """With or without an error, but not by a signal."""
    data = disk.folder / "data"
    fill(data, [exchange(number) for number in range(3)]).close()
    for leave in range(0, ROOM_BYTES, 8 << 10):
        os.sync()
        disk.fill(leave=leave)
        done = subprocess.run([sys.executable, "-c", OPENS, data, how], check=False)
        assert done.returncode == 0
        disk.make_room()


async def test_a_server_s_file_that_cannot_grow(tmp_path: Path) -> None:
    """The inbox has room: all is kept, and waits."""
    disk = SmallDisk(tmp_path / "data" / "guilds", 8)
    async with SqliteStore(tmp_path / "data") as store:
        world = store.world(GUILD)
        await world.write([exchange(0)])
        await world.drained()
        disk.fill()
        numbers = range(1, 200)
        await world.write([exchange(number, output=LONG) for number in numbers])
        with pytest.raises(StoreError, match=FULL):
            await world.drained()
        await until(lambda: world.held_up is not None)
        assert FULL in (world.held_up or "")
        assert store.problem is None
        disk.make_room()
        await until(lambda: world.held_up is None)
        await world.drained()
        assert world.lost == 0
        assert kept_in(tmp_path / "data", GUILD) == [exchange(n).id for n in (0, *numbers)]


@pytest.mark.parametrize("what", ["copy", "steps"])
async def test_a_migration_that_has_no_room(disk: SmallDisk, what: str) -> None:
    data = disk.folder / "data"
    path = path_of(data, GUILD)
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript((DUMPS / "schema-1.sql").read_text(encoding="utf-8"))
        connection.executemany(
            "INSERT INTO messages (id, author_id, name, content, deleted) VALUES (?, 1, 'a', ?, 0)",
            [(90_000 + number, LONG) for number in range(200)],
        )
        connection.execute("PRAGMA journal_mode = WAL")
        before = set(connection.execute("SELECT id, content FROM messages"))
    size = path.stat().st_size
    disk.fill(leave=(1 << 20) + (size if what == "steps" else 0))
    async with SqliteStore(data) as store:
        world = store.world(GUILD)
        await world.write([exchange(1)])
        with pytest.raises(StoreError, match=FULL):
            await world.drained()
        await until(lambda: world.held_up is not None)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
            assert set(connection.execute("SELECT id, content FROM messages")) == before
        copies = [one for one in (data / "backups").rglob("*") if one.is_file()]
        assert [one.name for one in copies] == ([path.name] if what == "steps" else [])
        disk.make_room()
        await until(lambda: world.held_up is None)
        await world.drained()
    with closing(sqlite3.connect(path)) as connection:
        assert exchange(1).id in {row[0] for row in connection.execute("SELECT id FROM exchanges")}
        query = "SELECT message_id, content FROM messages WHERE message_id >= 90000"
        assert set(connection.execute(query)) >= {row for row in before if row[0] >= 90_000}


async def test_forgetting_that_has_no_room_is_owed(disk: SmallDisk) -> None:
    """Writing a file anew takes as much room again; what fails is told, and done later."""
    data = disk.folder / "data"
    fill(data, [*(exchange(n) for n in range(10)), *(of_ben(n) for n in range(10, 210))]).close()
    fill(data, [exchange(n, output=LONG) for n in range(300, 500)]).close()
    disk.fill(leave=1 << 20)
    async with SqliteStore(data) as store:
        office = privacy_office(store, backup_days=30)
        receipt = await office.forget(BEN)
        assert list(receipt.failed) == [str(GUILD)]
        assert FULL in receipt.failed[str(GUILD)]
        await store.world(GUILD).write([exchange(999)])
        disk.make_room()
        await office.catch_up()
        await store.world(GUILD).drained()
        assert files_with(data, "Ben's words", "For Ben") == []
        assert Installation(data, Engine()).read().owed == frozenset()
    others = [exchange(n).id for n in (*range(10), *range(300, 500), 999)]
    assert kept_in(data, GUILD) == others


async def test_a_backup_that_has_no_room_is_told_and_leaves_nothing(disk: SmallDisk) -> None:
    data = disk.folder / "data"
    fill(data, [exchange(n, output=LONG) for n in range(200)]).close()
    fill(data, [exchange(1)], OTHER).close()
    disk.fill(leave=1 << 20)
    backups, now = data / "backups", datetime.now(UTC)
    free = disk.free
    done = back_up(data, [GUILD, OTHER], backups, Engine(), now)
    problems = {one.world: one.problem for one in done}
    assert FULL in str(problems[GUILD])
    assert problems[OTHER] is None
    (copy,) = (path for path in backups.rglob("*") if path.is_file())
    assert copy.name == "2.sqlite3"
    # What the file system itself needs for a name aside.
    assert disk.free > free - copy.stat().st_size - (16 << 10)
    async with SqliteStore(data) as store:
        await store.world(GUILD).write([exchange(999)])
    disk.make_room()
    (again,) = back_up(data, [GUILD], backups, Engine(), now)
    assert again.problem is None
    assert again.copy.exists()


@pytest.mark.parametrize("what", ["guilds", "."])
async def test_what_cannot_be_written_is_told_and_waited_for(tmp_path: Path, what: str) -> None:
    """By nobody, not even by root."""
    data = tmp_path / "data"
    (data / "guilds").mkdir(parents=True)
    make_read_only(data / what)
    async with SqliteStore(data) as store:
        world = store.world(GUILD)
        told: list[StoreError | None] = []
        world.submit(exchange(1), told.append)
        await until(lambda: (store.problem if what == "." else world.held_up) is not None)
        assert READ_ONLY in (store.problem or world.held_up or "")
        assert str(tmp_path) not in (store.problem or world.held_up or "")
        with pytest.raises(StoreError, match=READ_ONLY):
            await world.drained()
        assert told == ([] if what == "." else [None])
        make_writable(data / what)
        await until(lambda: told == [None] and world.held_up is None and store.problem is None)
        await world.drained()
    assert kept_in(data, GUILD) == [exchange(1).id]
