"""`understudy store` and `understudy export`, as an operator calls them."""

import asyncio
import contextlib
import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from bot.cli import main
from bot.compose import privacy_office
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.files import path_of
from bot.store.inbox import Inbox
from bot.store.installation import Installation
from bot.store.locking import alone, in_use, is_running
from bot.store.operations import Operation, ReplyAttached, VoteCast, encode
from bot.store.pages import read_page
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind
from bot.store.setting_aside import rename_aside
from bot.store.sqlite import SqliteStore
from bot.store.stretches import STRETCH
from tests.store.filling import DM, GUILD, START, exchange, fill

COUNT = 200
HIS = World(WorldKind.DM, 91)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands work on."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.delenv("STORE_KEY", raising=False)
    fill(data, [exchange(number) for number in range(COUNT)]).close()
    fill(data, [exchange(number) for number in range(3)], DM).close()
    return data


@contextlib.contextmanager
def bot_running(folder: Path) -> Iterator[None]:
    """As far as others can see."""
    (folder / "inbox").mkdir(exist_ok=True)
    with (folder / "inbox" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_bot_that_is_started_meanwhile_waits(folder: Path) -> None:
    assert not is_running(folder)
    with alone(folder), (folder / "inbox" / "lock").open("w") as lock:
        assert is_running(folder)
        for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
    assert not is_running(folder)


async def test_the_second_of_two_bots_on_the_same_records_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with in_use(folder):
        assert not caplog.messages
        async with in_use(folder):
            assert [message for message in caplog.messages if "Stop one of them" in message]
        caplog.clear()
    async with in_use(folder):
        assert not caplog.messages


async def test_a_bot_that_has_recorded_nothing_yet_is_running_too(folder: Path) -> None:
    async with in_use(folder), in_use(folder):
        assert is_running(folder)
        with pytest.raises(StoreError, match="Stop it first"), alone(folder):
            pass
    with alone(folder):
        waiting = asyncio.create_task(enter(in_use(folder)))
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 10)


async def enter(place: contextlib.AbstractAsyncContextManager[None]) -> None:
    async with place:
        pass


def test_export_writes_a_file_when_it_is_whole(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zstandard = pytest.importorskip("zstandard", reason="the extra export is not installed")
    plain, packed = tmp_path / "x.jsonl", tmp_path / "x.jsonl.zst"
    for path in (plain, packed):
        assert main(["export", "--guild", str(GUILD.id), "-o", str(path)]) == 0
        assert path.stat().st_mode & 0o777 == 0o600
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(packed.read_bytes())
    assert unpacked == plain.read_bytes()
    assert len(plain.read_text(encoding="utf-8").splitlines()) == COUNT
    assert f"{COUNT:,} exchanges" in capsys.readouterr().err
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("UPDATE exchanges SET prompt = '[' WHERE id = ?", (exchange(199).id,))
        connection.commit()
    broken = tmp_path / "broken.jsonl"
    assert main(["export", "--guild", str(GUILD.id), "-o", str(broken)]) == 1
    told = capsys.readouterr().err
    assert f"{COUNT - 1:,} exchanges" in told
    assert "1 exchanges are left out" in told
    assert str(exchange(199).id) in told
    assert len(broken.read_text(encoding="utf-8").splitlines()) == COUNT - 1
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("DROP TABLE votes")
        connection.commit()
    failed = tmp_path / "failed.jsonl.zst"
    assert main(["export", "--guild", str(GUILD.id), "-o", str(failed)]) == 1
    assert [path.name for path in tmp_path.iterdir() if "failed" in path.name] == []


def test_export_takes_filters(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    call = ["export", "--dm", str(DM.id), "--purpose", "planning", "--since", "2023-11-14"]
    assert main(call) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [exchange(0).id, exchange(2).id]
    assert main([*call, "--until", "2023-11-14T22:13:21+00:00"]) == 0
    assert len(capfdbinary.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--guild", "77"], "there is no such file"),
        (["--guild", "1", "--format", "parquet", "-o", "x.zst"], "leave out the .zst"),
        (["--dm", str(DM.id), "-o", "no/where"], "cannot be made"),
        (["--dm", str(DM.id), "-o", "data"], "data: is a folder. Name a file"),
        (["--dm", str(DM.id), "-o", "."], ".: is a folder. Name a file"),
        (["--dm", str(DM.id), "-o", "/"], "/: is a folder. Name a file"),
        (["--dm", str(DM.id), "-o", ""], ".: is a folder. Name a file"),
    ],
)
def test_export_says_what_is_wrong(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if problem.startswith("leave"):
        arguments[1] = str(GUILD.id)
    assert main(["export", *arguments]) == 1
    assert problem in capsys.readouterr().err


def test_export_replaces_nothing_that_is_no_file(tmp_path: Path) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    link.symlink_to(target)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:  # noqa: S607
        assert main(["export", "--dm", str(DM.id), "-o", str(pipe)]) == 0
        assert reader.stdout is not None
        read = reader.stdout.read()
    assert pipe.is_fifo()
    assert main(["export", "--dm", str(DM.id), "-o", str(link)]) == 0
    assert link.is_symlink()
    assert read == target.read_bytes()
    assert len(read.splitlines()) == 3


def test_export_ends_quietly_when_nobody_reads_on(folder: Path) -> None:
    fill(folder, [exchange(number, output="x" * 5_000) for number in range(COUNT, 600)]).close()
    call = f"'{sys.executable}' -m bot export --guild {GUILD.id} | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"{call}; exit ${{PIPESTATUS[0]}}"],  # noqa: S607
        capture_output=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (141, b'{"id":1174', b"")


def test_a_backup_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bot_running(folder):
        assert main(["store", "backup"]) == 0
    (backup,) = (folder / "backups").iterdir()
    path_of(folder, GUILD).unlink()
    with bot_running(folder):
        assert main(["store", "restore", str(backup)]) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert main(["store", "restore", "--guild", str(GUILD.id), str(backup)]) == 0
    assert main(["store", "check"]) == 0
    assert main(["store", "restore", str(folder)]) == 0
    assert main(["store", "restore", str(folder / "nowhere")]) == 1


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All servers' files by name: what is in them and when they were last changed."""
    found = sorted(path for kind in ("guilds", "dms") for path in (folder / kind).iterdir())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


LOOKS = (
    ["store", "stat"],
    ["store", "check"],
    ["store", "repair"],
    ["store", "backup"],
    ["export", "--guild", str(GUILD.id)],
    ["my-data", "--user", "90", "-o", "their.json"],
)


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_who_only_reads_leaves_nothing_beside_a_file(folder: Path, command: list[str]) -> None:
    before = files_in(folder)
    assert set(before) == {f"{GUILD.id}.sqlite3", f"{DM.id}.sqlite3"}
    assert main(command) == 0
    assert files_in(folder) == before


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_who_only_reads_takes_nothing_away(folder: Path, command: list[str]) -> None:
    """From another process that has the file open, and writes it before and after."""
    path = path_of(folder, GUILD)
    writer = f"""
import sys
from tests.store.filling import *
from pathlib import Path
for number in (500, 501):
    connection = fill(Path({str(folder)!r}), [exchange(number)])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("SELECT 1 FROM exchanges").fetchone()
    print(flush=True)
    sys.stdin.readline()
    connection.execute("UPDATE counters SET last_timestamp = 7")
    connection.execute("SELECT 1 FROM exchanges").fetchone()
"""  # noqa: S608 - a program, no statement
    with subprocess.Popen(
        [sys.executable, "-c", writer],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for _ in range(2):
            assert other.stdout.readline() == b"\n"
            inodes = {one.name: one.stat().st_ino for one in path.parent.iterdir()}
            assert len(inodes) == 3
            assert main(command) == 0
            assert {one.name: one.stat().st_ino for one in path.parent.iterdir()} == inodes
            other.stdin.write(b"\n")
            other.stdin.flush()
        other.stdin.close()
    assert other.returncode == 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (COUNT + 2,)
        assert connection.execute("SELECT last_timestamp FROM counters").fetchone() == (7,)


@pytest.mark.parametrize("command", [look for look in LOOKS if "repair" not in look], ids=" ".join)
def test_what_a_crash_left_in_a_log_stays_there(folder: Path, command: list[str]) -> None:
    path = path_of(folder, GUILD)
    log = path.with_name(f"{path.name}-wal")
    with contextlib.closing(fill(folder, [exchange(500)])):
        left = path.read_bytes(), log.read_bytes()
    path.write_bytes(left[0])
    log.write_bytes(left[1])
    assert main(command) == 0
    assert (path.read_bytes(), log.read_bytes()) == left
    fill(folder, []).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (COUNT + 1,)


def test_old_backups_go_when_one_is_made(folder: Path) -> None:
    old = folder / "backups" / "20200101T000000Z" / "guilds"
    old.mkdir(parents=True)
    assert main(["store", "backup", "--guild", str(GUILD.id), "--keep-days", "9000"]) == 0
    assert old.exists()
    assert main(["store", "backup", "--guild", str(GUILD.id)]) == 0
    assert not old.parent.exists()


def test_stat_shows_sizes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = Inbox(folder, Engine())
    inbox.append([(GUILD, *encode(exchange(300)))])
    assert main(["store", "stat"]) == 0
    inbox.close()
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in shown[1:3]] == ["3", str(COUNT)]
    assert shown[3] == "in the inbox: 1 operations; the bot is not running"


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


def test_check_finds_what_does_not_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.execute("UPDATE counters SET exchanges = 7")
        connection.execute("DELETE FROM messages WHERE message_id = 1005")
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert "has 1 quoted messages that are not there" in shown
    assert f"where there are ({COUNT}, 0, 0)" in shown


@pytest.mark.parametrize("running", [True, False])
def test_check_export_and_repair_agree_on_prompts_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str], *, running: bool
) -> None:
    damaged = ("[1", b"[1", "[1.5]", f"[{2**63}]", f"[{2**63 - 1},1]", f"[{10**30}]")
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection:
        connection.executemany(
            "UPDATE exchanges SET prompt = ? WHERE id = ?",
            [(prompt, exchange(number).id) for number, prompt in enumerate(damaged)],
        )
        connection.commit()
    assert main(["store", "check"]) == 1
    shown = capsys.readouterr().out
    assert f"has {len(damaged)} prompts that cannot be read" in shown
    assert "not there" not in shown
    export = ["export", "--guild", str(GUILD.id)]
    assert main(export) == 1
    exported = capsys.readouterr()
    assert len(exported.out.splitlines()) == COUNT - len(damaged)
    assert f"{len(damaged)} exchanges are left out" in exported.err
    with bot_running(folder) if running else contextlib.nullcontext():
        assert main(["store", "repair"]) == 0
    shown = capsys.readouterr().out
    assert f"{len(damaged)} prompts could not be read" in shown
    assert "No file is damaged" not in shown
    assert main(["store", "check"]) == 0
    capsys.readouterr()
    assert main(export) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [bool(row["input"]) for row in rows] == [n >= len(damaged) for n in range(COUNT)]
    assert rows[0]["output"] == "Answer 0."


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


def test_encrypting_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    assert main(["store", "encrypt"]) == 1
    assert "STORE_KEY is not set" in capsys.readouterr().err
    assert main(["store", "backup"]) == 0
    monkeypatch.setenv("STORE_KEY", "hunter2")
    with bot_running(folder):
        assert main(["store", "encrypt"]) == 1
    Installation(folder, Engine()).object(42, 1)
    aside = rename_aside(folder / "installation.sqlite3")
    Installation(folder, Engine()).object(42, 1)
    assert main(["store", "encrypt"]) == 0
    shown = capsys.readouterr().out
    assert "5 files encrypted" in shown
    assert f"{aside}: is damaged and was left as it is" in shown
    assert Installation(folder, Engine("hunter2")).read().objections == {42: 1}
    aside.unlink()
    assert main(["store", "check"]) == 0
    assert main(["export", "--dm", str(DM.id), "-o", "x.jsonl"]) == 0
    monkeypatch.setenv("STORE_KEY", "another")
    assert main(["store", "decrypt"]) == 1
    output = capsys.readouterr()
    assert "STORE_KEY is not the one" in output.err
    assert "hunter2" not in output.err + output.out
    monkeypatch.setenv("STORE_KEY", "hunter2")
    assert main(["store", "decrypt"]) == 0
    monkeypatch.delenv("STORE_KEY")
    assert main(["store", "check"]) == 0


@pytest.mark.parametrize("job", ["check", "repair", "backup", "upgrade", "stat"])
def test_with_a_wrong_key_nothing_is_in_order(
    folder: Path, job: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlcipher3", reason="the extra encrypted is not installed")
    monkeypatch.setenv("STORE_KEY", "hunter2")
    assert main(["store", "encrypt"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("STORE_KEY", "another")
    assert main(["store", job]) == 1
    output = capsys.readouterr()
    for world in (GUILD, DM):
        assert f"{path_of(folder, world)}: it cannot be read: STORE_KEY is not the one" in (
            output.out + output.err
        )
    assert "No file is damaged" not in output.out


def test_a_backup_outlives_itself(folder: Path) -> None:
    assert main(["store", "backup", "--keep-days", "0"]) == 0
    (kept,) = (folder / "backups").iterdir()
    assert path_of(kept, GUILD).exists()
    with pytest.raises(SystemExit):
        main(["store", "backup", "--keep-days", "-1"])
    assert main(["store", "restore", str(kept)]) == 0
    (before,) = (folder / "backups").glob("*-before-restore*")
    assert path_of(before, GUILD).exists()
    assert path_of(before, DM).exists()


def test_what_is_not_there_is_not_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "check", "--guild", "5"]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["stat", "check", "repair", "upgrade", "backup"])
def test_what_was_never_recorded_is_not_taken_care_of(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", command, "--guild", "5"]) == 1
    assert f"{path_of(folder, GUILD).with_name('5.sqlite3')}: there is no such file" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "command",
    [
        *(["store", name] for name in ("stat", "check", "repair", "upgrade", "backup")),
        ["my-data", "--user", "91"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("kind", ["missing", "file"])
def test_of_a_wrong_data_dir_nobody_is_told_that_it_is_in_order(
    command: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = tmp_path / "wrong"
    monkeypatch.setenv("DATA_DIR", "wrong")
    if kind == "file":
        wrong.touch()
    assert main(command) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"DATA_DIR: {wrong} cannot be looked into" in told.err
    assert "relative to the folder you are in" in told.err
    assert not wrong.is_dir()


@pytest.mark.parametrize(
    ("closed", "command"),
    [
        *product((".", "guilds", "dms"), ("store stat", "store check", "store backup", "doctor")),
        *product((".", "guilds", "dms"), ("my-data --user 91", f"export --guild {GUILD.id}")),
        # Of a file that it may not look into a bot that runs says so in the status.
        (".", "try"),
    ],
)
def test_an_account_that_may_not_look_is_told(command: str, closed: str, folder: Path) -> None:
    place = folder / closed
    place.chmod(0)
    # An account with all rights, as in many containers, gives them up for this.
    give_up = "setpriv --bounding-set=-all --inh-caps=-all" if os.geteuid() == 0 else ""
    try:
        done = subprocess.run(
            ["bash", "-c", f"{give_up} '{sys.executable}' -m bot {command}"],  # noqa: S607
            capture_output=True,
            cwd=Path(__file__).resolve().parents[2],
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    finally:
        place.chmod(0o700)
    assert done.returncode in {1, 2}
    assert f"DATA_DIR: {place} cannot be looked into (Permission denied)" in (
        done.stdout + done.stderr
    )
    assert "Traceback" not in done.stderr


def test_who_objected_everywhere_is_looked_after_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(folder, Engine())
    installation.object(42, 1)
    path = folder / "installation.sqlite3"
    assert main(["store", "stat"]) == 0
    assert "objected everywhere: 1" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 0
    assert f"{path}: is up to date" in capsys.readouterr().out
    assert main(["store", "backup"]) == 0
    assert "installation.sqlite3" in capsys.readouterr().out
    assert main(["store", "check"]) == 0
    assert "3 files are in order" in capsys.readouterr().out
    path.write_bytes(b"no database" * 1000)
    for command in ("check", "stat", "backup"):
        assert main(["store", command]) == 1
    with bot_running(folder):
        assert main(["store", "repair"]) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert main(["store", "repair"]) == 0
    assert "may have to say so again" in capsys.readouterr().out
    assert installation.read().objections == {42: 1}
    assert main(["store", "check"]) == 0


def test_of_an_installation_without_servers_there_is_a_backup(folder: Path) -> None:
    for world in (GUILD, DM):
        path_of(folder, world).unlink()
    assert main(["store", "backup"]) == 1
    Installation(folder, Engine()).object(42, 1)
    assert main(["store", "backup"]) == 0
    (backup,) = (path for path in (folder / "backups").iterdir())
    (folder / "installation.sqlite3").unlink()
    assert main(["store", "restore", str(backup)]) == 0
    assert Installation(folder, Engine()).read().objections == {42: 1}


def test_till_when_a_damaged_file_is_kept_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whatever looks at the files; a backup with few days does not shorten it."""
    monkeypatch.setenv("BACKUP_DAYS", "12")
    aside = rename_aside(path_of(folder, GUILD))
    day = f"{datetime.now(UTC) + timedelta(days=12):%Y-%m-%d}"
    assert main(["store", "check"]) == 1
    assert f"is deleted on {day}" in capsys.readouterr().out
    assert main(["store", "stat"]) == 0
    assert f"damaged, kept until {day}: {aside}" in capsys.readouterr().out
    assert main(["store", "backup", "--keep-days", "0"]) == 0
    assert aside.exists()


def test_every_night_says_so_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    aside = rename_aside(path_of(folder, GUILD))
    office = privacy_office(SqliteStore(folder), backup_days=12)
    assert office._prune_backups is not None
    office._prune_backups()
    (said,) = caplog.messages
    day = f"{datetime.now(UTC) + timedelta(days=12):%Y-%m-%d}"
    assert str(aside) in said
    assert f"deleted on {day}, as" in said


def test_my_data_says_what_it_could_not_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of others' direct messages the person is not to learn.
    for world in (DM, HIS):
        path_of(folder, world).write_bytes(b"no database" * 1000)
    assert main(["my-data", "--user", "91"]) == 1
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert list(document["worlds"]) == [str(GUILD)]
    assert list(document["not_readable"]) == [str(HIS)]
    assert str(path_of(folder, HIS)) in shown.err
    assert str(folder) not in shown.out


def test_my_data_tells_nobody_where_a_file_of_an_earlier_version_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(folder, [exchange(1)], HIS).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, HIS))) as connection:
        connection.execute("PRAGMA user_version = 2")
    assert main(["my-data", "--user", "91"]) == 1
    shown = capsys.readouterr()
    assert "store upgrade" in json.loads(shown.out)["not_readable"][str(HIS)]
    assert str(path_of(folder, HIS)) in shown.err
    assert str(folder) not in shown.out
