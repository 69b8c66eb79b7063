"""`understudy export`, as an operator calls it."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.store.files import path_of
from tests.commands.processes import ROOT
from tests.commands.recorded import COUNT
from tests.store.filling import DM, GUILD, exchange, fill

pytestmark = pytest.mark.usefixtures("folder")


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
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (141, b'{"id":1174', b"")
