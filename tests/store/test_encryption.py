"""Files become encrypted, and plain again, with nothing lost and no key guessed."""

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.checking import check, is_damaged
from bot.store.encryption import convert, files_in
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import open_world, path_of
from bot.store.headers import is_plain
from bot.store.inbox import Inbox
from bot.store.installation import FILE, Installation
from bot.store.operations import encode
from bot.store.problems import StoreError
from bot.store.sqlite import SqliteStore
from tests.store.filling import GUILD, exchange, fill, training_rows

pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")

KEY = Engine("a key")
PLAIN = Engine()


def rows(folder: Path, engine: Engine) -> list[dict[str, object]]:
    with contextlib.closing(open_world(folder, GUILD, engine)) as connection:
        return training_rows(connection)


def convert_all(folder: Path, engine: Engine, *, encrypt: bool) -> list[bool]:
    return [convert(path, size, engine, encrypt=encrypt) for path, size in files_in(folder)]


def test_there_and_back(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(number) for number in range(200)]).close()
    inbox = Inbox(tmp_path, PLAIN)
    inbox.append([(GUILD, *encode(exchange(300)))])
    inbox.close()
    expected = rows(tmp_path, PLAIN)
    assert convert_all(tmp_path, KEY, encrypt=True) == [True, True]
    for path, _ in files_in(tmp_path):
        assert not is_plain(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"Question" not in path.read_bytes()
    assert not [path for path in tmp_path.rglob("*-wal") if path.stat().st_size]
    assert convert_all(tmp_path, KEY, encrypt=True) == [False, False]
    assert rows(tmp_path, KEY) == expected
    inbox = Inbox(tmp_path, KEY)
    assert list(inbox.read(inbox.waiting[GUILD])) == [encode(exchange(300))]
    inbox.close()
    assert convert_all(tmp_path, KEY, encrypt=False) == [True, True]
    assert rows(tmp_path, PLAIN) == expected


def test_who_objected_everywhere_is_known_with_and_without_a_key(tmp_path: Path) -> None:
    Installation(tmp_path, PLAIN).object(42, 1)
    before = Installation(tmp_path, PLAIN).read()
    assert convert_all(tmp_path, KEY, encrypt=True) == [True]
    assert Installation(tmp_path, KEY).read() == before
    assert not is_plain(tmp_path / FILE)
    assert convert_all(tmp_path, KEY, encrypt=False) == [True]
    assert Installation(tmp_path, PLAIN).read() == before


def test_a_wrong_key_is_an_error_and_changes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, [exchange(1)], engine=KEY).close()
    before = path_of(tmp_path, GUILD).read_bytes()
    for encrypt in (True, False):
        with pytest.raises(StoreError, match="STORE_KEY is not the one"):
            convert_all(tmp_path, Engine("another"), encrypt=encrypt)
    assert "ERROR" not in capfd.readouterr().err
    assert path_of(tmp_path, GUILD).read_bytes() == before


async def test_a_bot_with_a_key_says_how_to_encrypt_what_is_plain(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(1)]).close()
    async with SqliteStore(tmp_path, KEY, in_process=True) as store:
        with pytest.raises(StoreError, match="store encrypt"):
            await store.world(GUILD).page(None, 1)


def test_check_tells_keys_from_damage(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(number) for number in range(100)]).close()
    assert not list(check(tmp_path, GUILD, PLAIN, 30))
    assert "store encrypt" in next(check(tmp_path, GUILD, KEY, 30))
    convert_all(tmp_path, KEY, encrypt=True)
    assert not list(check(tmp_path, GUILD, KEY, 30))
    assert "is encrypted, or damaged" in next(check(tmp_path, GUILD, PLAIN, 30))
    assert "STORE_KEY is not the one" in next(check(tmp_path, GUILD, Engine("another"), 30))
    assert not any(is_damaged(tmp_path, GUILD, one) for one in (PLAIN, KEY, Engine("another")))


def test_a_kill_leaves_the_one_or_the_other(tmp_path: Path) -> None:
    fill(tmp_path, [exchange(number) for number in range(50)]).close()
    expected = rows(tmp_path, PLAIN)
    path = path_of(tmp_path, GUILD)
    for calls in (0, 1, 2, 3):
        # Dies at one of the moments at which bytes are forced to the disk or names change.
        script = f"""
import os
from pathlib import Path
from bot.store import encryption
from bot.store.engine import Engine
left = [{calls}]
def dying(real):
    def call(*given):
        if not left[0]:
            os.kill(os.getpid(), 9)
        left[0] -= 1
        return real(*given)
    return call
encryption.flush = dying(encryption.flush)
encryption.look_through = dying(encryption.look_through)
encryption.convert(Path({str(path)!r}), {PAGE_SIZE}, Engine("a key"), encrypt=True)
"""
        done = subprocess.run([sys.executable, "-c", script], check=False)
        assert done.returncode == -9
        assert rows(tmp_path, PLAIN if is_plain(path) else KEY) == expected
        if not is_plain(path):
            convert(path, PAGE_SIZE, KEY, encrypt=False)
    assert convert_all(tmp_path, KEY, encrypt=True) == [True]
    assert rows(tmp_path, KEY) == expected


def test_a_small_file_that_is_encrypted_never_passes_for_a_plain_one(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - the same bytes each time
    path = tmp_path / "random.sqlite3"
    for pages in (2, 3, 8):
        for _ in range(500):
            path.write_bytes(chance.randbytes(pages * PAGE_SIZE))
            assert not is_plain(path)


@pytest.mark.parametrize("exchanges", [0, 1, 300])
def test_a_plain_file_is_known_without_its_header(tmp_path: Path, exchanges: int) -> None:
    fill(tmp_path, [exchange(number) for number in range(exchanges)]).close()
    path = path_of(tmp_path, GUILD)
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    assert is_plain(path)


@pytest.mark.parametrize("engine", [PLAIN, Engine("another key")], ids=["no key", "another key"])
async def test_a_key_that_is_forgotten_loses_and_moves_nothing(
    tmp_path: Path, engine: Engine
) -> None:
    async with SqliteStore(tmp_path, KEY, in_process=True) as store:
        await store.world(GUILD).write([exchange(1)])
    before = sorted((tmp_path / "guilds").iterdir())
    async with SqliteStore(tmp_path, engine, in_process=True) as store:
        world = store.world(GUILD)
        await world.write([exchange(2)])
        with pytest.raises(StoreError, match="STORE_KEY"):
            await world.drained()
        assert "STORE_KEY" in (world.held_up or "")
    assert sorted((tmp_path / "guilds").iterdir()) == before
    assert [row["id"] for row in rows(tmp_path, KEY)] == [exchange(1).id]
